/*
 * Stopping well: no new work, what has not started goes to others at once, what flies may finish
 * until drain-timeout, the rest is handed back too; then the worker deregisters and exits.
 */
#ifndef PROCESS_DRAIN_H
#define PROCESS_DRAIN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/loop.h"
#include "delivery/pipeline.h"
#include "queue/liveness.h"

struct drain {
    struct loop *loop;
    struct pipeline *pipeline;
    struct liveness *liveness;
    int64_t timeout_ms;
    void (*flush)(void *context); /* last counters, before deregistering */
    void *context;

    bool handed_back; /* the time was up */
    bool leaving;
    bool clean; /* everything was stored: the exit code */
    int64_t deadline_ms;
    struct loop_timer timer;
};

/* The fields above the gap are set by the caller. -1: no memory. */
int drain_init(struct drain *drain);
void drain_release(struct drain *drain);

void drain_begin(struct drain *drain); /* once; the loop stops when it is done */

#endif
