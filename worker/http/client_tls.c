#include <openssl/err.h>
#include <openssl/ssl.h>
#include <string.h>

#include "http/client_internal.h"

/*
 * Much of what TLS costs is the peer's choice, and OpenSSL does it within one call while nothing
 * else runs. So the peer chooses among few: suites, groups and certificates whose cost is known,
 * and so much to read in one call.
 *
 * All comes from the message callback: it sees each message before OpenSSL looks into it.
 */

#define SUITES "ECDHE+AESGCM:ECDHE+CHACHA20:ECDHE+AES"
#if OPENSSL_VERSION_NUMBER >= 0x30500000L
#define GROUPS "*X25519MLKEM768:*X25519:P-256:P-384:P-521"
#else
#define GROUPS "X25519:P-256:P-384:P-521"
#endif

/* Of one call. A read counts for its bytes and some more: a record, which is two reads, costs as
 * much as the computing of many of its bytes. */
#define ALLOWANCE 65536
#define READ_COST 64

#define LIBRARY "Roomhook"
#define MESSAGE_HEADER_LEN 4

#define REASON(refusal) ERR_PACK(ERR_LIB_USER, 0, refusal)

static const ERR_STRING_DATA texts[] = {
    {REASON(0), LIBRARY},
    {REASON(TLS_MALFORMED), "its certificates cannot be read"},
    {REASON(TLS_LARGE_CHAIN), "its certificates have more than 32 KiB"},
    {REASON(TLS_LONG_CHAIN), "it sends more than 10 certificates"},
    {REASON(TLS_LARGE_KEY),
     "a certificate of its chain has an RSA key of more than 8192 bits, or an "
     "exponent of more than 64"},
    {REASON(TLS_STRANGE_KEY),
     "a certificate of its chain has a key that is none of RSA, P-256, P-384, "
     "P-521, Ed25519, Ed448"},
    {REASON(TLS_STRANGE_POINT),
     "a certificate of its chain names a distribution point by a part of a name"},
    {REASON(TLS_NOTHING_IN_COMMON),
     "it takes neither TLS 1.3 nor TLS 1.2 with ECDHE and a common curve, "
     "or does not serve this name"},
    {REASON(TLS_OLD_VERSION), "it takes neither TLS 1.3 nor TLS 1.2"},
    {0, NULL},
};

int tls_init(void)
{
    return ERR_load_strings_const(texts) == 1 ? 0 : -1;
}

void tls_allow(struct http_client *client)
{
    client->tls_allowance = ALLOWANCE;
}

/* OpenSSL reads on within one call for as long as something comes that it can do without. Past the
 * allowance it sees no more data; the rest waits in the kernel for the next call. */
static long on_read(BIO *bio, int operation, const char *data, size_t len, int number,
                    long long_number, int result, size_t *processed)
{
    size_t *left = &((struct http_client *)(void *)BIO_get_callback_arg(bio))->tls_allowance;
    size_t cost = len + READ_COST;
    (void)data;
    (void)number;
    (void)long_number;
    (void)processed;
    if (operation != BIO_CB_READ)
        return result;
    if (*left == 0) {
        BIO_clear_retry_flags(bio);
        BIO_set_retry_read(bio);
        return -1;
    }
    *left -= cost < *left ? cost : *left;
    return result;
}

/* libcurl shows the oldest error, which this becomes. */
static void refuse(enum tls_refusal refusal)
{
    if (refusal != TLS_ACCEPTED)
        ERR_raise(ERR_LIB_USER, (int)refusal);
}

/* OpenSSL cannot refuse a message that is not parsed yet. The data is its own buffer,
 * which it parses next: with an impossible length it is refused. */
