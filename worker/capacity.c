#include "capacity.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

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

struct capacity_endpoint {
    UT_hash_handle hh;
    struct origin *origin;
    size_t in_flight;
    size_t waiting;
    bool is_congested;
    TAILQ_HEAD(endpoint_waiters, capacity_waiter) waiters;
    bool is_runnable;
    bool is_ready;
    TAILQ_ENTRY(capacity_endpoint) runnable_link;
    TAILQ_ENTRY(capacity_endpoint) ready_link;
    TAILQ_ENTRY(capacity_endpoint) idle_link;
    bool is_idle; /* without waiters, kept because it is congested */
    char name[];
};

struct capacity {
    struct capacity_limits limits;
    size_t in_flight;
    size_t taken; /* of in_flight: by capacity_take */
    size_t waiting;
    struct origin *origins;
    struct capacity_endpoint *endpoints;
    TAILQ_HEAD(capacity_ready, capacity_endpoint) ready;
    TAILQ_HEAD(capacity_arrivals, capacity_waiter) arrivals; /* all that wait, oldest first */
    TAILQ_HEAD(capacity_idle, capacity_endpoint) idle;       /* congested and without waiters */
    size_t idle_len;
};

struct capacity *capacity_new(const struct capacity_limits *limits)
{
    struct capacity *capacity = calloc(1, sizeof(*capacity));

    if (!capacity)
        return NULL;
    capacity->limits = *limits;
    TAILQ_INIT(&capacity->ready);
    TAILQ_INIT(&capacity->arrivals);
    TAILQ_INIT(&capacity->idle);
    return capacity;
}

void capacity_free(struct capacity *capacity)
{
    struct capacity_endpoint *endpoint, *next_endpoint;
    struct origin *origin, *next_origin;

    if (!capacity)
        return;
    HASH_ITER(hh, capacity->endpoints, endpoint, next_endpoint) {
        HASH_DEL(capacity->endpoints, endpoint);
        free(endpoint);
    }
    HASH_ITER(hh, capacity->origins, origin, next_origin) {
        HASH_DEL(capacity->origins, origin);
        free(origin);
    }
    free(capacity);
}

/* --- endpoints and origins --- */

static struct origin *origin_find(const struct capacity *capacity, const char *name)
{
    struct origin *origin;

    HASH_FIND_STR(capacity->origins, name, origin);
    return origin;
}

static struct capacity_endpoint *endpoint_find(const struct capacity *capacity, const char *name)
{
    struct capacity_endpoint *endpoint;

    HASH_FIND_STR(capacity->endpoints, name, endpoint);
    return endpoint;
}

static struct origin *origin_add(struct capacity *capacity, const char *name)
{
    size_t size = strlen(name) + 1;
    struct origin *origin = calloc(1, sizeof(*origin) + size);

    if (!origin)
        return NULL;
    memcpy(origin->name, name, size);
    TAILQ_INIT(&origin->runnable);
    HASH_ADD_STR(capacity->origins, name, origin);
    if (!origin->hh.tbl) {
        free(origin);
        return NULL;
    }
    return origin;
}

static void origin_remove_if_unused(struct capacity *capacity, struct origin *origin)
{
    if (origin->endpoints > 0)
        return;
    HASH_DEL(capacity->origins, origin);
    free(origin);
}

static struct capacity_endpoint *endpoint_add(struct capacity *capacity, struct origin *origin,
                                              const char *name)
{
    size_t size = strlen(name) + 1;
    struct capacity_endpoint *endpoint = calloc(1, sizeof(*endpoint) + size);

    if (!endpoint)
        return NULL;
    memcpy(endpoint->name, name, size);
    TAILQ_INIT(&endpoint->waiters);
    HASH_ADD_STR(capacity->endpoints, name, endpoint);
    if (!endpoint->hh.tbl) {
        free(endpoint);
        return NULL;
    }
    endpoint->origin = origin;
    origin->endpoints++;
    return endpoint;
}

static void endpoint_remove(struct capacity *capacity, struct capacity_endpoint *endpoint)
{
    struct origin *origin = endpoint->origin;

    HASH_DEL(capacity->endpoints, endpoint);
    free(endpoint);
    origin->endpoints--;
    origin_remove_if_unused(capacity, origin);
}

