/*
 * Settlements on their way to Redis in one call of a script, with the lanes and documents they
 * name: these are keys of the call, and arguments name them by their numbers.
 */
#ifndef QUEUE_SETTLE_BATCH_H
#define QUEUE_SETTLE_BATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include "contract/lane.h"
#include "queue/queue.h"
#include "redis/args.h"

#define SETTLE_BATCH_MAX 200 /* settlements in one call */

enum settle_kind {
    SETTLE_ACK,    /* an entry that leaves nothing behind; nothing is put */
    SETTLE_STREAM, /* an entry with outcomes: settle_stream.lua */
    SETTLE_LEASED, /* a leased delivery: settle_leased.lua */
    SETTLE_KINDS
};

struct settlement {
    STAILQ_ENTRY(settlement) link;
    enum settle_kind kind;
    struct bytes id;   /* stream id, or delivery id of a leased one; the owner's */
    size_t bytes;      /* about how many it puts */
    const char *lane;  /* of a leased delivery; the owner's */
    const char *fence; /* the same */
    void *owner;
    bool again; /* it was sent before, and may be stored; settle's */
};

STAILQ_HEAD(settlement_list, settlement);

struct settle_batch;

/* The number of a lane in this batch, by which arguments name it. fingerprint: that of its gate,
 * "-" when the hook is not known; max_age_ms 0: none. */
int64_t settle_lane(struct settle_batch *batch, const char *lane, const char *fingerprint,
                    int64_t max_age_ms);

/* The number of a stream id's set of holders (contract/lane.h: its padded form). */
int64_t settle_holders(struct settle_batch *batch, const char *stream);

/* Where the arguments go. What is borrowed must live until the settlement is answered. */
struct redis_args *settle_args(struct settle_batch *batch);

/* Writes a settlement's outcome, behind its id: as the script's top has it. */
typedef void settle_put_fn(void *context, struct settlement *settlement,
                           struct settle_batch *batch);

struct settle_caps {
    int64_t dead_max;
    int64_t dead_max_bytes;
    int64_t lane_max;
};

/* Takes settlements of one kind from the front of a list, as many as go into one call. NULL: no
 * memory. */
struct settle_batch *settle_batch_new(struct queue *queue, enum settle_kind kind,
                                      struct settlement_list *from);
void settle_batch_free(struct settle_batch *batch);

struct settlement_list *settle_batch_list(struct settle_batch *batch);

/* The keys that a kind's script names in front of those of lanes. */
void settle_put_keys(const struct keys *keys, enum settle_kind kind, struct redis_args *args);

/* 0, or -1: it could not be sent, and fn is not called. */
int settle_batch_send(struct settle_batch *batch, const struct settle_caps *caps,
                      settle_put_fn *put, void *put_context, redis_reply_fn *fn, void *context);

const char *settle_batch_lane(const struct settle_batch *batch, int64_t number); /* or NULL */

#endif
