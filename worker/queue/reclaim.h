/*
 * Reclaims own entries: those that Redis counts as pending for this consumer and that the process
 * does not know, because they were sent into a connection that broke, revived by a Redis that lost
 * its last writes, or taken over from a dead worker.
 */
#ifndef QUEUE_RECLAIM_H
#define QUEUE_RECLAIM_H

#include "base/loop.h"
#include "queue/queue.h"
#include "queue/stream_entry.h"

struct reclaim;

/* What the reader is doing. Redis gives it entries in the order of their ids, so those up to the
 * last one that came are not on their way. */
struct reading {
    bool under_way;
    uint64_t last_ms; /* id of the last entry that came; 0-0 before the first */
    uint64_t last_seq;
};

/* done is called when everything pending was looked through; taker and reading are borrowed. */
struct reclaim *reclaim_new(struct loop *loop, struct queue *queue,
                            const struct stream_taker *taker, const struct reading *reading,
                            loop_fn *done, void *context);
void reclaim_free(struct reclaim *reclaim); /* NULL allowed */

/* Looks through what has been pending for min_idle_ms; once more from the beginning when already
 * running. */
void reclaim_start(struct reclaim *reclaim, int64_t min_idle_ms);
/* The same for what this process left pending, which it may do again and again: not logged. */
void reclaim_start_again(struct reclaim *reclaim);
void reclaim_stop(struct reclaim *reclaim);
bool reclaim_is_running(const struct reclaim *reclaim);

#endif