static void endpoint_end_idling(struct capacity *capacity, struct capacity_endpoint *endpoint)
{
    TAILQ_REMOVE(&capacity->idle, endpoint, idle_link);
    endpoint->is_idle = false;
    capacity->idle_len--;
}

static void endpoint_idle(struct capacity *capacity, struct capacity_endpoint *endpoint)
{
    struct capacity_endpoint *oldest = TAILQ_FIRST(&capacity->idle);

    if (capacity->idle_len == CAPACITY_CONGESTED_MAX) {
        endpoint_end_idling(capacity, oldest);
        endpoint_remove(capacity, oldest);
    }
    endpoint->is_idle = true;
    TAILQ_INSERT_TAIL(&capacity->idle, endpoint, idle_link);
    capacity->idle_len++;
}

static void endpoint_rest_if_unused(struct capacity *capacity, struct capacity_endpoint *endpoint)
{
    if (endpoint->in_flight > 0 || endpoint->waiting > 0)
        return;
    if (endpoint->is_congested)
        endpoint_idle(capacity, endpoint);
    else
        endpoint_remove(capacity, endpoint);
}

static struct capacity_endpoint *endpoint_get(struct capacity *capacity, const char *name,
                                              const char *origin_name)
{
    struct capacity_endpoint *endpoint = endpoint_find(capacity, name);
    struct origin *origin;

    if (endpoint)
        return endpoint;
    origin = origin_find(capacity, origin_name);
    if (!origin)
        origin = origin_add(capacity, origin_name);
    if (!origin)
        return NULL;
    endpoint = endpoint_add(capacity, origin, name);
    if (!endpoint)
        origin_remove_if_unused(capacity, origin);
    return endpoint;
}

/* --- turns --- */

/* Makes the first parked endpoint ready if a slot of the origin is free for it. */
static void origin_wake(struct capacity *capacity, struct origin *origin)
{
    struct capacity_endpoint *endpoint = origin->first_parked;

    if (!endpoint || origin->in_flight + origin->ready_len >= capacity->limits.per_origin)
        return;
    origin->first_parked = TAILQ_NEXT(endpoint, runnable_link);
    origin->ready_len++;
    endpoint->is_ready = true;
    TAILQ_INSERT_TAIL(&capacity->ready, endpoint, ready_link);
}

static void endpoint_enqueue(struct capacity_endpoint *endpoint)
{
    struct origin *origin = endpoint->origin;

    endpoint->is_runnable = true;
    TAILQ_INSERT_TAIL(&origin->runnable, endpoint, runnable_link);
    if (!origin->first_parked)
        origin->first_parked = endpoint;
}

static void endpoint_dequeue(struct capacity *capacity, struct capacity_endpoint *endpoint)
{
    struct origin *origin = endpoint->origin;

    if (endpoint->is_ready) {
        TAILQ_REMOVE(&capacity->ready, endpoint, ready_link);
        endpoint->is_ready = false;
        origin->ready_len--;
    } else if (origin->first_parked == endpoint) {
        origin->first_parked = TAILQ_NEXT(endpoint, runnable_link);
    }
    TAILQ_REMOVE(&origin->runnable, endpoint, runnable_link);
    endpoint->is_runnable = false;
}

/* Puts the endpoint where it belongs after one change of its waiters, its slots or its origin's. */
static void endpoint_update(struct capacity *capacity, struct capacity_endpoint *endpoint)
{
    bool runnable =
        !TAILQ_EMPTY(&endpoint->waiters) && endpoint->in_flight < capacity->limits.per_endpoint;

    if (runnable && !endpoint->is_runnable)
        endpoint_enqueue(endpoint);
    else if (!runnable && endpoint->is_runnable)
        endpoint_dequeue(capacity, endpoint);
    origin_wake(capacity, endpoint->origin);
}

static void waiter_take_out(struct capacity *capacity, struct capacity_waiter *waiter)
{
    TAILQ_REMOVE(&waiter->endpoint->waiters, waiter, link);
    TAILQ_REMOVE(&capacity->arrivals, waiter, arrival);
    waiter->endpoint->waiting--;
    capacity->waiting--;
}

