#include "contract/signature.h"

#include <inttypes.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define SHA256_SIZE 32
#define BASE64_SIZE 45    /* of 32 bytes, with its NUL */
#define SIGNATURE_SIZE 64 /* "v1," and that */

/* Feeds "<id>.<timestamp>." and the body. EVP functions return 1 for success. */
static bool mac_content(EVP_MAC_CTX *mac, struct bytes id, int64_t timestamp_s, struct bytes body)
{
    char middle[32];
    int len = snprintf(middle, sizeof(middle), ".%" PRId64 ".", timestamp_s);

    return EVP_MAC_update(mac, (const unsigned char *)id.data, id.len) == 1 &&
           EVP_MAC_update(mac, (const unsigned char *)middle, (size_t)len) == 1 &&
           EVP_MAC_update(mac, (const unsigned char *)body.data, body.len) == 1;
}

static int append_one(struct buffer *out, EVP_MAC_CTX *mac, const struct hook_secret *secret,
                      struct bytes id, int64_t timestamp_s, struct bytes body)
{
    char digest_name[] = "SHA256";
    const OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest_name, 0),
        OSSL_PARAM_construct_end(),
    };
    unsigned char digest[SHA256_SIZE];
    unsigned char text[BASE64_SIZE];
    size_t digest_len;
    int text_len;

    if (EVP_MAC_init(mac, secret->key, secret->key_len, params) != 1 ||
        !mac_content(mac, id, timestamp_s, body) ||
        EVP_MAC_final(mac, digest, &digest_len, sizeof(digest)) != 1)
        return -1;
    text_len = EVP_EncodeBlock(text, digest, (int)digest_len);
    buffer_append_text(out, "v1,");
    buffer_append(out, text, (size_t)text_len);
    return 0;
}

int signature_append(struct buffer *out, const struct hook_secret *secrets, size_t secrets_len,
                     struct bytes id, int64_t timestamp_s, struct bytes body)
{
    EVP_MAC *algorithm = EVP_MAC_fetch(NULL, "HMAC", NULL);
    EVP_MAC_CTX *mac = algorithm ? EVP_MAC_CTX_new(algorithm) : NULL;
    int failed = mac ? 0 : -1;

    for (size_t i = 0; i < secrets_len && !failed; i++) {
        if (secrets[i].until_ms != 0 && timestamp_s >= secrets[i].until_ms / 1000)
            continue;
        if (i > 0) /* the first has no end */
            buffer_append_char(out, ' ');
        failed = append_one(out, mac, &secrets[i], id, timestamp_s, body);
    }
    EVP_MAC_CTX_free(mac); /* wipes its copy of the key */
    EVP_MAC_free(algorithm);
    return failed || buffer_failed(out) ? -1 : 0;
}

/* Cuts the next word off. */
static struct bytes take_word(struct bytes *text)
{
    size_t len = 0;

    while (len < text->len && text->data[len] != ' ')
        len++;
    struct bytes word = {text->data, len};
    if (len < text->len)
        len++;
    *text = (struct bytes){text->data + len, text->len - len};
    return word;
}

int signature_verify(struct bytes given, const struct hook_secret *secret, struct bytes id,
                     int64_t timestamp_s, struct bytes body)
{
    struct buffer expected;
    int result = 0;

    buffer_init(&expected, SIGNATURE_SIZE);
    if (signature_append(&expected, secret, 1, id, timestamp_s, body) < 0)
        result = -1;
    while (result == 0 && given.len > 0) {
        struct bytes one = take_word(&given);
        if (one.len == expected.len && CRYPTO_memcmp(one.data, expected.data, one.len) == 0)
            result = 1;
    }
    buffer_release(&expected);
    return result;
}
