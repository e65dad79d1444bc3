/*
 * A link's socket: connecting, tuning, writing commands. Used by link.c only.
 */
#ifndef REDIS_LINK_IO_H
#define REDIS_LINK_IO_H

#include "base/loop.h"
#include "contract/redis_address.h"
#include "redis/args.h"

struct bufferevent;
struct ssl_ctx_st;

/* An unconnected bufferevent, with TLS unless tls is NULL. NULL: no memory. */
struct bufferevent *redis_link_open(struct loop *loop, struct ssl_ctx_st *tls,
                                    const struct redis_host *host);

/* Start the connect; a name is looked up without blocking. NULL, or why it cannot be started. */
const char *redis_link_begin(struct bufferevent *io, struct loop *loop,
                             const struct redis_host *host);
const char *redis_link_begin_unix(struct bufferevent *io, const char *path);

int redis_link_write(struct bufferevent *io, const struct redis_args *args); /* -1: no memory */

/* To be called when it is: no delay, keepalive, user timeout. */
void redis_link_connected(struct bufferevent *io);

/* Of the error just seen; *why stays as it is when there is nothing to add. */
void redis_link_error(struct bufferevent *io, struct error_text *why);

#endif