int capacity_wait(struct capacity *capacity, struct capacity_waiter *waiter, const char *endpoint,
                  const char *origin, int64_t now_ms)
{
    struct capacity_endpoint *found;

    assert(waiter->state == CAPACITY_OUT);
    found = endpoint_get(capacity, endpoint, origin);
    if (!found)
        return -1;
    if (found->is_congested && found->in_flight + found->waiting >= capacity->limits.per_endpoint)
        return CAPACITY_CONGESTED;
    if (found->is_idle)
        endpoint_end_idling(capacity, found);
    TAILQ_INSERT_TAIL(&found->waiters, waiter, link);
    TAILQ_INSERT_TAIL(&capacity->arrivals, waiter, arrival);
    waiter->endpoint = found;
    waiter->since_ms = now_ms;
    waiter->state = CAPACITY_WAITING;
    found->waiting++;
    capacity->waiting++;
    endpoint_update(capacity, found);
    return 0;
}

struct capacity_waiter *capacity_overdue(struct capacity *capacity, int64_t began_ms)
{
    struct capacity_waiter *oldest = TAILQ_FIRST(&capacity->arrivals);

    if (!oldest || oldest->since_ms > began_ms)
        return NULL;
    oldest->endpoint->is_congested = true;
    return oldest;
}

int64_t capacity_oldest_ms(const struct capacity *capacity)
{
    const struct capacity_waiter *oldest = TAILQ_FIRST(&capacity->arrivals);

    return oldest ? oldest->since_ms : -1;
}

static void waiter_fly(struct capacity *capacity, struct capacity_waiter *waiter)
{
    waiter->state = CAPACITY_IN_FLIGHT;
    capacity->in_flight++;
    waiter->endpoint->origin->in_flight++;
    waiter->endpoint->in_flight++;
}

struct capacity_waiter *capacity_next(struct capacity *capacity)
{
    const struct capacity_limits *limits = &capacity->limits;
    struct capacity_endpoint *endpoint = TAILQ_FIRST(&capacity->ready);
    struct capacity_waiter *waiter;

    if (!endpoint || capacity->in_flight >= limits->in_flight ||
        capacity->in_flight - capacity->taken + limits->kept >= limits->in_flight)
        return NULL;
    waiter = TAILQ_FIRST(&endpoint->waiters);
    waiter_take_out(capacity, waiter);
    waiter_fly(capacity, waiter);
    endpoint_dequeue(capacity, endpoint); /* behind the others for its next turn */
    endpoint_update(capacity, endpoint);
    return waiter;
}

void capacity_leave(struct capacity *capacity, struct capacity_waiter *waiter, bool answered)
{
    struct capacity_endpoint *endpoint = waiter->endpoint;

    if (waiter->state == CAPACITY_OUT)
        return;
    if (waiter->state == CAPACITY_WAITING) {
        waiter_take_out(capacity, waiter);
    } else {
        capacity->in_flight--;
        endpoint->origin->in_flight--;
        endpoint->in_flight--;
        capacity->taken -= waiter->taken ? 1 : 0;
        waiter->taken = false;
        if (answered && endpoint->in_flight <= capacity->limits.per_endpoint / 2)
            endpoint->is_congested = false;
    }
    waiter->state = CAPACITY_OUT;
    waiter->endpoint = NULL;
    endpoint_update(capacity, endpoint);
    endpoint_rest_if_unused(capacity, endpoint);
}

int capacity_take(struct capacity *capacity, struct capacity_waiter *waiter, const char *endpoint,
                  const char *origin)
{
    const struct capacity_limits *limits = &capacity->limits;
    struct capacity_endpoint *found = endpoint_find(capacity, endpoint);
    const struct origin *from = found ? found->origin : origin_find(capacity, origin);

    assert(waiter->state == CAPACITY_OUT);
    if (capacity->in_flight >= limits->in_flight ||
        (found && (!TAILQ_EMPTY(&found->waiters) || found->in_flight >= limits->per_endpoint)) ||
        /* What is ready has a claim on its origin's slots. */
        (from && from->in_flight + from->ready_len >= limits->per_origin))
        return CAPACITY_CONGESTED;
    found = endpoint_get(capacity, endpoint, origin);
    if (!found)
        return -1;
    if (found->is_idle)
        endpoint_end_idling(capacity, found);
    waiter->endpoint = found;
    waiter->taken = true;
    capacity->taken++;
    waiter_fly(capacity, waiter);
    endpoint_update(capacity, found);
    return 0;
}

size_t capacity_in_flight(const struct capacity *capacity)
{
    return capacity->in_flight;
}

size_t capacity_waiting(const struct capacity *capacity)
{
    return capacity->waiting;
}
