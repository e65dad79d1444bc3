/*
 * Carries outcomes to Redis, in batches, each kind by a script of its own.
 *
 * A settlement is embedded in its owner, submitted once, and answered by exactly one call of
 * done_fn when Redis has stored it: ours is false when another worker holds the entry or lease and
 * the outcome was dropped. Until then the owner must keep it, whatever happens to the connection:
 * batches whose reply was lost are sent again, which every script allows. One that was sent again
 * counts as ours: it may have been stored the first time.
 */
#ifndef QUEUE_SETTLE_H
#define QUEUE_SETTLE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/queue.h>

#include "base/loop.h"
#include "queue/queue.h"
#include "redis/args.h"

enum settle_kind {
    SETTLE_ACK,   /* an entry that leaves nothing behind; args unused */
    SETTLE_ENTRY, /* an entry with outcomes; args: settle_entries.lua's, from encoding on */
    SETTLE_RETRY, /* a leased retry; args: settle_retries.lua's, from fence on */
    SETTLE_KINDS
};

struct settlement {
    STAILQ_ENTRY(settlement) link;
    enum settle_kind kind;
    const char *id; /* stream id, or delivery id for SETTLE_RETRY; the owner's */
    struct redis_args args;
    void *owner;
    bool again; /* it was sent before; settle's */
};

STAILQ_HEAD(settlement_list, settlement);

typedef void settle_done_fn(void *context, struct settlement *settlement, bool ours);

struct settle;

struct settle_config {
    struct queue *queue;
    int64_t dead_max;
    settle_done_fn *done;
    void *context;
};

struct settle *settle_new(struct loop *loop, const struct settle_config *config);
void settle_free(struct settle *settle); /* NULL allowed; submitted settlements are forgotten */

void settle_submit(struct settle *settle, struct settlement *settlement);
void settle_resume(struct settle *settle); /* the link is up again: send what waits */

size_t settle_waiting(const struct settle *settle); /* submitted and not answered */

#endif
