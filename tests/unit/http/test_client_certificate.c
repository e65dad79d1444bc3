#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "http/client_internal.h"

#define MESSAGE_MAX 40000
#define RSA "\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01"
#define EC "\x06\x07\x2a\x86\x48\xce\x3d\x02\x01"
#define P_256 "\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07"
#define P_224 "\x06\x05\x2b\x81\x04\x00\x21"
#define FIELD "\x30\x03\x02\x01\x01" /* begins a curve that is written out */

/* Built from its end to its beginning: each element is put before what is there. */
struct der {
    char data[MESSAGE_MAX];
    size_t at;
};

static void begin(struct der *der)
{
    memset(der->data, 0, sizeof(der->data));
    der->at = sizeof(der->data);
}

static size_t len_of(const struct der *der)
{
    return sizeof(der->data) - der->at;
}

static void put(struct der *der, const void *data, size_t len)
{
    assert_true(len <= der->at);
    der->at -= len;
    memcpy(der->data + der->at, data, len);
}

static void put_number(struct der *der, size_t number, size_t size)
{
    for (; size > 0; size--, number >>= 8)
        put(der, &(char){(char)(number & 0xff)}, 1);
}

/* Wraps all that was put since there were len bytes. */
static void wrap(struct der *der, int tag, size_t len)
{
    put_number(der, len_of(der) - len, 2);
    put_number(der, 0x82, 1);
    put_number(der, (size_t)tag, 1);
}

static void put_integer(struct der *der, size_t bits)
{
    size_t len = len_of(der);
    for (size_t i = 0; i < (bits + 7) / 8; i++)
        put(der, "\xff", 1);
    put(der, "", 1);
    wrap(der, 0x02, len);
}

static void put_algorithm(struct der *der, struct bytes algorithm, size_t len)
{
    size_t inner = len_of(der);
    put(der, algorithm.data, algorithm.len);
    wrap(der, 0x30, inner);
    wrap(der, 0x30, len);
}

static void put_rsa_key(struct der *der, size_t modulus_bits, size_t exponent_bits)
{
    size_t len = len_of(der);
    put_integer(der, exponent_bits);
    put_integer(der, modulus_bits);
    wrap(der, 0x30, len);
    put(der, "", 1);
    wrap(der, 0x03, len);
    put_algorithm(der, BYTES(RSA), len);
}

static void put_ec_key(struct der *der, struct bytes algorithm)
{
    size_t len = len_of(der);
    put(der, "\x03\x03\x00\x02\x05", 5);
    put_algorithm(der, algorithm, len);
}

static void put_extension(struct der *der, struct bytes value)
{
    size_t len = len_of(der);
    put(der, value.data, value.len);
    wrap(der, 0x04, len);
    put(der, "\x06\x03\x55\x1d\x1f", 5);
    wrap(der, 0x30, len);
    wrap(der, 0x30, len);
    wrap(der, 0xa3, len);
}

/* The key was put; before it come subject, validity, issuer, algorithm, serial, version. */
static void finish_certificate(struct der *der, size_t len)
{
    for (int i = 0; i < 4; i++)
        put(der, "\x30\x00", 2);
    put(der, "\xa0\x03\x02\x01\x02\x02\x01\x01", 8);
    wrap(der, 0x30, len);
    wrap(der, 0x30, len);
    put_number(der, len_of(der) - len, 3);
}

static struct bytes finish_message(struct der *der)
{
    put_number(der, len_of(der), 3);
    return (struct bytes){der->data + der->at, len_of(der)};
}

static enum tls_refusal judge_rsa(size_t count, size_t modulus_bits, size_t exponent_bits)
{
    struct der der;
    begin(&der);
    while (count-- > 0) {
        size_t len = len_of(&der);
        put_rsa_key(&der, modulus_bits, exponent_bits);
        finish_certificate(&der, len);
    }
    return certificates_judge(finish_message(&der), false);
}

static enum tls_refusal judge_ec(struct bytes algorithm)
{
    struct der der;
    begin(&der);
    put_ec_key(&der, algorithm);
    finish_certificate(&der, 0);
    return certificates_judge(finish_message(&der), false);
}

static enum tls_refusal judge_points(struct bytes points)
{
    struct der der;
    begin(&der);
    put_extension(&der, points);
    put_ec_key(&der, BYTES(EC P_256));
    finish_certificate(&der, 0);
    return certificates_judge(finish_message(&der), false);
}

