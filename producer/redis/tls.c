#include "redis/tls.h"

#include <arpa/inet.h>
#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <string.h>

static bool is_given(const char *file)
{
    return file && file[0] != '\0';
}

/* What is in OpenSSL's queue, in words. The first complaint is the cause of the others. */
static const char *reason_of(unsigned long error)
{
    if (ERR_SYSTEM_ERROR(error))
        return strerror(ERR_GET_REASON(error));
    const char *reason = ERR_reason_error_string(error);
    return reason ? reason : "for an unknown reason";
}

/* For a key that is encrypted: without this OpenSSL would ask at the terminal. */
static int no_passphrase(char *out, int size, int writing, void *was_asked)
{
    (void)out;
    (void)size;
    (void)writing;
    *(bool *)was_asked = true;
    return -1;
}

static const char *prefix_of(const struct tls_files *files)
{
    return files->prefix ? files->prefix : "redis-";
}

static int refuse_file(struct error_text *why, const struct tls_files *files, const char *what,
                       const char *file)
{
    error_text_set(why, "%s%s \"%.100s\" cannot be used: %s", prefix_of(files), what, file,
                   reason_of(ERR_peek_error()));
    return -1;
}

static int use_key(SSL_CTX *context, const struct tls_files *files, struct error_text *why)
{
    const char *file = files->key;
    bool is_encrypted = false;

    SSL_CTX_set_default_passwd_cb(context, no_passphrase);
    SSL_CTX_set_default_passwd_cb_userdata(context, &is_encrypted);
    if (SSL_CTX_use_PrivateKey_file(context, file, SSL_FILETYPE_PEM) == 1)
        return 0;
    if (!is_encrypted)
        return refuse_file(why, files, "key", file);
    error_text_set(why,
                   "%skey \"%.100s\" cannot be used: it is encrypted, and no pass phrase is "
                   "asked for",
                   prefix_of(files), file);
    return -1;
}

static int use_files(SSL_CTX *context, const struct tls_files *files, struct error_text *why)
{
    if (!is_given(files->ca)) {
        if (SSL_CTX_set_default_verify_paths(context) != 1)
            return refuse_file(why, files, "ca", "of the system");
    } else if (SSL_CTX_load_verify_locations(context, files->ca, NULL) != 1) {
        return refuse_file(why, files, "ca", files->ca);
    }
    if (is_given(files->cert) != is_given(files->key)) {
        error_text_set(why, "%scert and %skey must be given together", prefix_of(files),
                       prefix_of(files));
        return -1;
    }
    if (!is_given(files->cert))
        return 0;
    if (SSL_CTX_use_certificate_chain_file(context, files->cert) != 1)
        return refuse_file(why, files, "cert", files->cert);
    return use_key(context, files, why);
}

struct ssl_ctx_st *tls_context_new(const struct tls_files *files, struct error_text *why)
{
    ERR_clear_error();
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());
    if (!context || SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) != 1) {
        error_text_set(why, "TLS cannot be used: %s", reason_of(ERR_peek_error()));
        SSL_CTX_free(context);
        return NULL;
    }
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
    /* A server that just closes is an ordinary end here: replies carry their own lengths. */
    SSL_CTX_set_options(context, SSL_OP_IGNORE_UNEXPECTED_EOF);
    if (use_files(context, files, why) < 0) {
        SSL_CTX_free(context);
        return NULL;
    }
    return context;
}

void tls_context_free(struct ssl_ctx_st *context)
{
    SSL_CTX_free(context);
}

/* Names are checked as names and sent as SNI; addresses are checked as addresses and not sent. */
static bool expect_host(SSL *session, const char *host)
{
    unsigned char scratch[sizeof(struct in6_addr)];
    char name[256]; /* OpenSSL's macro for it takes no const */

    if (inet_pton(AF_INET, host, scratch) == 1 || inet_pton(AF_INET6, host, scratch) == 1)
        return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(session), host) == 1;
    SSL_set_hostflags(session, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    return bytes_copy_text(bytes_of(host), name, sizeof(name)) &&
           SSL_set1_host(session, name) == 1 && SSL_set_tlsext_host_name(session, name) == 1;
}

struct ssl_st *tls_session_new(struct ssl_ctx_st *context, int fd, const char *host)
{
    SSL *session = SSL_new(context);

    if (session && (fd < 0 || SSL_set_fd(session, fd) == 1) && expect_host(session, host))
        return session;
    SSL_free(session);
    return NULL;
}

void tls_session_free(struct ssl_st *session)
{
    SSL_free(session);
}

/* OpenSSL judges a call by its error queue, which belongs to the thread and may hold old ones. */
static void begin_call(void)
{
    ERR_clear_error();
    errno = 0;
}

/* What a call that failed means: 0 at the end of the connection, or -1 with errno. */
static int judge(const SSL *session, int result)
{
    int of_socket = errno;

    switch (SSL_get_error(session, result)) {
    case SSL_ERROR_ZERO_RETURN:
        return 0;
    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE:
        errno = of_socket == EINTR ? EINTR : EAGAIN;
        return -1;
    case SSL_ERROR_SYSCALL:
        errno = of_socket != 0 ? of_socket : ECONNRESET;
        return -1;
    default:
        errno = EPROTO;
        return -1;
    }
}

int tls_handshake(struct ssl_st *session)
{
    begin_call();
    int result = SSL_connect(session);
    if (result == 1)
        return 0;
    if (judge(session, result) == 0)
        errno = ECONNRESET;
    return -1;
}

ssize_t tls_read(struct ssl_st *session, void *data, size_t size)
{
    size_t len = 0;

    begin_call();
    int result = SSL_read_ex(session, data, size, &len);
    return result == 1 ? (ssize_t)len : judge(session, result);
}

ssize_t tls_write(struct ssl_st *session, const void *data, size_t len)
{
    size_t written = 0;

    begin_call();
    int result = SSL_write_ex(session, data, len, &written);
    if (result == 1)
        return (ssize_t)written;
    if (judge(session, result) == 0)
        errno = EPIPE;
    return -1;
}

bool tls_error(const struct ssl_st *session, unsigned long error, struct error_text *why)
{
    long verified = SSL_get_verify_result(session);
    bool is_of_tls = ERR_GET_LIB(error) != 0; /* else it says that errno has it */

    if (verified != X509_V_OK)
        error_text_set(why, "its certificate is not accepted: %s",
                       X509_verify_cert_error_string(verified));
    else if (is_of_tls)
        error_text_set(why, "TLS: %s", reason_of(error));
    return verified != X509_V_OK || is_of_tls;
}
