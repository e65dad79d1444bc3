#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "contract/signature.h"

/* From the test suites of the Standard Webhooks reference libraries (Python, Rust). */
static const struct vector {
    const char *secret;
    const char *id;
    int64_t timestamp_s;
    const char *body;
    const char *signature;
} vectors[] = {
    {"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330,
     "{\"test\": 2432232314}", "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="},
    {"whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD", "msg_27UH4WbU6Z5A5EzD8u03UvzRbpk", 1649367553,
     "{\"email\":\"test@example.com\",\"username\":\"test_user\"}",
     "v1,tZ1I4/hDygAJgO5TYxiSd6Sd0kDW6hPenDe+bTa3Kkw="},
};

static struct hook_secret secret_of(const char *text)
{
    struct hook_secret secret;
    struct error_text why;

    assert_int_equal(hook_secret_parse(bytes_of(text), &secret, &why), 0);
    return secret;
}

static void assert_signature(const struct hook_secret *secrets, size_t secrets_len,
                             const struct vector *vector, struct bytes body, const char *expected)
{
    struct buffer out;

    buffer_init(&out, 1024);
    assert_int_equal(signature_append(&out, secrets, secrets_len, bytes_of(vector->id),
                                      vector->timestamp_s, body),
                     0);
    assert_string_equal(out.data, expected);
    buffer_release(&out);
}

/* Adds one to a list that is parted by spaces. */
static void strcat_signature(char *list, size_t size, const char *signature)
{
    size_t len = strlen(list);

    snprintf(list + len, size - len, "%s%s", len > 0 ? " " : "", signature);
}

static void append_reference_vectors_match(void **unused)
{
    (void)unused;
    for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
        struct hook_secret secret = secret_of(vectors[i].secret);

        assert_signature(&secret, 1, &vectors[i], bytes_of(vectors[i].body), vectors[i].signature);
    }
}

static void append_two_secrets_signs_with_both_newest_first(void **unused)
{
    struct hook_secret secrets[] = {secret_of(vectors[1].secret), secret_of(vectors[0].secret)};
    char expected[128] = "v1,78nXHjpFP0tVJQW5D0SBwmVyyW87BV/rL6MgfM/Bw44= ";

    (void)unused;
    memcpy(expected + strlen(expected), vectors[0].signature, strlen(vectors[0].signature) + 1);
    assert_signature(secrets, 2, &vectors[0], bytes_of(vectors[0].body), expected);
}

/* Old secrets of a rotated hook: one ends at this second, one signs yet, one has long ended. */
static void append_secrets_that_ended_are_left_out(void **unused)
{
    struct hook_secret secrets[] = {secret_of(vectors[0].secret), secret_of(vectors[1].secret),
                                    secret_of(vectors[1].secret), secret_of(vectors[1].secret)};
    char both[128];

    (void)unused;
    secrets[1].until_ms = vectors[0].timestamp_s * 1000;
    secrets[2].until_ms = (vectors[0].timestamp_s + 1) * 1000;
    secrets[3].until_ms = 1;
    snprintf(both, sizeof(both),
             "%s v1,78nXHjpFP0tVJQW5D0SBwmVyyW87BV/rL6MgfM/Bw44=", vectors[0].signature);
    assert_signature(secrets, 4, &vectors[0], bytes_of(vectors[0].body), both);
    secrets[2].until_ms = 1;
    assert_signature(secrets, 4, &vectors[0], bytes_of(vectors[0].body), vectors[0].signature);
}

static void append_most_secrets_sign_all(void **unused)
{
    struct hook_secret secrets[HOOK_MAX_SECRETS];
    char expected[256] = "";

    (void)unused;
    for (size_t i = 0; i < HOOK_MAX_SECRETS; i++) {
        secrets[i] = secret_of(vectors[0].secret);
        strcat_signature(expected, sizeof(expected), vectors[0].signature);
    }
    assert_signature(secrets, HOOK_MAX_SECRETS, &vectors[0], bytes_of(vectors[0].body), expected);
}

static void append_any_changed_byte_changes_the_signature(void **unused)
{
    const struct vector *vector = &vectors[0];
    struct hook_secret secret = secret_of(vector->secret);
    char text[256];
    struct bytes id = {text, strlen(vector->id)};
    struct bytes body = {text + id.len, strlen(vector->body)};

    (void)unused;
    snprintf(text, sizeof(text), "%s%s", vector->id, vector->body);
    for (size_t bit = 0; bit < (id.len + body.len) * 8; bit++) {
        struct buffer out;

        buffer_init(&out, 1024);
        text[bit / 8] = (char)(text[bit / 8] ^ (1 << bit % 8));
        assert_int_equal(signature_append(&out, &secret, 1, id, vector->timestamp_s, body), 0);
        assert_string_not_equal(out.data, vector->signature);
        text[bit / 8] = (char)(text[bit / 8] ^ (1 << bit % 8));
        buffer_release(&out);
    }
    assert_signature(&secret, 1, vector, body, vector->signature);
}

