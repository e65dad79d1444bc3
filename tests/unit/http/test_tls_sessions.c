#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include "base/loop.h"
#include "http/tls_sessions.h"

#define BUFFER 65536
#define TURNS_MAX 10

static int64_t now_ms;

int64_t __wrap_loop_now_ms(void);

int64_t __wrap_loop_now_ms(void)
{
    return now_ms;
}

struct rig {
    struct tls_sessions *sessions;
    EVP_PKEY *key;
    X509 *certificate;
    SSL_CTX *server;
};

/* Signed by itself, with a subject of so many letters. */
static X509 *make_certificate(EVP_PKEY *key, int letters)
{
    X509 *certificate = X509_new();
    X509_NAME *name = X509_get_subject_name(certificate);

    assert_int_equal(ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1), 1);
    for (; letters > 0; letters -= 64)
        assert_int_equal(X509_NAME_add_entry_by_txt(
                             name, "OU", MBSTRING_ASC,
                             (const unsigned char *)"0123456789012345678901234567890123456789"
                                                    "012345678901234567890123",
                             64, -1, 0),
                         1);
    assert_non_null(X509_gmtime_adj(X509_getm_notBefore(certificate), 0));
    assert_non_null(X509_gmtime_adj(X509_getm_notAfter(certificate), 86400));
    assert_int_equal(X509_set_pubkey(certificate, key), 1);
    assert_int_equal(X509_set_issuer_name(certificate, name), 1);
    assert_true(X509_sign(certificate, key, EVP_sha256()) > 0);
    return certificate;
}

static void serve(struct rig *rig, int letters, int tickets)
{
    X509_free(rig->certificate);
    SSL_CTX_free(rig->server);
    rig->certificate = make_certificate(rig->key, letters);
    rig->server = SSL_CTX_new(TLS_server_method());
    assert_int_equal(SSL_CTX_use_certificate(rig->server, rig->certificate), 1);
    assert_int_equal(SSL_CTX_use_PrivateKey(rig->server, rig->key), 1);
    assert_int_equal(SSL_CTX_set_num_tickets(rig->server, (size_t)tickets), 1);
}

static int set_up(void **state)
{
    static struct rig rig;

    rig = (struct rig){.sessions = tls_sessions_new(), .key = EVP_EC_gen("P-256")};
    assert_non_null(rig.sessions);
    assert_non_null(rig.key);
    serve(&rig, 10, 2);
    now_ms = 1000;
    *state = &rig;
    return 0;
}

static int tear_down(void **state)
{
    struct rig *rig = *state;

    tls_sessions_free(rig->sessions);
    X509_free(rig->certificate);
    SSL_CTX_free(rig->server);
    EVP_PKEY_free(rig->key);
    return 0;
}

/* One connection, as libcurl makes it: was a session resumed? */
static bool resumes(struct rig *rig, const char *peer)
{
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());
    BIO *ours;
    BIO *theirs;
    char byte;

    assert_int_equal(tls_sessions_attach(rig->sessions, context, peer), 0);
    SSL *client = SSL_new(context);
    SSL *server = SSL_new(rig->server);
    SSL_CTX_free(context);
    assert_int_equal(BIO_new_bio_pair(&ours, BUFFER, &theirs, BUFFER), 1);
    SSL_set_bio(client, ours, ours);
    SSL_set_bio(server, theirs, theirs);
    SSL_set_connect_state(client);
    SSL_set_accept_state(server);
    bool done = false;
    for (int i = 0; i < TURNS_MAX && !done; i++) {
        done = SSL_do_handshake(client) == 1;
        done = SSL_do_handshake(server) == 1 && done;
    }
    assert_true(done);
    assert_int_equal(SSL_write(server, "x", 1), 1);
    done = false;
    for (int i = 0; i < TURNS_MAX && !done; i++)
        done = SSL_read(client, &byte, 1) == 1; /* session tickets come before it */
    assert_true(done);
    bool reused = SSL_session_reused(client) == 1;
    SSL_free(client);
    SSL_free(server);
    return reused;
}

