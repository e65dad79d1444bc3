#include <openssl/evp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
/* cmocka.h needs those above. */
#include <cmocka.h>

#include "contract/hook.h"

#define LEN(array) (sizeof(array) / sizeof((array)[0]))

/* The secret of the Standard Webhooks libraries' own tests. */
static void the_reference_secret_is_decoded(void **state)
{
    static const unsigned char key[24] = {0x31, 0xf2, 0x90, 0xf6, 0xbf, 0x06, 0x29, 0x8a,
                                          0xab, 0x4f, 0x08, 0xd4, 0x3c, 0x3f, 0x08, 0x2c,
                                          0xf6, 0x48, 0xa3, 0x62, 0xda, 0x2d, 0xa4, 0xb0};
    struct hook_secret secret;
    struct error_text why;

    (void)state;
    assert_int_equal(
        hook_secret_parse(BYTES("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"), &secret, &why), 0);
    assert_int_equal(secret.key_len, sizeof(key));
    assert_memory_equal(secret.key, key, sizeof(key));
}

/* For each length, with padding and without, against OpenSSL's encoder. */
static void every_length_from_24_to_64_decodes(void **state)
{
    unsigned char key[66];
    char text[128] = "whsec_";

    (void)state;
    for (size_t i = 0; i < sizeof(key); i++)
        key[i] = (unsigned char)(i * 7 + 250);
    for (int len = 22; len <= 66; len++) {
        struct hook_secret secret = {.key_len = 4711};
        struct error_text why;
        int expected = len >= HOOK_SECRET_MIN && len <= HOOK_SECRET_MAX ? 0 : -1;

        EVP_EncodeBlock((unsigned char *)text + 6, key, len);
        assert_int_equal(hook_secret_parse(bytes_of(text), &secret, &why), expected);
        *(strchr(text, '=') ? strchr(text, '=') : text + strlen(text)) = '\0';
        assert_int_equal(hook_secret_parse(bytes_of(text), &secret, &why), expected);
        if (expected == 0) {
            assert_int_equal(secret.key_len, len);
            assert_memory_equal(secret.key, key, (size_t)len);
        } else {
            assert_int_equal(secret.key_len, 4711);
        }
    }
}

static void what_is_not_plain_base64_is_refused(void **state)
{
    static const char *const bad[] = {
        "",
        "whsec_",
        "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        "WHSEC_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        "whsk_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        " whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        "whsec_ MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw ",
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n",
        "whsec_MfKQ9r8GKYqr\nTwjUPD8ILPZIo2LaLaSw",
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLa-_", /* the URL alphabet */
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw=",
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw==",
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw====",
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwA",    /* six bits alone */
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwAA=",  /* half a padding */
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwAB",   /* bits that belong to no byte */
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwAAB=", /* the same */
        "whsec_MfKQ9r8GKYqr==wjUPD8ILPZIo2LaLaSwAAA", /* padding inside */
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwA===",
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaS\xc3\xa4",
    };

    (void)state;
    for (size_t i = 0; i < LEN(bad); i++) {
        struct hook_secret secret = {.key_len = 4711};
        struct error_text why = {""};

        if (hook_secret_parse(bytes_of(bad[i]), &secret, &why) != -1)
            fail_msg("%s", bad[i]);
        assert_int_equal(secret.key_len, 4711);
        assert_non_null(strstr(why.text, "secret: "));
        assert_null(strstr(why.text, "MfKQ")); /* a secret is never quoted */
    }
}

static void made_secrets_parse_and_differ(void **state)
{
    char first[64];
    char second[64];
    struct hook_secret secret;
    struct error_text why;

    (void)state;
    assert_int_equal(hook_make_secret(first), 0);
    assert_int_equal(hook_make_secret(second), 0);
    assert_string_not_equal(first, second);
    assert_int_equal(hook_secret_parse(bytes_of(first), &secret, &why), 0);
    assert_int_equal(secret.key_len, 32);
}

static void made_signatures_are_16_letters_and_digits(void **state)
{
    char first[17];
    char second[17];

    (void)state;
    assert_int_equal(hook_make_signature(first), 0);
    assert_int_equal(hook_make_signature(second), 0);
    assert_string_not_equal(first, second);
    assert_int_equal(strlen(first), 16);
    assert_int_equal(
        strspn(first, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"), 16);
}

/* 480 000 characters, each of the 62 about 7742 times. Eight standard deviations are 700; taking
 * the remainder of a byte alone would give the first eight letters 9375. */
static void made_signatures_use_the_whole_alphabet_evenly(void **state)
{
    int seen[256] = {0};
    int used = 0;

    (void)state;
    for (int i = 0; i < 30000; i++) {
        char signature[17];

        assert_int_equal(hook_make_signature(signature), 0);
        for (int k = 0; k < 16; k++)
            seen[(unsigned char)signature[k]]++;
    }
    for (int c = 0; c < 256; c++) {
        if (seen[c] == 0)
            continue;
        used++;
        assert_in_range(seen[c], 7742 - 700, 7742 + 700);
    }
    assert_int_equal(used, 62);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_reference_secret_is_decoded),
        cmocka_unit_test(every_length_from_24_to_64_decodes),
        cmocka_unit_test(what_is_not_plain_base64_is_refused),
        cmocka_unit_test(made_secrets_parse_and_differ),
        cmocka_unit_test(made_signatures_are_16_letters_and_digits),
        cmocka_unit_test(made_signatures_use_the_whole_alphabet_evenly),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
