#include "delivery/transports.h"

#include <string.h>

static struct http_client *make(struct loop *loop, const struct transport *transport,
                                const struct http_client_config *main, struct error_text *why)
{
    struct http_client_config config = *main;
    if (transport->cert[0] != '\0') {
        config.cert = transport->cert;
        config.key = transport->key;
    }
    if (transport->ca_file[0] != '\0')
        config.ca_file = transport->ca_file;
    if (transport->has_proxy)
        config.proxy = &transport->proxy;
    return http_client_new(loop, &config, why);
}

int transports_init(struct transports *transports, struct loop *loop,
                    const struct settings *settings, const struct http_client_config *main,
                    struct error_text *why)
{
    transports->settings = settings;
    transports->main = http_client_new(loop, main, why);
    if (transports->main == NULL || http_client_self_test(transports->main, why) != 0)
        return -1;
    for (; transports->len < settings->transports_len; transports->len++) {
        struct http_client *client = make(loop, &settings->transports[transports->len], main, why);
        if (client == NULL)
            return -1;
        transports->named[transports->len] = client;
    }
    return 0;
}

void transports_release(struct transports *transports)
{
    http_client_free(transports->main);
    for (size_t i = 0; i < transports->len; i++)
        http_client_free(transports->named[i]);
}

struct http_client *transports_find(const struct transports *transports, const char *name)
{
    if (name == NULL)
        return transports->main;
    for (size_t i = 0; i < transports->len; i++) {
        if (strcmp(transports->settings->transports[i].name, name) == 0)
            return transports->named[i];
    }
    return NULL;
}

void transports_look(struct transports *transports)
{
    http_client_look(transports->main);
    for (size_t i = 0; i < transports->len; i++)
        http_client_look(transports->named[i]);
}
