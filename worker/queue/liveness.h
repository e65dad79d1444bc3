/*
 * Saying that this worker lives, from the loop that does the work. With each heartbeat it takes or
 * keeps the maintenance lease; its holder leads (leader.h).
 *
 * The heartbeat is the first command on every control connection, then the queue is opened
 * (opening.h). Only then does the pipeline learn that the link is up. A leader does nothing until
 * then, and until its link has been unbroken, and each heartbeat taken, for one heartbeat-ttl:
 * after a restart or failover of Redis, or when it refused to write, the heartbeats of healthy
 * workers may be missing.
 */
#ifndef QUEUE_LIVENESS_H
#define QUEUE_LIVENESS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/loop.h"
#include "queue/convert.h"
#include "queue/leader.h"
#include "queue/queue.h"

struct liveness;

/* A heartbeat was stored. */
struct liveness_beat {
    int64_t until_ms; /* it holds so long, monotonic */
    bool had_lapsed;  /* the one before did not hold until this one came */
    int64_t redis_ms; /* Redis' clock when it was stored */
};

/* What Redis refuses this worker, for the heartbeat. */
struct liveness_trouble {
    const char *fault;   /* of redis_fault_name; NULL: it refused nothing lately */
    const char *what;    /* was refused; "" when it is any command */
    size_t unstored;     /* outcomes that it refuses to store; 0: none */
    int64_t unstored_ms; /* for so long */
};

struct liveness_config {
    struct queue *queue;
    const char *host;
    const char *pool; /* members of its heartbeat about its pool, ",\"pool\":4711"; "" in none */
    struct leader *leader;
    struct convert *convert;
    int64_t ttl_ms;
    size_t (*in_flight)(void *context);
    struct liveness_trouble (*trouble)(void *context);
    void (*ready)(void *context); /* after each connect */
    void (*alive)(void *context, const struct liveness_beat *beat);
    void (*reclaim)(void *context, int64_t min_idle_ms);
    void (*refused)(void *context, const char *why); /* this worker must not run on this queue */
    void *context;
};

struct liveness *liveness_new(struct loop *loop, const struct liveness_config *config);
void liveness_free(struct liveness *liveness); /* NULL allowed */

void liveness_link_up(struct liveness *liveness);
void liveness_link_down(struct liveness *liveness);

/* Deregisters: heartbeat, lease and consumer are dropped; left is called when Redis has answered
 * or cannot be reached. */
void liveness_leave(struct liveness *liveness, loop_fn *left, void *context);

#endif
