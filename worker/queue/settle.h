/*
 * Carries outcomes to Redis, in batches, each kind by a script of its own.
 *
 * A settlement is embedded in its owner, submitted once, and answered by exactly one call of
 * done_fn when Redis has stored it: ours is false when another worker holds the entry or lease and
 * the outcome was dropped. Until then the owner must keep it, whatever happens to the connection:
 * batches whose reply was lost are sent again, which every script allows. One that was sent again
 * counts as ours: it may have been stored the first time.
 *
 * What Redis refuses, for want of a right, of replicas, of room, is kept and sent again, a batch of
 * each kind at a time, and the leases it belongs to are made to last. The owner starts nothing new
 * meanwhile: whatever it did could not be stored either.
 */
#ifndef QUEUE_SETTLE_H
#define QUEUE_SETTLE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/queue.h>

#include "base/loop.h"
#include "queue/queue.h"
#include "redis/args.h"
#include "redis/fault.h"

#define SETTLE_AGAIN_MAX_MS 1000 /* and half of it: what was refused is sent again */

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

/* Of outcomes that Redis refuses to store. */
struct settle_refusal {
    enum redis_fault fault; /* FAULT_NONE: it refuses none */
    int64_t since_ms;
    int64_t times;
};

struct settle;

struct settle_config {
    struct queue *queue;
    int64_t dead_max;
    settle_done_fn *done;
    void (*refusal)(void *context); /* it began, or is over */
    void *context;
};

struct settle *settle_new(struct loop *loop, const struct settle_config *config);
void settle_free(struct settle *settle); /* NULL allowed; submitted settlements are forgotten */

void settle_submit(struct settle *settle, struct settlement *settlement);
void settle_resume(struct settle *settle); /* the link is up again: send what waits */

const struct settle_refusal *settle_refusal(const struct settle *settle);

size_t settle_waiting(const struct settle *settle); /* submitted and not answered */

#endif
