#include "process/check.h"

#include "redis/tls.h"

int check_files(const struct settings *settings, struct error_text *why)
{
    const struct tls_files files = {settings->redis_ca, settings->redis_cert, settings->redis_key};

    if (!settings->redis.tls)
        return 0;
    struct ssl_ctx_st *context = tls_context_new(&files, why);
    tls_context_free(context);
    return context ? 0 : -1;
}
