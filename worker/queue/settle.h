/*
 * Stores outcomes in Redis, in batches, each kind by a script of its own.
 *
 * A settlement is embedded in its owner, submitted once, and answered by exactly one call of
 * settled when Redis has stored it: ours is false when another worker holds the entry or lease and
 * the outcome was dropped. Until then the owner must keep it, whatever happens to the connection:
 * a batch whose reply was lost or that Redis refused is sent again, which every script allows. One
 * that was sent again counts as ours: it may have been stored the first time.
 *
 * What is sent is written when it is sent, by the owner's put function, which must write the same
 * outcome each time.
 */
#ifndef QUEUE_SETTLE_H
#define QUEUE_SETTLE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/queue.h>

#include "base/loop.h"
#include "queue/queue.h"
#include "queue/settle_batch.h"
#include "redis/fault.h"

#define SETTLE_AGAIN_MAX_MS 1000 /* and half of it: what was refused is sent again */
#define SETTLE_LEASE_MIN_MS 5000 /* no lease is shorter */

/* Of outcomes that Redis refuses to store. They are kept and sent again, and their leases last. */
struct settle_refusal {
    enum redis_fault fault; /* FAULT_NONE: it refuses none, and did not just now, for long */
    int64_t since_ms;
    int64_t times;
    char error[128]; /* what Redis said last, printable */
};

struct settle;

struct settle_config {
    struct settle_caps caps;
    settle_put_fn *put;
    void (*settled)(void *context, struct settlement *settlement, bool ours);
    void (*overflow)(void *context, const char *lane, int64_t count); /* over lane_max by count */
    void (*refusal)(void *context);                                   /* it began, or is over */
    void *context;
};

struct settle *settle_new(struct loop *loop, struct queue *queue,
                          const struct settle_config *config);
void settle_set_caps(struct settle *settle, const struct settle_caps *caps);
void settle_free(struct settle *settle); /* NULL allowed; submitted settlements are forgotten */

void settle_submit(struct settle *settle, struct settlement *settlement);
void settle_resume(struct settle *settle); /* the link is up again: send what waits */

/* Sends what waits now, as far as it may go. False: not all of it may. */
bool settle_flush(struct settle *settle);

const struct settle_refusal *settle_refusal(const struct settle *settle);

size_t settle_waiting(const struct settle *settle); /* submitted and not answered */

#endif
