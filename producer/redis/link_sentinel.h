/*
 * Asking Sentinels where the master is. Used by link.c only, at every connect: after a
 * failover the old address answers too.
 */
#ifndef REDIS_LINK_SENTINEL_H
#define REDIS_LINK_SENTINEL_H

#include "base/loop.h"
#include "contract/redis_address.h"

struct sentinel_query;
struct ssl_ctx_st;

/* host is NULL when no Sentinel could tell; why then says what the last one did. */
typedef void sentinel_fn(void *context, const struct redis_host *host, const char *why);

/* Goes through the Sentinels, a second each, beginning with the one that answered last. */
struct sentinel_query *sentinel_query_new(struct loop *loop, const struct redis_address *address,
                                          struct ssl_ctx_st **tls, sentinel_fn *fn, void *context);
void sentinel_query_free(struct sentinel_query *query); /* NULL allowed */

void sentinel_query_start(struct sentinel_query *query);
void sentinel_query_stop(struct sentinel_query *query);

#endif
