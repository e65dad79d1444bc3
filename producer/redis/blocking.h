/*
 * One blocking connection to Redis, for the producer library and the command line, over every form
 * of redis_address.h.
 *
 * It connects at the first command, logs in, selects the database, and connects again at the next
 * command after any failure of the connection and after a refusal that only that heals. With
 * Sentinels it asks them for the master at every connect. It never sends a command a second time.
 *
 * Result codes are those of <roomhook/status.h>: RH_ERR_UNREACHABLE nothing was sent,
 * RH_ERR_UNKNOWN sent but not answered, and for what Redis answered redis_fault_status.
 * redis_error has the words.
 *
 * Resolving a host name is left to the system's resolver: the connect timeout does not bound it.
 */
#ifndef REDIS_BLOCKING_H
#define REDIS_BLOCKING_H

#include <roomhook/status.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "contract/bytes.h"
#include "contract/redis_address.h"
#include "redis/fault.h"
#include "redis/reply.h"
#include "redis/tls.h"

struct redis_blocking;

struct redis_blocking_options {
    struct redis_address address;
    int connect_timeout_ms; /* > 0 */
    int command_timeout_ms; /* > 0; for each read and write on the socket */
    const char *name;       /* what CLIENT LIST shows; a literal */
    struct tls_files tls;   /* only for addresses with TLS; read by redis_open */
};

/* Makes one without connecting. RH_ERR_ARGUMENT for files that cannot be used or go with no TLS,
 * RH_ERR_MEMORY; *why set. */
RH_MUST_CHECK int redis_open(const struct redis_blocking_options *options,
                             struct redis_blocking **ret_redis, struct error_text *why);

void redis_close(struct redis_blocking *redis); /* NULL allowed */

/* What went wrong in the last failed call, "" before; printable ASCII. */
const char *redis_error(const struct redis_blocking *redis);

enum redis_fault redis_error_fault(const struct redis_blocking *redis); /* of that failure */

/* Sends one command and waits. On RH_OK *ret_reply is the caller's, to be given to reply_free. */
RH_MUST_CHECK int redis_command(struct redis_blocking *redis, const struct bytes *args,
                                size_t args_len, struct reply **ret_reply);

/*
 * A pipeline: append commands, then get as many replies, in order. Nothing is sent before the first
 * get. Bound what you append: all of it waits in memory. An error reply is a failure of that get
 * alone. When the connection breaks, that get and the pipeline's later ones are RH_ERR_UNKNOWN.
 */
RH_MUST_CHECK int redis_append(struct redis_blocking *redis, const struct bytes *args,
                               size_t args_len);
RH_MUST_CHECK int redis_get(struct redis_blocking *redis, struct reply **ret_reply);

#endif
