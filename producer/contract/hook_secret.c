#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <stdlib.h>
#include <string.h>

#include "contract/hook_secret.h"
#include "contract/json_read.h"

#define SECRET_PREFIX "whsec_"
#define NEW_SECRET_BYTES 32
#define NEW_SIGNATURE_CHARS 16

/* The value of a base64 digit (RFC 4648 §4), or -1. */
static int base64_digit(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    if (c == '+')
        return 62;
    return c == '/' ? 63 : -1;
}

/*
 * Decodes base64 with its padding or without. Anything else (blanks, a wrong padding, bits left
 * over) is refused: the libraries receivers verify with differ about it, and so would their keys.
 * OpenSSL's decoder would let most of it pass.
 */
static int decode_base64(struct bytes text, unsigned char *out, size_t size, size_t *ret_len)
{
    uint32_t bits = 0;
    unsigned held = 0; /* how many low bits of bits are not yet written */
    size_t len = 0;
    size_t padding = 0;

    while (padding < 2 && padding < text.len && text.data[text.len - 1 - padding] == '=')
        padding++;
    if (padding > 0 && text.len % 4 != 0)
        return -1;
    for (size_t i = 0; i < text.len - padding; i++) {
        int digit = base64_digit(text.data[i]);

        if (digit < 0)
            return -1;
        bits = bits << 6 | (uint32_t)digit;
        held += 6;
        if (held < 8)
            continue;
        held -= 8;
        if (len == size)
            return -1;
        out[len++] = (unsigned char)(bits >> held);
        bits &= (1u << held) - 1;
    }
    /* A last group of one digit (6 bits held), or bits that belong to no byte. */
    if (held >= 6 || bits != 0)
        return -1;
    *ret_len = len;
    return 0;
}

int hook_secret_parse(struct bytes text, struct hook_secret *ret_secret, struct error_text *why)
{
    struct bytes prefix = BYTES(SECRET_PREFIX);
    struct hook_secret secret = {0};
    struct bytes base64;
    int problem = -1;

    if (text.len < prefix.len || memcmp(text.data, prefix.data, prefix.len) != 0) {
        error_text_set(why, "secret: must start with \"" SECRET_PREFIX "\"");
        return -1;
    }
    base64 = (struct bytes){text.data + prefix.len, text.len - prefix.len};
    if (decode_base64(base64, secret.key, sizeof(secret.key), &secret.key_len) ||
        secret.key_len < HOOK_SECRET_MIN) {
        error_text_set(why, "secret: after \"" SECRET_PREFIX "\" must be base64 of %d..%d bytes",
                       HOOK_SECRET_MIN, HOOK_SECRET_MAX);
    } else {
        *ret_secret = secret;
        problem = 0;
    }
    OPENSSL_cleanse(&secret, sizeof(secret));
    return problem;
}

static int bad_secret(struct error_text *why)
{
    error_text_set(why,
                   "secret: must be a string, or a list of 1..%d strings; after the first "
                   "also objects of key and until, a time in ms",
                   HOOK_MAX_SECRETS);
    return -1;
}

/* {"key": "whsec_…", "until": ms} */
static int read_ending(json_t *value, struct hook_secret *secret, struct error_text *why)
{
    json_t *key = json_object_get(value, "key");
    json_t *until = json_object_get(value, "until");

    if (!json_is_string(key) || !json_is_integer(until) || json_integer_value(until) <= 0 ||
        json_object_size(value) != 2)
        return bad_secret(why);
    if (hook_secret_parse(json_text_of(key), secret, why))
        return -1;
    secret->until_ms = json_integer_value(until);
    return 0;
}

static int read_one(json_t *value, bool is_first, struct hook_secret *secret,
                    struct error_text *why)
{
    if (json_is_object(value) && !is_first)
        return read_ending(value, secret, why);
    if (!json_is_string(value))
        return bad_secret(why);
    return hook_secret_parse(json_text_of(value), secret, why);
}

int hook_secrets_read(json_t *value, struct hook_secret **ret_secrets, size_t *ret_len,
                      struct error_text *why)
{
    bool is_list = json_is_array(value);
    size_t len = is_list ? json_array_size(value) : 1;
    struct hook_secret *secrets;

    if (len < 1 || len > HOOK_MAX_SECRETS) {
        error_text_set(why, "secret: the list has %zu entries, 1..%d are allowed", len,
                       HOOK_MAX_SECRETS);
        return -1;
    }
    secrets = calloc(len, sizeof(*secrets));
    if (!secrets) {
        error_text_set(why, "out of memory");
        return -2;
    }
    for (size_t i = 0; i < len; i++) {
        if (read_one(is_list ? json_array_get(value, i) : value, i == 0, &secrets[i], why)) {
            hook_secrets_free(secrets, len);
            return -1;
        }
    }
    *ret_secrets = secrets;
    *ret_len = len;
    return 0;
}

void hook_secrets_free(struct hook_secret *secrets, size_t len)
{
    if (secrets)
        OPENSSL_cleanse(secrets, len * sizeof(*secrets));
    free(secrets);
}

int hook_make_signature(char out[17])
{
    static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    const unsigned alphabet_len = sizeof(alphabet) - 1;
    unsigned char random[64];
    size_t len = 0;

    while (len < NEW_SIGNATURE_CHARS) {
        if (RAND_bytes(random, sizeof(random)) != 1)
            return -1;
        for (size_t i = 0; i < sizeof(random) && len < NEW_SIGNATURE_CHARS; i++) {
            /* Bytes past the last whole multiple would make the first letters likelier. */
            if (random[i] < 256 - 256 % alphabet_len)
                out[len++] = alphabet[random[i] % alphabet_len];
        }
    }
    out[len] = '\0';
    OPENSSL_cleanse(random, sizeof(random));
    return 0;
}

int hook_make_secret(char out[HOOK_SECRET_TEXT_SIZE])
{
    unsigned char random[NEW_SECRET_BYTES];
    size_t prefix_len = sizeof(SECRET_PREFIX) - 1;

    if (RAND_bytes(random, sizeof(random)) != 1)
        return -1;
    memcpy(out, SECRET_PREFIX, prefix_len);
    EVP_EncodeBlock((unsigned char *)out + prefix_len, random,
                    sizeof(random)); /* ends with a NUL */
    OPENSSL_cleanse(random, sizeof(random));
    return 0;
}
