/*
 * The Certificate message of a receiver: a byte that says whether it is TLS 1.3's, and its body.
 * Whatever is accepted OpenSSL reads as we do: what is not to be computed is not in there.
 */
#include "fuzz.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

#include "http/client_internal.h"

static void must(bool truth)
{
    if (!truth)
        abort();
}

static bool has_known_curve(EVP_PKEY *key)
{
    char curve[80] = "";
    EVP_PKEY_get_group_name(key, curve, sizeof(curve), NULL);
    return strcmp(curve, "prime256v1") == 0 || strcmp(curve, "secp384r1") == 0 ||
           strcmp(curve, "secp521r1") == 0;
}

static void check_key(EVP_PKEY *key)
{
    switch (key != NULL ? EVP_PKEY_get_base_id(key) : EVP_PKEY_NONE) {
    case EVP_PKEY_RSA:
    case EVP_PKEY_RSA_PSS:
        must(EVP_PKEY_get_bits(key) <= 8192);
        break;
    case EVP_PKEY_EC:
        must(has_known_curve(key));
        break;
    default:
        must(key == NULL || EVP_PKEY_is_a(key, "ED25519") || EVP_PKEY_is_a(key, "ED448"));
    }
}

static void check_points(const X509 *certificate)
{
    int at = -1;
    while ((at = X509_get_ext_by_NID(certificate, NID_crl_distribution_points, at)) >= 0) {
        CRL_DIST_POINTS *points = X509V3_EXT_d2i(X509_get_ext(certificate, at));
        for (int i = 0; i < sk_DIST_POINT_num(points); i++) {
            const DIST_POINT *point = sk_DIST_POINT_value(points, i);
            must(point->distpoint == NULL || point->distpoint->type == 0);
        }
        CRL_DIST_POINTS_free(points);
    }
}

static size_t number(const uint8_t *at, size_t size)
{
    size_t sum = 0;
    while (size-- > 0)
        sum = sum << 8 | *at++;
    return sum;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    bool is_tls13 = size > 0 && data[0] % 2 == 1;
    size_t head = is_tls13 ? 4 : 3;
    if (size == 0 || certificates_judge((struct bytes){(const char *)data + 1, size - 1},
                                        is_tls13) != TLS_ACCEPTED)
        return 0;
    for (const uint8_t *at = data + 1 + head; at < data + size;) {
        const unsigned char *der = at + 3;
        X509 *certificate = d2i_X509(NULL, &der, (long)number(at, 3));
        at += 3 + number(at, 3);
        at += is_tls13 ? 2 + number(at, 2) : 0;
        if (certificate != NULL) {
            check_key(X509_get0_pubkey(certificate));
            check_points(certificate);
        }
        X509_free(certificate);
        ERR_clear_error();
    }
    return 0;
}
