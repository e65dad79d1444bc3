/*
 * TLS to Redis: one OpenSSL context for all links. Verified certificates, TLS 1.2 or newer, names
 * checked against the certificate (libevent verifies nothing by itself).
 */
#ifndef REDIS_LINK_TLS_H
#define REDIS_LINK_TLS_H

#include "contract/bytes.h"

struct bufferevent;
struct event_base;
struct redis_tls;

/* ca_file: trusted certificates, "" for the system's. cert_file and key_file: our own, "" for none.
 * NULL with *why told. */
struct redis_tls *redis_tls_new(const char *ca_file, const char *cert_file, const char *key_file,
                                struct error_text *why);
void redis_tls_free(struct redis_tls *tls); /* NULL allowed */

/* An unconnected bufferevent that will speak TLS and expects host's certificate. NULL: no memory.
 * */
struct bufferevent *redis_tls_bufferevent(struct redis_tls *tls, struct event_base *base,
                                          const char *host);

/* Words for why the session failed, or NULL when TLS is not to blame. */
const char *redis_tls_error(struct bufferevent *io);

#endif