static void append_longest_key_and_empty_body_match_another_hmac(void **unused)
{
    static const struct vector vector = {.id = "e", .timestamp_s = -1};
    struct hook_secret secret = {.key_len = HOOK_SECRET_MAX};

    (void)unused;
    memset(secret.key, 'k', sizeof(secret.key));
    assert_signature(&secret, 1, &vector, (struct bytes){NULL, 0},
                     "v1,aJnS6odvJ5No1IvAjnkIRKETpGQq9uRsLgPfu3oXQKg=");
}

static void append_binary_body_signs_every_byte(void **unused)
{
    struct hook_secret secret = secret_of(vectors[0].secret);

    (void)unused;
    assert_signature(&secret, 1, &vectors[0], BYTES("a\0b"),
                     "v1,OCz/PmGBdMa0Av1gDdWl33myIh8dApC6qlZDpRISdA8=");
}

static void append_goes_behind_what_is_there(void **unused)
{
    struct hook_secret secret = secret_of(vectors[0].secret);
    struct buffer out;

    (void)unused;
    buffer_init(&out, 1024);
    buffer_append_text(&out, "webhook-signature: ");
    assert_int_equal(signature_append(&out, &secret, 1, bytes_of(vectors[0].id),
                                      vectors[0].timestamp_s, bytes_of(vectors[0].body)),
                     0);
    assert_string_equal(out.data,
                        "webhook-signature: v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    buffer_release(&out);
}

static void append_full_buffer_fails(void **unused)
{
    struct hook_secret secret = secret_of(vectors[0].secret);
    struct buffer out;

    (void)unused;
    buffer_init(&out, 46); /* one less than "v1," and 44 of base64 */
    assert_int_equal(signature_append(&out, &secret, 1, BYTES("id"), 1, BYTES("{}")), -1);
    buffer_release(&out);
    buffer_init(&out, 47);
    assert_int_equal(signature_append(&out, &secret, 1, BYTES("id"), 1, BYTES("{}")), 0);
    buffer_release(&out);
}

static int verify(const char *given, const struct vector *vector, const char *secret_text)
{
    struct hook_secret secret = secret_of(secret_text);

    return signature_verify(bytes_of(given), &secret, bytes_of(vector->id), vector->timestamp_s,
                            bytes_of(vector->body));
}

static void verify_reference_vectors_match(void **unused)
{
    char list[256] = "";

    (void)unused;
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(verify(vectors[i].signature, &vectors[i], vectors[i].secret), 1);
        strcat_signature(list, sizeof(list), vectors[i].signature);
    }
    for (size_t i = 0; i < 2; i++)
        assert_int_equal(verify(list, &vectors[i], vectors[i].secret), 1);
}

static void verify_wrong_ones_do_not_match(void **unused)
{
    char cut[64];

    (void)unused;
    assert_int_equal(verify(vectors[0].signature, &vectors[0], vectors[1].secret), 0);
    assert_int_equal(verify(vectors[0].signature, &vectors[1], vectors[0].secret), 0);
    assert_int_equal(verify("", &vectors[0], vectors[0].secret), 0);
    assert_int_equal(verify("  ", &vectors[0], vectors[0].secret), 0);
    snprintf(cut, sizeof(cut), "%.*s", (int)strlen(vectors[0].signature) - 1, vectors[0].signature);
    assert_int_equal(verify(cut, &vectors[0], vectors[0].secret), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(append_reference_vectors_match),
        cmocka_unit_test(append_two_secrets_signs_with_both_newest_first),
        cmocka_unit_test(append_secrets_that_ended_are_left_out),
        cmocka_unit_test(append_most_secrets_sign_all),
        cmocka_unit_test(append_any_changed_byte_changes_the_signature),
        cmocka_unit_test(append_longest_key_and_empty_body_match_another_hmac),
        cmocka_unit_test(append_binary_body_signs_every_byte),
        cmocka_unit_test(append_goes_behind_what_is_there),
        cmocka_unit_test(append_full_buffer_fails),
        cmocka_unit_test(verify_reference_vectors_match),
        cmocka_unit_test(verify_wrong_ones_do_not_match),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
