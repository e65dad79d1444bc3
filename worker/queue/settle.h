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
#include "contract/lane.h"
#include "queue/queue.h"

enum settle_kind {
    SETTLE_ACK,    /* an entry that leaves nothing behind; nothing is put */
    SETTLE_STREAM, /* an entry with outcomes: settle_stream.lua */
    SETTLE_LEASED, /* a leased delivery: settle_leased.lua */
    SETTLE_KINDS
};

struct settlement {
    STAILQ_ENTRY(settlement) link;
    enum settle_kind kind;
    const char *id; /* stream id, or delivery id of a leased one; the owner's */
    size_t bytes;   /* about how many it puts */
    void *owner;
    bool again; /* it was sent before; settle's */
};

STAILQ_HEAD(settlement_list, settlement);

/* What a put function writes into. */
struct settle_batch;

/* The number of a lane in this batch, by which arguments name it. fingerprint: that of its gate,
 * "-" when the hook is not known; max_age_ms 0: none. */
int64_t settle_lane(struct settle_batch *batch, const char *lane, const char *fingerprint,
                    int64_t max_age_ms);

/* The number of a stream id's set of holders (contract/lane.h: its padded form). */
int64_t settle_holders(struct settle_batch *batch, const char *stream);

/* Where the arguments go. What is borrowed must live until the settlement is answered. */
struct redis_args *settle_args(struct settle_batch *batch);

struct settle;

struct settle_config {
    int64_t dead_max;
    int64_t dead_max_bytes;
    int64_t lane_max;
    void (*put)(void *context, struct settlement *settlement, struct settle_batch *batch);
    void (*settled)(void *context, struct settlement *settlement, bool ours);
    void (*overflow)(void *context, const char *lane, int64_t count); /* over lane_max by so many */
    void *context;
};

struct settle *settle_new(struct loop *loop, struct queue *queue,
                          const struct settle_config *config);
void settle_free(struct settle *settle); /* NULL allowed; submitted settlements are forgotten */

void settle_submit(struct settle *settle, struct settlement *settlement);
void settle_resume(struct settle *settle); /* the link is up again: send what waits */

/* Sends what waits now. False: something of it could not be sent. */
bool settle_flush(struct settle *settle);

/* Redis refused the last batch: nothing new should be taken until it stores one. */
bool settle_is_refused(const struct settle *settle);

size_t settle_waiting(const struct settle *settle); /* submitted and not answered */

#endif
