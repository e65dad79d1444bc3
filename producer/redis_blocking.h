/*
 * One blocking connection to Redis, for the producer library and the command line. The only file of
 * the producer that knows hiredis.
 *
 * It connects at the first command, logs in, selects the database, and connects anew at the next
 * command after any failure of the connection. It never sends a command a second time.
 *
 * Result codes are those of <roomhook/status.h>: RH_ERR_UNREACHABLE nothing was sent,
 * RH_ERR_UNKNOWN sent but not answered, and for what Redis answered RH_ERR_FULL, RH_ERR_BUSY or
 * RH_ERR_REFUSED by the first word. redis_error has the words.
 *
 * Resolving a host name is left to the system's resolver: the connect timeout does not bound it.
 */
#ifndef PRODUCER_REDIS_BLOCKING_H
#define PRODUCER_REDIS_BLOCKING_H

#include <roomhook/status.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bytes.h"
#include "redis_address.h"

struct redis_blocking;

struct redis_blocking_options {
    struct redis_address address;
    int connect_timeout_ms; /* > 0 */
    int command_timeout_ms; /* > 0; for each read and write on the socket */
    const char *name;       /* what CLIENT LIST shows; a literal */
};

/* Makes one without connecting. RH_ERR_ARGUMENT for TLS and Sentinels, RH_ERR_MEMORY; *why told. */
RH_MUST_CHECK int redis_open(const struct redis_blocking_options *options,
                             struct redis_blocking **ret_redis, struct error_text *why);

void redis_close(struct redis_blocking *redis); /* NULL allowed */

/* What went wrong in the last failed call, "" before; printable ASCII. */
const char *redis_error(const struct redis_blocking *redis);

/* Was the last failure an error answer that begins with this word, like "NOGROUP"? */
bool redis_error_is(const struct redis_blocking *redis, const char *word);

/* An answer as a tree. Every accessor is safe on any node, NULL too: what is not there is empty. */
struct answer;

/* Sends one command and waits. On RH_OK *ret_answer is the caller's, to be given to answer_free. */
RH_MUST_CHECK int redis_command(struct redis_blocking *redis, const struct bytes *args,
                                size_t args_len, struct answer **ret_answer);

/*
 * A pipeline: append commands, then get as many answers, in order. Nothing is sent before the first
 * get. Bound what you append: all of it waits in memory. An error answer is a failure of that get
 * alone. When the connection breaks, that get and the pipeline's later ones are RH_ERR_UNKNOWN.
 */
RH_MUST_CHECK int redis_append(struct redis_blocking *redis, const struct bytes *args,
                               size_t args_len);
RH_MUST_CHECK int redis_get(struct redis_blocking *redis, struct answer **ret_answer);

void answer_free(
    struct answer *answer); /* NULL allowed; only for what redis_command and _get gave */
bool answer_is_nil(const struct answer *answer);
struct bytes answer_text(const struct answer *answer); /* of a string or status; NUL-terminated */
int64_t answer_int(const struct answer *answer);       /* of an integer or a string of digits */
size_t answer_len(const struct answer *answer);        /* of a list */
const struct answer *answer_at(const struct answer *answer, size_t index);

#endif
