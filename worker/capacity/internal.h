/*
 * What the files of capacity share:
 *   capacity.c           who waits, whose turn it is, who flies
 *   queue.c     how long a queue may be
 *   yield.c     who makes way for others
 *   endpoint.c  endpoints and origins: found, made, kept for a while, forgotten
 */
#ifndef CAPACITY_INTERNAL_H
#define CAPACITY_INTERNAL_H

#include "capacity/capacity.h"
#include "capacity/concurrency.h"

/* A failed HASH_ADD leaves hh.tbl NULL instead of ending the process. The hash function is not the
 * default one because that falls through in a switch, which clang warns of. */
#define HASH_NONFATAL_OOM 1
#define HASH_FUNCTION HASH_OAT
#include <uthash.h>

/*
 * An endpoint is runnable while it has waiters and is below its own limit. The runnable endpoints
 * of an origin stand in a queue; of these the first min(how many there are, free slots of the
 * origin) are also in the ready list that turns are taken from, the others are parked. So whatever
 * is ready may go, whatever is parked is not looked at, and a change wakes at most one endpoint:
 * all is O(1).
 */
struct origin {
    UT_hash_handle hh;
    size_t endpoints; /* that exist */
    size_t in_flight;
    size_t ready_len; /* how many from the front of runnable are ready */
    TAILQ_HEAD(origin_runnable, capacity_endpoint) runnable;
    struct capacity_endpoint *first_parked; /* the first in runnable that is not ready, or NULL */
    char name[];
};

enum capacity_lane {
    LANE_FAST,
    LANE_SLOW,
    LANES
};

TAILQ_HEAD(capacity_ready, capacity_endpoint);

struct capacity_endpoint {
    UT_hash_handle hh;
    struct origin *origin;
    struct concurrency concurrency;
    size_t in_flight;
    size_t waiting;
    bool is_congested;
    bool has_succeeded;
    int64_t answered_at_ms; /* the last time */
    int64_t silent_from_ms; /* the last answer, or the first request under way if that is later */
    double answer_ms;       /* how long a success takes: a moving average */
    enum capacity_lane lane;
    TAILQ_HEAD(endpoint_waiters, capacity_waiter) waiters;
    bool is_runnable;
    bool is_ready;
    bool is_idle; /* without waiters, kept for what is known of it */
    TAILQ_ENTRY(capacity_endpoint) runnable_link;
    TAILQ_ENTRY(capacity_endpoint) ready_link;
    TAILQ_ENTRY(capacity_endpoint) idle_link;
    char name[];
};

TAILQ_HEAD(capacity_waiters, capacity_waiter);

struct capacity {
    struct capacity_limits limits;
    size_t in_flight;
    size_t taken; /* of in_flight: by capacity_take */
    size_t waiting;
    struct origin *origins;
    struct capacity_endpoint *endpoints;
    struct capacity_ready ready[LANES];
    size_t lane_in_flight[LANES];
    size_t lane_waiting[LANES];
    enum capacity_lane turn;            /* of the lanes, while both are within their share */
    struct capacity_waiters arrivals;   /* all that wait, oldest first */
    struct capacity_waiters flights;    /* all in flight, oldest first */
    struct capacity_waiter *first_fast; /* the oldest flight not marked slow */
    TAILQ_HEAD(capacity_idle, capacity_endpoint) idle; /* the longest idle first */
    size_t idle_len;
};

static inline size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

static inline size_t most(size_t a, size_t b)
{
    return a > b ? a : b;
}

static inline size_t minus(size_t a, size_t b)
{
    return a > b ? a - b : 0;
}

/* Requests at a time. */
size_t capacity_endpoint_limit(const struct capacity *capacity,
                               const struct capacity_endpoint *endpoint);

/* No slot is left for those who wait. */
bool capacity_is_full(const struct capacity *capacity);

/* There is room for one more in the endpoint's queue. */
bool capacity_may_queue(const struct capacity *capacity, const struct capacity_endpoint *endpoint,
                        int64_t now_ms);

/* How many more may wait there for nothing but the endpoint's own slots, and not for long. */
size_t capacity_brief_queue(const struct capacity *capacity,
                            const struct capacity_endpoint *endpoint);

struct origin *capacity_origin_find(const struct capacity *capacity, const char *name);
struct capacity_endpoint *capacity_endpoint_find(const struct capacity *capacity, const char *name);

/* Finds it or makes it, and takes it from the idle ones. NULL: out of memory. */
struct capacity_endpoint *capacity_endpoint_get(struct capacity *capacity, const char *name,
                                                const char *origin_name);

/* Keeps or forgets an endpoint that has nobody any more. */
void capacity_endpoint_rest_if_unused(struct capacity *capacity,
                                      struct capacity_endpoint *endpoint);

void capacity_change_lane(struct capacity *capacity, struct capacity_endpoint *endpoint,
                          enum capacity_lane lane);

void capacity_forget_all(struct capacity *capacity);

#endif
