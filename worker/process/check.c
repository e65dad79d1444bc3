#include "process/check.h"

#include <stdio.h>

#include "process/alert_hook.h"
#include "redis/tls.h"

static int check_tls_files(const struct tls_files *files, struct error_text *why)
{
    struct ssl_ctx_st *context = tls_context_new(files, why);
    tls_context_free(context);
    return context ? 0 : -1;
}

static int check_transport(const struct transport *transport, struct error_text *why)
{
    char prefix[RH_NAME_MAX + 32];

    (void)snprintf(prefix, sizeof(prefix), "transport %s: ", transport->name);
    const struct tls_files files = {transport->ca_file, transport->cert, transport->key, prefix};
    return check_tls_files(&files, why);
}

int check_transports(const struct settings *settings, struct error_text *why)
{
    for (size_t i = 0; i < settings->transports_len; i++) {
        if (check_transport(&settings->transports[i], why) != 0)
            return -1;
    }
    return 0;
}

int check_files(const struct settings *settings, struct error_text *why)
{
    const struct tls_files files = {
        .ca = settings->redis_ca, .cert = settings->redis_cert, .key = settings->redis_key};

    struct alert_hook alert;

    int checked = alert_hook_make(settings, &alert, why);
    alert_hook_release(&alert);
    if (checked != 0 || (settings->redis.tls && check_tls_files(&files, why) != 0))
        return -1;
    return check_transports(settings, why);
}
