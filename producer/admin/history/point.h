/*
 * Points of a queue's history: what lies between two of its snapshots. Pure.
 */
#ifndef ADMIN_HISTORY_POINT_H
#define ADMIN_HISTORY_POINT_H

#include <stdint.h>

#include "contract/bytes.h"
#include "redis/reply.h"

#define HISTORY_BUCKETS 16 /* of how long deliveries took; the last has no end */

enum history_counter {
    HISTORY_EVENTS,
    HISTORY_DELIVERED,
    HISTORY_RETRIES,
    HISTORY_DEAD,
    HISTORY_OPENED,
    HISTORY_COUNTERS
};

/* An entry of {Q}:history. What is missing or no number is 0. */
struct history_snapshot {
    int64_t at_ms; /* 0: there is none */
    int64_t counters[HISTORY_COUNTERS];
    int64_t buckets[HISTORY_BUCKETS];
    int64_t backlog, waiting, lanes, letters;
    int64_t oldest_ms; /* when the first event of the stream was added; 0: it is empty */
};

void history_snapshot_read(const struct reply *entry, struct history_snapshot *ret_snapshot);

/* Since another one; counters that became less began again at 0. */
void history_difference(const struct history_snapshot *before, const struct history_snapshot *after,
                        struct history_snapshot *ret_difference);

/* A share, in thousandths, of these deliveries took at most so long, ms; -1: there were none. What
 * lies within a bucket is taken as spread evenly. */
int64_t history_quantile_ms(const int64_t counts[HISTORY_BUCKETS], int thousandths);

/* One object: what happened between the two, and how much there was at the end. */
void history_put_point(struct buffer *out, const struct history_snapshot *before,
                       const struct history_snapshot *after);

#endif
