/*
 * One connected socket to a Redis or a Sentinel, with TLS or without: commands out, replies in.
 * Begins zeroed. Every call that fails returns -1 with why set; then only wire_close is left.
 */
#ifndef REDIS_WIRE_H
#define REDIS_WIRE_H

#include "contract/bytes.h"
#include "contract/redis_address.h"
#include "redis/reply.h"
#include "redis/tls.h"

struct redisContext;

struct redis_wire {
    struct redisContext *context; /* NULL while not connected */
    struct ssl_st *session;       /* NULL without TLS */
    struct buffer out;            /* commands to be sent */
    int timeout_ms;               /* of each read and write */
    struct error_text why;
};

/* timeout_ms bounds the connecting, and from then on each read and write, as in a TLS handshake. */
int wire_connect(struct redis_wire *wire, const struct redis_host *host, struct ssl_ctx_st *tls,
                 int timeout_ms);
int wire_connect_unix(struct redis_wire *wire, const char *path, int timeout_ms);
int wire_set_timeout(struct redis_wire *wire, int timeout_ms);
void wire_close(struct redis_wire *wire);

/* Nothing is sent before the first get. */
int wire_append(struct redis_wire *wire, const struct bytes *args, size_t args_len);
int wire_get(struct redis_wire *wire, struct reply **ret_reply);

/* Has a connection that owes us nothing been closed, or is it out of step? */
bool wire_is_dead(const struct redis_wire *wire);

#endif