static void test_resumes_what_its_peer_offered(void **state)
{
    struct rig *rig = *state;

    assert_false(resumes(rig, "a.example:443"));
    assert_true(resumes(rig, "a.example:443"));
    assert_true(resumes(rig, "a.example:443"));
    assert_false(resumes(rig, "b.example:443"));
    assert_false(resumes(rig, "a.example:8443"));
    assert_int_equal(tls_sessions_len(rig->sessions), 3);
}

static void test_forgets(void **state)
{
    struct rig *rig = *state;

    assert_false(resumes(rig, "a"));
    assert_false(resumes(rig, "b"));
    tls_sessions_forget(rig->sessions, "a");
    tls_sessions_forget(rig->sessions, "nobody");
    assert_false(resumes(rig, "a"));
    assert_true(resumes(rig, "b"));
    tls_sessions_forget_all(rig->sessions);
    assert_int_equal(tls_sessions_len(rig->sessions), 0);
    now_ms += TLS_SESSIONS_PAUSE_MS - 1;
    assert_false(resumes(rig, "b")); /* may have been verified by what was trusted before */
    now_ms += 1;
    assert_false(resumes(rig, "b"));
    assert_true(resumes(rig, "b"));
}

/* Each connection brings a new session, but the certificate was verified by the first. */
static void test_lives_from_the_last_verification_on(void **state)
{
    struct rig *rig = *state;

    assert_false(resumes(rig, "a"));
    now_ms += TLS_SESSION_LIFE_MS / 2;
    assert_true(resumes(rig, "a"));
    now_ms += TLS_SESSION_LIFE_MS / 2 - 1;
    assert_true(resumes(rig, "a"));
    now_ms += 1;
    assert_false(resumes(rig, "a"));
    assert_true(resumes(rig, "a"));
}

static void test_one_that_offers_nothing(void **state)
{
    struct rig *rig = *state;

    serve(rig, 10, 0);
    assert_false(resumes(rig, "a"));
    assert_int_equal(tls_sessions_len(rig->sessions), 0);
}

static void test_one_that_offers_without_end(void **state)
{
    struct rig *rig = *state;

    serve(rig, 10, 100);
    assert_false(resumes(rig, "a"));
    assert_int_equal(tls_sessions_len(rig->sessions), 1);
    assert_true(resumes(rig, "a"));
}

static void test_a_large_one_is_not_kept(void **state)
{
    struct rig *rig = *state;

    serve(rig, (int)TLS_SESSION_BYTES_MAX, 2);
    assert_false(resumes(rig, "a"));
    assert_int_equal(tls_sessions_len(rig->sessions), 0);
}

/* The sessions of these take more than two thirds of what one may have. */
static void test_the_longest_unused_goes_first(void **state)
{
    struct rig *rig = *state;
    char peer[16];
    size_t at_most = TLS_SESSIONS_BYTES_MAX / (TLS_SESSION_BYTES_MAX / 3 * 2);

    serve(rig, (int)TLS_SESSION_BYTES_MAX / 3, 1);
    assert_false(resumes(rig, "first"));
    assert_false(resumes(rig, "second"));
    for (size_t i = 0; i < at_most; i++) {
        (void)snprintf(peer, sizeof(peer), "%zu", i);
        assert_false(resumes(rig, peer));
        assert_true(i > 0 || resumes(rig, "first"));
    }
    assert_true(tls_sessions_len(rig->sessions) < at_most);
    assert_true(resumes(rig, peer));
    assert_false(resumes(rig, "second"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_resumes_what_its_peer_offered, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_forgets, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_lives_from_the_last_verification_on, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_one_that_offers_nothing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_one_that_offers_without_end, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_large_one_is_not_kept, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_the_longest_unused_goes_first, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
