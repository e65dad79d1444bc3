/*
 * Who may be in flight: limits per process, per origin and per endpoint, and turns in round robin
 * over endpoints, so that one endpoint's queue never makes another wait. Pure bookkeeping.
 *
 * A waiter is embedded in the caller's object and belongs to exactly one of: nothing, an endpoint's
 * queue, in flight. Endpoints and origins exist while they have waiters in one of the latter two.
 */
#ifndef WORKER_CAPACITY_H
#define WORKER_CAPACITY_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/queue.h>

struct capacity;
struct capacity_endpoint;

enum capacity_state {
    CAPACITY_OUT = 0,   /* not known to capacity; the state of a zeroed waiter */
    CAPACITY_WAITING,   /* in its endpoint's queue */
    CAPACITY_IN_FLIGHT  /* holds a slot */
};

struct capacity_waiter {
    enum capacity_state state;
    struct capacity_endpoint *endpoint;
    TAILQ_ENTRY(capacity_waiter) link;
};

struct capacity_limits {
    size_t in_flight;
    size_t per_origin;
    size_t per_endpoint;
};

struct capacity *capacity_new(const struct capacity_limits *limits); /* NULL: out of memory */
void capacity_free(struct capacity *capacity); /* NULL allowed; forgets waiters without touching their owners */

/* Queues a waiter behind its endpoint (any string that names it, e.g. the URL) and origin. An endpoint
 * has one origin: while it is known, origin is not looked at. -1: out of memory. */
int capacity_wait(struct capacity *capacity, struct capacity_waiter *waiter, const char *endpoint,
                  const char *origin);

/* Takes the next waiter whose limits allow it and counts it in flight; NULL when none may go. */
struct capacity_waiter *capacity_next(struct capacity *capacity);

/* Takes a waiter out, from whatever state; OUT afterwards. */
void capacity_leave(struct capacity *capacity, struct capacity_waiter *waiter);

/* Could a waiter for this endpoint start at once (free slot, nobody waiting there)? */
bool capacity_has_room(const struct capacity *capacity, const char *endpoint, const char *origin);

size_t capacity_in_flight(const struct capacity *capacity);
size_t capacity_waiting(const struct capacity *capacity);

#endif
