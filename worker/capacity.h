/*
 * Who may be in flight: limits per process, per origin and per endpoint, and turns in round robin
 * over endpoints, so that one endpoint's queue never makes another wait. Pure bookkeeping.
 *
 * A waiter is embedded in the caller's object and belongs to exactly one of: nothing, an endpoint's
 * queue, in flight. Endpoints and origins exist while they have waiters in one of the latter two;
 * the latest CAPACITY_CONGESTED_MAX congested ones without waiters are kept besides.
 */
#ifndef WORKER_CAPACITY_H
#define WORKER_CAPACITY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

struct capacity;
struct capacity_endpoint;

enum capacity_state {
    CAPACITY_OUT = 0,  /* not known to capacity; the state of a zeroed waiter */
    CAPACITY_WAITING,  /* in its endpoint's queue */
    CAPACITY_IN_FLIGHT /* holds a slot */
};

struct capacity_waiter {
    enum capacity_state state;
    struct capacity_endpoint *endpoint;
    bool taken;                           /* its slot was taken by capacity_take */
    int64_t since_ms;                     /* when it began to wait */
    TAILQ_ENTRY(capacity_waiter) link;    /* in its endpoint's queue */
    TAILQ_ENTRY(capacity_waiter) arrival; /* in the order of arrival over all endpoints */
};

struct capacity_limits {
    size_t in_flight;
    size_t per_origin;
    size_t per_endpoint;
    size_t kept; /* of in_flight: for those that do not wait, see capacity_take */
};

struct capacity *capacity_new(const struct capacity_limits *limits); /* NULL: out of memory */

/* NULL is allowed. Forgets waiters without touching their owners. */
void capacity_free(struct capacity *capacity);

#define CAPACITY_CONGESTED 1
#define CAPACITY_CONGESTED_MAX 1024

/* Queues a waiter behind its endpoint (any string that names it, e.g. the URL) and origin. An
 * endpoint has one origin: while it is known, origin is not looked at. 0; -1: out of memory;
 * CAPACITY_CONGESTED: the endpoint does not keep up and has no slot free, so this one should come
 * again later. */
int capacity_wait(struct capacity *capacity, struct capacity_waiter *waiter, const char *endpoint,
                  const char *origin, int64_t now_ms);

/* The waiter that has waited longest, if it began at or before began_ms. Its endpoint is congested
 * from now on: nobody queues there until answers have freed half of its slots. That is remembered
 * for a while after its last waiter has gone. The caller takes the waiter out. NULL: nobody waited
 * so long. */
struct capacity_waiter *capacity_overdue(struct capacity *capacity, int64_t began_ms);

/* When the one that has waited longest began, -1 when nobody waits. */
int64_t capacity_oldest_ms(const struct capacity *capacity);

/* Takes the next waiter whose limits allow it and counts it in flight; NULL when none may go. */
struct capacity_waiter *capacity_next(struct capacity *capacity);

/* A slot at once, or none: for one that cannot wait. Those who wait never hold the kept slots, and
 * go first at their own endpoint. 0; -1: out of memory; CAPACITY_CONGESTED: no slot is free. */
int capacity_take(struct capacity *capacity, struct capacity_waiter *waiter, const char *endpoint,
                  const char *origin);

/* Takes a waiter out, from whatever state; OUT afterwards. answered: it was in flight and the
 * receiver answered. */
void capacity_leave(struct capacity *capacity, struct capacity_waiter *waiter, bool answered);

size_t capacity_in_flight(const struct capacity *capacity);
size_t capacity_waiting(const struct capacity *capacity);

#endif
