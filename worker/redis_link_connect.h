/*
 * How a link's socket is connected and tuned; used by redis_link.c only.
 */
#ifndef WORKER_REDIS_LINK_CONNECT_H
#define WORKER_REDIS_LINK_CONNECT_H

#include "loop.h"
#include "redis_address.h"

struct bufferevent;

/* Starts the connect; the name is looked up without blocking. NULL, or why it cannot be started. */
const char *redis_link_begin(struct bufferevent *io, struct loop *loop,
                             const struct redis_address *address);

void redis_link_tune(int descriptor);                  /* no delay, keepalive, user timeout */
const char *redis_link_error(struct bufferevent *io);  /* words for the error just seen */

#endif
