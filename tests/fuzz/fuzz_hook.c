/*
 * Any bytes as a hook's JSON. What is accepted must hold to the promises of hook.h, above all that
 * nothing in it can break out of its header line.
 */
#include "fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "contract/hook.h"

static void must(bool truth)
{
    if (!truth)
        abort();
}

static void check_headers(const struct hook *hook)
{
    must(hook->headers_len <= HOOK_MAX_HEADERS);
    for (size_t i = 0; i < hook->headers_len; i++) {
        const char *line = hook->headers[i];
        const char *colon = strchr(line, ':');
        struct error_text why;

        must(colon && colon[1] == ' ' && colon[2] != '\0');
        must(!strpbrk(line, "\r\n"));
        must(hook_header_check((struct bytes){line, (size_t)(colon - line)}, bytes_of(colon + 2),
                               &why) == 0);
    }
}

static void check_accepted(const struct hook *hook)
{
    struct url url;
    struct error_text why;

    must(url_parse(bytes_of(hook->url_text), &url, &why) == 0);
    must(strcmp(url.host, hook->url.host) == 0 && url.port == hook->url.port);
    must(strlen(hook->fingerprint) == HOOK_FINGERPRINT_SIZE - 1);
    must(hook->secrets_len <= HOOK_MAX_SECRETS);
    for (size_t i = 0; i < hook->secrets_len; i++)
        must(hook->secrets[i].key_len >= HOOK_SECRET_MIN &&
             hook->secrets[i].key_len <= HOOK_SECRET_MAX);
    for (const char *c = hook->verification_signature; c && *c; c++)
        must(*c > 0x20 && *c < 0x7f);
    must(hook->max_age_ms >= 0 && hook->timeout_ms >= 0);
    must((hook->rate_interval_us > 0) == (hook->rate_limit[0] != '\0'));
    must(hook->rate_interval_us <= INT64_C(3600000000));
    check_headers(hook);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct hook *hook = NULL;
    struct error_text why = {""};
    int problem = hook_parse(BYTES("main"), (struct bytes){(const char *)data, size}, &hook, &why);

    if (problem) {
        must(!hook && problem != HOOK_NO_MEMORY);
        must(why.text[0] != '\0' && bytes_is_utf8(bytes_of(why.text)));
        return 0;
    }
    check_accepted(hook);
    hook_free(hook);
    return 0;
}
