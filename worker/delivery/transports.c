#include "delivery/transports.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"

struct transport_client {
    TAILQ_ENTRY(transport_client) link;
    struct transport transport; /* as it was when the client was made, which goes by it */
    struct http_client *http;
};

static void free_one(struct transport_client *one)
{
    http_client_free(one->http);
    free(one);
}

static int add(struct transports *transports, const struct transport *transport,
               struct error_text *why)
{
    struct http_client_config config = transports->config;
    struct transport_client *one = calloc(1, sizeof(*one));
    if (one == NULL) {
        error_text_set(why, "out of memory");
        return -1;
    }
    one->transport = *transport;
    if (transport->cert[0] != '\0') {
        config.cert = one->transport.cert;
        config.key = one->transport.key;
    }
    if (transport->ca_file[0] != '\0')
        config.ca_file = one->transport.ca_file;
    if (transport->has_proxy)
        config.proxy = &one->transport.proxy;
    one->http = http_client_new(transports->loop, &config, why);
    if (one->http == NULL) {
        free_one(one);
        return -1;
    }
    TAILQ_INSERT_TAIL(&transports->named, one, link);
    return 0;
}

int transports_init(struct transports *transports, struct loop *loop,
                    const struct settings *settings, const struct http_client_config *config,
                    struct error_text *why)
{
    transports->loop = loop;
    transports->settings = settings;
    transports->config = *config;
    TAILQ_INIT(&transports->named);
    TAILQ_INIT(&transports->retired);
    transports->main = http_client_new(loop, config, why);
    if (transports->main == NULL || http_client_self_test(transports->main, why) != 0)
        return -1;
    for (size_t i = 0; i < settings->transports_len; i++) {
        if (add(transports, &settings->transports[i], why) != 0)
            return -1;
    }
    return 0;
}

static void free_all(struct transport_clients *clients)
{
    struct transport_client *one;
    while ((one = TAILQ_FIRST(clients)) != NULL) {
        TAILQ_REMOVE(clients, one, link);
        free_one(one);
    }
}

void transports_release(struct transports *transports)
{
    http_client_free(transports->main);
    free_all(&transports->named);
    free_all(&transports->retired);
}

static struct transport_client *find(const struct transports *transports, const char *name)
{
    struct transport_client *one;
    TAILQ_FOREACH(one, &transports->named, link) {
        if (strcmp(one->transport.name, name) == 0)
            return one;
    }
    return NULL;
}

struct http_client *transports_find(const struct transports *transports, const char *name)
{
    const struct transport_client *one;
    if (name == NULL)
        return transports->main;
    one = find(transports, name);
    return one == NULL ? NULL : one->http;
}

static bool is_in_force(const struct settings *settings, const struct transport *transport)
{
    for (size_t i = 0; i < settings->transports_len; i++) {
        if (transport_is_same(&settings->transports[i], transport))
            return true;
    }
    return false;
}

static void free_retired(struct transports *transports)
{
    struct transport_client *one;
    struct transport_client *next;
    for (one = TAILQ_FIRST(&transports->retired); one != NULL; one = next) {
        next = TAILQ_NEXT(one, link);
        if (!http_client_is_idle(one->http))
            continue;
        TAILQ_REMOVE(&transports->retired, one, link);
        free_one(one);
    }
}

void transports_changed(struct transports *transports)
{
    const struct settings *settings = transports->settings;
    struct transport_client *one;
    struct transport_client *next;
    struct error_text why;
    for (one = TAILQ_FIRST(&transports->named); one != NULL; one = next) {
        next = TAILQ_NEXT(one, link);
        if (is_in_force(settings, &one->transport))
            continue;
        TAILQ_REMOVE(&transports->named, one, link);
        TAILQ_INSERT_TAIL(&transports->retired, one, link);
    }
    for (size_t i = 0; i < settings->transports_len; i++) {
        const struct transport *transport = &settings->transports[i];
        if (find(transports, transport->name) == NULL && add(transports, transport, &why) != 0)
            log_at(LOG_ERROR, "transport", log_text("name", transport->name),
                   log_text("why", why.text));
    }
}

void transports_look(struct transports *transports)
{
    struct transport_client *one;
    http_client_look(transports->main);
    TAILQ_FOREACH(one, &transports->named, link)
        http_client_look(one->http);
    free_retired(transports);
}
