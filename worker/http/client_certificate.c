#include <string.h>

#include "http/client_internal.h"

/*
 * What OpenSSL does with a receiver's certificates before it trusts one of them is priced by the
 * receiver: a key on a curve of its own takes 0.1 s to decode, a list of distribution points
 * seconds to copy a long name for each. So they are looked through first, in strict DER: whatever
 * is not plainly harmless is refused.
 */

#define CHAIN_BYTES_MAX 32768
#define CERTIFICATES_MAX 10
#define RSA_BITS_MAX 8192
#define RSA_EXPONENT_BITS_MAX 64

enum tag {
    TAG_INTEGER = 0x02,
    TAG_BIT_STRING = 0x03,
    TAG_OCTET_STRING = 0x04,
    TAG_OID = 0x06,
    TAG_BOOLEAN = 0x01,
    TAG_SEQUENCE = 0x30,
    TAG_0 = 0xa0, /* constructed, of the context, as the next ones */
    TAG_2 = 0xa2,
    TAG_3 = 0xa3,
    TAG_1_PRIMITIVE = 0x81,
    TAG_2_PRIMITIVE = 0x82,
};

static const struct bytes rsa_key = BYTES("\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01");
static const struct bytes rsa_pss_key = BYTES("\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0a");
static const struct bytes ec_key = BYTES("\x2a\x86\x48\xce\x3d\x02\x01");
static const struct bytes ed25519_key = BYTES("\x2b\x65\x70");
static const struct bytes ed448_key = BYTES("\x2b\x65\x71");
static const struct bytes curves[] = {BYTES("\x2a\x86\x48\xce\x3d\x03\x01\x07"), /* P-256 */
                                      BYTES("\x2b\x81\x04\x00\x22"),             /* P-384 */
                                      BYTES("\x2b\x81\x04\x00\x23")};            /* P-521 */
static const struct bytes distribution_points = BYTES("\x55\x1d\x1f");

static unsigned first_byte(struct bytes of)
{
    return of.len > 0 ? (unsigned char)of.data[0] : 0;
}

/* A number of size bytes, highest first. */
static bool take_number(struct bytes *from, size_t size, size_t *ret_number)
{
    if (from->len < size)
        return false;
    *ret_number = 0;
    for (size_t i = 0; i < size; i++)
        *ret_number = *ret_number << 8 | (unsigned char)from->data[i];
    *from = (struct bytes){from->data + size, from->len - size};
    return true;
}

static bool take_bytes(struct bytes *from, size_t len, struct bytes *ret_bytes)
{
    if (from->len < len)
        return false;
    *ret_bytes = (struct bytes){from->data, len};
    *from = (struct bytes){from->data + len, from->len - len};
    return true;
}

/* An element of DER with this tag: what is in it. */
static bool take(struct bytes *from, enum tag tag, struct bytes *ret_content)
{
    size_t found, len;
    if (!take_number(from, 1, &found) || found != tag || !take_number(from, 1, &len))
        return false;
    if (len > 0x83 || len == 0x80)
        return false;
    if (len > 0x80 && !take_number(from, len - 0x80, &len))
        return false;
    return take_bytes(from, len, ret_content);
}

/* The same, and it may be missing. */
static bool pass(struct bytes *from, enum tag tag)
{
    struct bytes content;
    return first_byte(*from) != tag || take(from, tag, &content);
}

static bool take_integer_bits(struct bytes *from, size_t *ret_bits)
{
    struct bytes number;
    if (!take(from, TAG_INTEGER, &number))
        return false;
    while (number.len > 0 && number.data[0] == 0)
        number = (struct bytes){number.data + 1, number.len - 1};
    *ret_bits = number.len * 8;
    return true;
}

static enum tls_refusal judge_rsa(struct bytes key)
{
    struct bytes numbers;
    size_t padding, modulus_bits, exponent_bits;
    if (!take_number(&key, 1, &padding) || !take(&key, TAG_SEQUENCE, &numbers) ||
        !take_integer_bits(&numbers, &modulus_bits) || !take_integer_bits(&numbers, &exponent_bits))
        return TLS_MALFORMED;
    if (modulus_bits > RSA_BITS_MAX || exponent_bits > RSA_EXPONENT_BITS_MAX)
        return TLS_LARGE_KEY;
    return TLS_ACCEPTED;
}

static enum tls_refusal judge_curve(struct bytes parameters)
{
    struct bytes name;
    if (!take(&parameters, TAG_OID, &name))
        return TLS_STRANGE_KEY; /* the curve itself is written there */
    for (size_t i = 0; i < sizeof(curves) / sizeof(curves[0]); i++)
        if (bytes_equal(name, curves[i]))
            return TLS_ACCEPTED;
    return TLS_STRANGE_KEY;
}

