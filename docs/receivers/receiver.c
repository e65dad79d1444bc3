/* Receives webhooks as a CGI program of any web server: cc receiver.c -lcrypto */
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { BODY_MAX = 8 << 20 };

static const char *header(const char *name)
{
    const char *value = getenv(name);
    return value ? value : "";
}

static int equal(const char *given, size_t len, const char *expected)
{
    return len == strlen(expected) && CRYPTO_memcmp(given, expected, len) == 0;
}

static int is_signed(const char *secret, char *text, size_t text_len)
{
    const char *sent_at = header("HTTP_WEBHOOK_TIMESTAMP"), *given = header("HTTP_WEBHOOK_SIGNATURE");
    size_t digits = strspn(sent_at, "0123456789"), base64_len = strlen(secret) - strlen("whsec_");
    unsigned char key[128], digest[EVP_MAX_MD_SIZE];
    char expected[64] = "v1,";
    unsigned digest_len;
    if (digits == 0 || digits > 12 || sent_at[digits] || llabs(time(NULL) - atoll(sent_at)) > 300)
        return 0;
    const unsigned char *base64 = (const unsigned char *)secret + strlen("whsec_");
    if (strncmp(secret, "whsec_", 6) != 0 || base64_len > 128)
        return 0;
    int key_len = EVP_DecodeBlock(key, base64, (int)base64_len); /* padding decodes to zero bytes */
    for (size_t i = base64_len; i > 0 && base64[i - 1] == '='; i--)
        key_len--;
    if (key_len <= 0 || !HMAC(EVP_sha256(), key, key_len, (unsigned char *)text, text_len, digest, &digest_len))
        return 0;
    EVP_EncodeBlock((unsigned char *)expected + 3, digest, (int)digest_len);
    int matches = 0;
    for (size_t len; *given; given += len + (given[len] == ' ')) {
        len = strcspn(given, " ");
        matches |= equal(given, len, expected);
    }
    return matches;
}

int main(void)
{
    const char *id = header("HTTP_WEBHOOK_ID"), *sent_at = header("HTTP_WEBHOOK_TIMESTAMP");
    const char *password = header("HTTP_VERIFICATION_SIGNATURE");
    long long body_len = atoll(header("CONTENT_LENGTH"));
    size_t head_len = strlen(id) + strlen(sent_at) + 2;
    char *text = body_len >= 0 && body_len <= BODY_MAX ? malloc(head_len + (size_t)body_len + 1) : NULL;
    int valid = 0;
    if (text) {
        sprintf(text, "%s.%s.", id, sent_at);
        size_t len = head_len + fread(text + head_len, 1, (size_t)body_len, stdin);
        if (strcmp(header("PATH_INFO"), "/signed") == 0)
            valid = *id && is_signed(header("WEBHOOK_SECRET"), text, len);
        else
            valid = *password && equal(password, strlen(password), header("VERIFICATION_SIGNATURE"));
    }
    /* Store the event here, then answer; act on it later. */
    printf("Status: %s\r\n\r\n", valid ? "204 No Content" : "401 Unauthorized");
    free(text);
    return 0;
}
