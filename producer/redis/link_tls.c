#include "redis/link_tls.h"

#include <arpa/inet.h>
#include <event2/bufferevent.h>
#include <event2/bufferevent_ssl.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdlib.h>

struct redis_tls {
    SSL_CTX *context;
};

/* The reason of OpenSSL's last complaint, in its words. */
static const char *last_reason(void)
{
    const char *reason = ERR_reason_error_string(ERR_peek_last_error());
    return reason != NULL ? reason : "unknown reason";
}

static int use_files(SSL_CTX *context, const char *ca_file, const char *cert_file,
                     const char *key_file, struct error_text *why)
{
    int ok = ca_file[0] != '\0' ? SSL_CTX_load_verify_locations(context, ca_file, NULL)
                                : SSL_CTX_set_default_verify_paths(context);
    if (ok != 1) {
        error_text_set(why, "redis-ca \"%s\" cannot be used: %s", ca_file, last_reason());
        return -1;
    }
    if (cert_file[0] == '\0')
        return 0;
    if (SSL_CTX_use_certificate_chain_file(context, cert_file) != 1) {
        error_text_set(why, "redis-cert \"%s\" cannot be used: %s", cert_file, last_reason());
        return -1;
    }
    if (SSL_CTX_use_PrivateKey_file(context, key_file, SSL_FILETYPE_PEM) != 1 ||
        SSL_CTX_check_private_key(context) != 1) {
        error_text_set(why, "redis-key \"%s\" cannot be used: %s", key_file, last_reason());
        return -1;
    }
    return 0;
}

struct redis_tls *redis_tls_new(const char *ca_file, const char *cert_file, const char *key_file,
                                struct error_text *why)
{
    struct redis_tls *tls = calloc(1, sizeof(*tls));
    error_text_set(why, "out of memory");
    if (tls == NULL)
        return NULL;
    ERR_clear_error();
    tls->context = SSL_CTX_new(TLS_client_method());
    if (tls->context == NULL || SSL_CTX_set_min_proto_version(tls->context, TLS1_2_VERSION) != 1 ||
        use_files(tls->context, ca_file, cert_file, key_file, why) != 0) {
        redis_tls_free(tls);
        return NULL;
    }
    SSL_CTX_set_verify(tls->context, SSL_VERIFY_PEER, NULL);
    return tls;
}

void redis_tls_free(struct redis_tls *tls)
{
    if (tls == NULL)
        return;
    SSL_CTX_free(tls->context);
    free(tls);
}

/* Names are checked as names and sent as SNI; addresses are checked as addresses and not sent. */
static int expect_host(SSL *session, const char *host)
{
    unsigned char scratch[sizeof(struct in6_addr)];
    if (inet_pton(AF_INET, host, scratch) == 1 || inet_pton(AF_INET6, host, scratch) == 1)
        return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(session), host);
    char name[256]; /* OpenSSL's macro casts away const */
    if (!bytes_copy_text(bytes_of(host), name, sizeof(name)))
        return 0;
    SSL_set_hostflags(session, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    return SSL_set1_host(session, name) == 1 && SSL_set_tlsext_host_name(session, name) == 1;
}

struct bufferevent *redis_tls_bufferevent(struct redis_tls *tls, struct event_base *base,
                                          const char *host)
{
    SSL *session = SSL_new(tls->context);
    if (session == NULL || expect_host(session, host) != 1) {
        SSL_free(session);
        return NULL;
    }
    struct bufferevent *io =
        bufferevent_openssl_socket_new(base, -1, session, BUFFEREVENT_SSL_CONNECTING,
                                       BEV_OPT_CLOSE_ON_FREE | BEV_OPT_DEFER_CALLBACKS);
    if (io == NULL) {
        SSL_free(session);
        return NULL;
    }
    /* A server that just closes is an ordinary end here: replies carry their own lengths. */
    bufferevent_openssl_set_allow_dirty_shutdown(io, 1);
    return io;
}

const char *redis_tls_error(struct bufferevent *io)
{
    SSL *session = bufferevent_openssl_get_ssl(io);
    if (session == NULL)
        return NULL;
    long verified = SSL_get_verify_result(session);
    if (verified != X509_V_OK)
        return X509_verify_cert_error_string(verified);
    unsigned long error = bufferevent_get_openssl_error(io);
    return error != 0 ? ERR_reason_error_string(error) : NULL;
}
