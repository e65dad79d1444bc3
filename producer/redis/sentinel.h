/*
 * Asking Sentinels where the master is. To be done anew at every connect: after a failover the old
 * master's address may answer too.
 */
#ifndef REDIS_SENTINEL_H
#define REDIS_SENTINEL_H

#include "contract/bytes.h"
#include "contract/redis_address.h"

struct ssl_ctx_st;

/* Asks each in turn, over TLS unless tls is NULL. 0, or -1 with *why of the last one. */
int redis_sentinel_master(const struct redis_address *address, struct ssl_ctx_st *tls,
                          struct redis_host *ret_master, struct error_text *why);

#endif