static void rsa_keys_have_a_size(void **state)
{
    (void)state;
    assert_int_equal(judge_rsa(1, 2048, 17), TLS_ACCEPTED);
    assert_int_equal(judge_rsa(1, 8192, 64), TLS_ACCEPTED);
    assert_int_equal(judge_rsa(1, 8200, 17), TLS_LARGE_KEY);
    assert_int_equal(judge_rsa(1, 2048, 72), TLS_LARGE_KEY);
}

static void chains_have_a_length(void **state)
{
    (void)state;
    assert_int_equal(judge_rsa(0, 0, 0), TLS_ACCEPTED); /* OpenSSL refuses it */
    assert_int_equal(judge_rsa(10, 512, 17), TLS_ACCEPTED);
    assert_int_equal(judge_rsa(11, 512, 17), TLS_LONG_CHAIN);
    assert_int_equal(judge_rsa(9, 32768, 17), TLS_LARGE_CHAIN);
}

static void curves_are_known_by_name(void **state)
{
    (void)state;
    assert_int_equal(judge_ec(BYTES(EC P_256)), TLS_ACCEPTED);
    assert_int_equal(judge_ec(BYTES(EC P_224)), TLS_STRANGE_KEY);
    assert_int_equal(judge_ec(BYTES(EC FIELD)), TLS_STRANGE_KEY);
    assert_int_equal(judge_ec(BYTES(EC)), TLS_STRANGE_KEY);
    assert_int_equal(judge_ec(BYTES("\x06\x03\x2b\x65\x70")), TLS_ACCEPTED);    /* Ed25519 */
    assert_int_equal(judge_ec(BYTES("\x06\x03\x2b\x65\x6e")), TLS_STRANGE_KEY); /* X25519 */
}

static void points_have_full_names(void **state)
{
    (void)state;
    assert_int_equal(judge_points(BYTES("\x30\x00")), TLS_ACCEPTED);
    assert_int_equal(judge_points(BYTES("\x30\x06\x30\x04\xa0\x02\xa0\x00")), TLS_ACCEPTED);
    assert_int_equal(judge_points(BYTES("\x30\x06\x30\x04\xa0\x02\xa1\x00")), TLS_STRANGE_POINT);
    assert_int_equal(judge_points(BYTES("\x30\x06\x30\x04\x81\x02\xa1\x00")), TLS_ACCEPTED);
    /* The same tags in a longer form, which OpenSSL understands. */
    assert_int_equal(judge_points(BYTES("\x30\x08\x30\x06\xbf\x00\x03\xbf\x01\x00")),
                     TLS_MALFORMED);
    assert_int_equal(judge_points(BYTES("\x30\x80\x00\x00")), TLS_MALFORMED);
}

static void what_is_cut_anywhere_is_malformed(void **state)
{
    struct der der;
    struct bytes message;
    (void)state;
    begin(&der);
    put_extension(&der, BYTES("\x30\x06\x30\x04\xa0\x02\xa0\x00"));
    put_rsa_key(&der, 512, 17);
    finish_certificate(&der, 0);
    message = finish_message(&der);
    assert_int_equal(certificates_judge(message, false), TLS_ACCEPTED);
    for (size_t len = 0; len < message.len; len++)
        assert_int_equal(certificates_judge((struct bytes){message.data, len}, false),
                         TLS_MALFORMED);
    assert_int_equal(certificates_judge(message, true), TLS_MALFORMED);
}

static void the_message_of_tls_1_3_has_more_in_it(void **state)
{
    struct der der;
    (void)state;
    begin(&der);
    put(&der, "\x00\x00", 2); /* extensions */
    size_t len = len_of(&der);
    put_rsa_key(&der, 512, 17);
    finish_certificate(&der, len);
    struct bytes message = finish_message(&der);
    assert_int_equal(certificates_judge(message, false), TLS_MALFORMED);
    put(&der, "", 1); /* context */
    message = (struct bytes){der.data + der.at, len_of(&der)};
    assert_int_equal(certificates_judge(message, true), TLS_ACCEPTED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rsa_keys_have_a_size),
        cmocka_unit_test(chains_have_a_length),
        cmocka_unit_test(curves_are_known_by_name),
        cmocka_unit_test(points_have_full_names),
        cmocka_unit_test(what_is_cut_anywhere_is_malformed),
        cmocka_unit_test(the_message_of_tls_1_3_has_more_in_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
