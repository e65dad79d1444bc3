/*
 * The queue's status, read from Redis at most once a second however often it is asked for.
 */
#ifndef WEB_SNAPSHOT_H
#define WEB_SNAPSHOT_H

#include "web/jobs.h"

#define SNAPSHOT_FRESH_MS 1000

struct snapshot;

/* What was read last. Valid until the loop turns. */
struct snapshot_view {
    bool is_up; /* it could be read */
    enum admin_result result;
    const char *why;      /* it could not */
    const char *contract; /* of the queue; "" for a new one */
    bool is_contract_ours;
    int64_t age_ms;       /* of the texts; below 0: there are none */
    struct bytes status;  /* JSON */
    struct bytes workers; /* JSON, a list */
    struct bytes metrics;
};

typedef void snapshot_fn(void *context, const struct snapshot_view *view);

struct snapshot *snapshot_new(struct jobs *jobs, const char *queue); /* NULL: no memory */
void snapshot_free(struct snapshot *snapshot); /* NULL allowed; after jobs_free */

/* Calls fn once, now or later, with what is at most a second old. 0, or -1: too much waits. */
int snapshot_get(struct snapshot *snapshot, snapshot_fn *fn, void *context);

#endif