static void check_certificates(const void *data, size_t len, bool is_tls13)
{
    struct bytes message = {(const char *)data + MESSAGE_HEADER_LEN, len - MESSAGE_HEADER_LEN};
    enum tls_refusal refusal = certificates_judge(message, is_tls13);
    unsigned char *writable;
    refuse(refusal);
    if (refusal == TLS_ACCEPTED || message.len == 0)
        return;
    memcpy(&writable, &data, sizeof(writable));
    writable[MESSAGE_HEADER_LEN] = 0xff;
}

static void explain_alert(const SSL *ssl, unsigned alert)
{
    if (alert == SSL_AD_PROTOCOL_VERSION)
        refuse(TLS_OLD_VERSION);
    else if (alert == SSL_AD_HANDSHAKE_FAILURE && SSL_get_state(ssl) == TLS_ST_CW_CLNT_HELLO)
        refuse(TLS_NOTHING_IN_COMMON);
}

static void on_message(int is_ours, int version, int kind, const void *data, size_t len, SSL *ssl,
                       void *context)
{
    struct http_client *client = context;
    const unsigned char *bytes = data;
    if (is_ours != 0 && kind == SSL3_RT_HANDSHAKE) {
        BIO_set_callback_ex(SSL_get_rbio(ssl), on_read);
        BIO_set_callback_arg(SSL_get_rbio(ssl), (char *)client);
    } else if (is_ours == 0 && kind == SSL3_RT_HANDSHAKE && len >= MESSAGE_HEADER_LEN &&
               bytes[0] == SSL3_MT_CERTIFICATE) {
        check_certificates(data, len, version == TLS1_3_VERSION);
    } else if (is_ours == 0 && kind == SSL3_RT_ALERT && len == 2 && bytes[0] == SSL3_AL_FATAL) {
        explain_alert(ssl, bytes[1]);
    }
}

const char *tls_peer(const struct http_transfer *transfer, char out[TLS_PEER_SIZE])
{
    snprintf(out, TLS_PEER_SIZE, "%s:%u", transfer->host, (unsigned)transfer->port);
    return out;
}

/*
 * A receiver may send TLS records that are none of the answer: session tickets, key updates. Left
 * to itself OpenSSL reads on inside one call for as long as they come, and nothing else runs
 * meanwhile, no deadline either. Told not to, it comes back after each.
 */
CURLcode on_ssl_context(CURL *easy, void *ssl_context, void *context)
{
    char groups[] = GROUPS; /* OpenSSL's macro takes no const */
    char peer[TLS_PEER_SIZE];
    struct http_client *client = context;
    struct http_transfer *transfer = NULL;
    curl_easy_getinfo(easy, CURLINFO_PRIVATE, (char **)&transfer);
    SSL_CTX_clear_mode(ssl_context, SSL_MODE_AUTO_RETRY);
    SSL_CTX_set_read_ahead(ssl_context, 0); /* what is not read stays in the kernel */
    SSL_CTX_set_options(ssl_context, SSL_OP_NO_RENEGOTIATION);
#ifdef SSL_OP_NO_RX_CERTIFICATE_COMPRESSION
    SSL_CTX_set_options(ssl_context, SSL_OP_NO_RX_CERTIFICATE_COMPRESSION);
#endif
    SSL_CTX_set_msg_callback(ssl_context, on_message);
    SSL_CTX_set_msg_callback_arg(ssl_context, context);
    if (SSL_CTX_set_cipher_list(ssl_context, SUITES) != 1 ||
        SSL_CTX_set1_groups_list(ssl_context, groups) != 1)
        return CURLE_OUT_OF_MEMORY;
    if (transfer->way == WAY_PROXY && client->config.proxy->https)
        return CURLE_OK; /* it may be the context for the proxy itself */
    if (tls_sessions_attach(client->sessions, ssl_context, tls_peer(transfer, peer)) != 0)
        return CURLE_OUT_OF_MEMORY;
    return CURLE_OK;
}

const char *tls_reason(const char *error)
{
    static const char mark[] = LIBRARY "::";
    const char *found = strstr(error, mark);
    return found != NULL ? found + sizeof(mark) - 1 : NULL;
}
