/*
 * Any bytes as a secret of a hook. What is accepted must be the one way, but for its padding, of
 * writing that key: the libraries receivers verify with would make the same key of it. The whole is
 * tried as the value of "secret" in a hook's JSON besides.
 */
#include "fuzz.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "contract/hook.h"

#define PREFIX "whsec_"

static void must(bool truth)
{
    if (!truth)
        abort();
}

static struct bytes without_padding(struct bytes text)
{
    while (text.len > 0 && text.data[text.len - 1] == '=')
        text.len--;
    return text;
}

static void check_accepted(const struct hook_secret *secret, struct bytes text)
{
    unsigned char encoded[128];
    int len = EVP_EncodeBlock(encoded, secret->key, (int)secret->key_len);
    struct bytes ours = without_padding((struct bytes){(const char *)encoded, (size_t)len});
    struct bytes given = {text.data + strlen(PREFIX), text.len - strlen(PREFIX)};
    size_t padding = given.len - without_padding(given).len;

    must(secret->key_len >= HOOK_SECRET_MIN && secret->key_len <= HOOK_SECRET_MAX);
    must(secret->until_ms == 0);
    must(memcmp(text.data, PREFIX, strlen(PREFIX)) == 0);
    must(bytes_equal(ours, without_padding(given)));
    must(padding == 0 || given.len % 4 == 0);
}

static void check_as_json(struct bytes value)
{
    struct hook *hook = NULL;
    struct error_text why = {""};
    struct buffer json;
    int problem;

    buffer_init(&json, HOOK_JSON_MAX);
    buffer_append_text(&json, "{\"url\":\"https://host/\",\"secret\":");
    buffer_append_bytes(&json, value);
    buffer_append_char(&json, '}');
    problem = buffer_failed(&json) ? HOOK_BAD
                                   : hook_parse(BYTES("main"), buffer_bytes(&json), &hook, &why);
    buffer_release(&json);
    must((problem == HOOK_OK) == (hook != NULL));
    if (!hook)
        return;
    must(hook->secrets_len <= HOOK_MAX_SECRETS);
    for (size_t i = 0; i < hook->secrets_len; i++) {
        must(hook->secrets[i].key_len >= HOOK_SECRET_MIN);
        must(hook->secrets[i].key_len <= HOOK_SECRET_MAX);
        must(hook->secrets[i].until_ms >= 0);
    }
    must(hook->secrets_len == 0 || hook->secrets[0].until_ms == 0);
    hook_free(hook);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes text = {(const char *)data, size};
    struct hook_secret secret;
    struct error_text why = {""};

    if (hook_secret_parse(text, &secret, &why))
        must(why.text[0] != '\0' && bytes_is_utf8(bytes_of(why.text)));
    else
        check_accepted(&secret, text);
    check_as_json(text);
    return 0;
}
