/*
 * Sessions of TLS that receivers offered, so that the next connection to the same one is spared the
 * exchange of certificates. libcurl keeps too few for many receivers: 8, later versions 25.
 *
 * A session belongs to its peer, a text that names all it may be used for: host, port, and how the
 * peer is verified. It is used for an hour from when certificates were last verified, whatever
 * further sessions come of it. They are bounded in number, and in bytes as OpenSSL writes them
 * down; in memory they are some four times as large. Those used longest ago go first.
 */
#ifndef HTTP_TLS_SESSIONS_H
#define HTTP_TLS_SESSIONS_H

#include <openssl/ssl.h>
#include <stddef.h>

#define TLS_SESSIONS_MAX 4096
#define TLS_SESSIONS_BYTES_MAX (8u << 20)
#define TLS_SESSION_BYTES_MAX 8192u /* of one: a larger one is not kept */
#define TLS_SESSION_LIFE_MS 3600000
#define TLS_SESSIONS_PAUSE_MS 2000
#define TLS_PEER_SIZE 384

struct tls_sessions;

struct tls_sessions *tls_sessions_new(void); /* NULL: no memory */

/* No context that it was attached to may be used any more. NULL allowed. */
void tls_sessions_free(struct tls_sessions *sessions);

/* Connections of this context, of one connection, resume what is known of the peer, and what it
 * offers is kept. 0, or -1 without memory. */
int tls_sessions_attach(struct tls_sessions *sessions, SSL_CTX *context, const char *peer);

void tls_sessions_forget(struct tls_sessions *sessions, const char *peer);

/* What is trusted changed. Nothing is kept of connections that begin within TLS_SESSIONS_PAUSE_MS:
 * libcurl may go by the old certificates for a second yet. */
void tls_sessions_forget_all(struct tls_sessions *sessions);

size_t tls_sessions_len(const struct tls_sessions *sessions);

#endif