static enum tls_refusal judge_key(struct bytes key_info)
{
    struct bytes algorithm, kind, key;
    if (!take(&key_info, TAG_SEQUENCE, &algorithm) || !take(&algorithm, TAG_OID, &kind) ||
        !take(&key_info, TAG_BIT_STRING, &key))
        return TLS_MALFORMED;
    if (bytes_equal(kind, rsa_key) || bytes_equal(kind, rsa_pss_key))
        return judge_rsa(key);
    if (bytes_equal(kind, ec_key))
        return judge_curve(algorithm);
    if (bytes_equal(kind, ed25519_key) || bytes_equal(kind, ed448_key))
        return TLS_ACCEPTED;
    return TLS_STRANGE_KEY;
}

/* One that is named relative to the issuer is given a copy of the issuer's whole name. */
static enum tls_refusal judge_distribution_points(struct bytes value)
{
    struct bytes points, point, name;
    if (!take(&value, TAG_SEQUENCE, &points))
        return TLS_MALFORMED;
    while (points.len > 0) {
        if (!take(&points, TAG_SEQUENCE, &point))
            return TLS_MALFORMED;
        if (first_byte(point) == TAG_0 &&
            (!take(&point, TAG_0, &name) || first_byte(name) != TAG_0))
            return TLS_STRANGE_POINT;
        if (!pass(&point, TAG_1_PRIMITIVE) || !pass(&point, TAG_2) || point.len > 0)
            return TLS_MALFORMED;
    }
    return TLS_ACCEPTED;
}

static enum tls_refusal judge_extensions(struct bytes wrapped)
{
    struct bytes extensions, extension, name, value;
    if (!take(&wrapped, TAG_SEQUENCE, &extensions))
        return TLS_MALFORMED;
    while (extensions.len > 0) {
        enum tls_refusal problem = TLS_ACCEPTED;
        if (!take(&extensions, TAG_SEQUENCE, &extension) || !take(&extension, TAG_OID, &name) ||
            !pass(&extension, TAG_BOOLEAN) || !take(&extension, TAG_OCTET_STRING, &value))
            return TLS_MALFORMED;
        if (bytes_equal(name, distribution_points))
            problem = judge_distribution_points(value);
        if (problem != TLS_ACCEPTED)
            return problem;
    }
    return TLS_ACCEPTED;
}

static enum tls_refusal judge_certificate(struct bytes der)
{
    struct bytes certificate, body, content, key_info, extensions;
    enum tls_refusal problem;
    bool is_sound = take(&der, TAG_SEQUENCE, &certificate) && der.len == 0 &&
                    take(&certificate, TAG_SEQUENCE, &body) && pass(&body, TAG_0) && /* version */
                    take(&body, TAG_INTEGER, &content) &&                            /* serial */
                    take(&body, TAG_SEQUENCE, &content) &&                           /* algorithm */
                    take(&body, TAG_SEQUENCE, &content) &&                           /* issuer */
                    take(&body, TAG_SEQUENCE, &content) &&                           /* validity */
                    take(&body, TAG_SEQUENCE, &content) &&                           /* subject */
                    take(&body, TAG_SEQUENCE, &key_info) && pass(&body, TAG_1_PRIMITIVE) &&
                    pass(&body, TAG_2_PRIMITIVE);
    if (!is_sound)
        return TLS_MALFORMED;
    problem = judge_key(key_info);
    if (problem != TLS_ACCEPTED || body.len == 0)
        return problem;
    if (!take(&body, TAG_3, &extensions) || body.len > 0)
        return TLS_MALFORMED;
    return judge_extensions(extensions);
}

/* The message is the Certificate of RFC 5246 or, with a context and extensions, of RFC 8446. */
enum tls_refusal certificates_judge(struct bytes message, bool is_tls13)
{
    size_t context_len = 0, len;
    struct bytes list, certificate, extensions;
    if (message.len > CHAIN_BYTES_MAX)
        return TLS_LARGE_CHAIN;
    if ((is_tls13 && (!take_number(&message, 1, &context_len) || context_len > 0)) ||
        !take_number(&message, 3, &len) || !take_bytes(&message, len, &list) || message.len > 0)
        return TLS_MALFORMED;
    for (int count = 1; list.len > 0; count++) {
        enum tls_refusal problem;
        if (count > CERTIFICATES_MAX)
            return TLS_LONG_CHAIN;
        if (!take_number(&list, 3, &len) || !take_bytes(&list, len, &certificate) ||
            (is_tls13 && (!take_number(&list, 2, &len) || !take_bytes(&list, len, &extensions))))
            return TLS_MALFORMED;
        problem = judge_certificate(certificate);
        if (problem != TLS_ACCEPTED)
            return problem;
    }
    return TLS_ACCEPTED;
}
