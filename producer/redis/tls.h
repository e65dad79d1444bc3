/*
 * The client's side of TLS to Redis: certificates are always verified, names and addresses checked
 * against them, TLS 1.2 or newer. The types are OpenSSL's.
 */
#ifndef REDIS_TLS_H
#define REDIS_TLS_H

#include <stdbool.h>
#include <sys/types.h>

#include "contract/bytes.h"

struct ssl_ctx_st;
struct ssl_st;

/* PEM files; NULL or "" for none. They are read once, by tls_context_new. */
struct tls_files {
    const char *ca;     /* whom to trust; the system's certificates without it */
    const char *cert;   /* our own certificate and its chain; with key */
    const char *key;    /* not encrypted: nobody is asked for a pass phrase */
    const char *prefix; /* of their names in what is reported; NULL: "redis-" */
};

/* For all sessions of a client. NULL with *why. */
struct ssl_ctx_st *tls_context_new(const struct tls_files *files, struct error_text *why);
void tls_context_free(struct ssl_ctx_st *context); /* NULL allowed */

/* Expects a certificate for host. The socket stays the caller's; -1 for a session that is given its
 * input and output otherwise. NULL: out of memory. */
struct ssl_st *tls_session_new(struct ssl_ctx_st *context, int fd, const char *host);
void tls_session_free(struct ssl_st *session); /* NULL allowed; says no farewell */

/* Why a session failed; error is what OpenSSL queued. False when TLS is not to blame. */
bool tls_error(const struct ssl_st *session, unsigned long error, struct error_text *why);

/*
 * As connect, recv and send on a blocking socket: -1 with errno, where EAGAIN means that the
 * socket's timeout passed and EINTR that the call is to be made again with the same arguments.
 * After EPROTO OpenSSL's queue has the error. tls_write writes all or fails.
 */
int tls_handshake(struct ssl_st *session);
ssize_t tls_read(struct ssl_st *session, void *data, size_t size);
ssize_t tls_write(struct ssl_st *session, const void *data, size_t len);

#endif
