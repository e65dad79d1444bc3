/*
 * What one worker does for all, as long as it holds the maintenance lease: taking over the entries
 * of consumers without a heartbeat, and those that others forgot; noticing that somebody deletes
 * entries; keeping dead letters within their cap; forgetting old pauses, attempt logs and kept
 * events; healing what waits; converting what a worker of contract 1 still puts off.
 */
#ifndef QUEUE_LEADER_H
#define QUEUE_LEADER_H

#include <stdint.h>

#include "queue/convert.h"
#include "queue/queue.h"

struct leader;

/* What of its configuration can change while it runs. */
struct leader_caps {
    int64_t dead_max;
    int64_t dead_max_bytes;
    int64_t log_max_bytes; /* of attempt logs */
    bool logs_all;
    int64_t disable_after_ms;
};

struct leader_config {
    struct queue *queue;
    struct convert *convert;
    int64_t ttl_ms;
    struct leader_caps caps;
    struct bytes alert_hook; /* alerts.h; borrowed, and so is */
    const char *alert_lane;
    int suspect_claims; /* up to here a take-over counts as a claim */
    void (*reclaim)(void *context, int64_t min_idle_ms); /* entries were taken over */
    void *context;
};

struct leader *leader_new(const struct leader_config *config); /* NULL: no memory */
void leader_free(struct leader *leader);                       /* NULL allowed */

void leader_set_caps(struct leader *leader, const struct leader_caps *caps);
void leader_look_after(struct leader *leader); /* one round; called with each heartbeat */

#endif
