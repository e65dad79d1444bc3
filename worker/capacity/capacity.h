/*
 * Who may be in flight: limits per process, per origin and per endpoint, and turns in round robin
 * over endpoints, so that one endpoint's queue never makes another wait. Pure bookkeeping.
 *
 * An endpoint's limit adapts to it (concurrency.h). Its queue may hold what it takes within
 * CAPACITY_SOON_MS, by its limit and the time its answers take. A longer one adapts to how much
 * room is left: at most a quarter of it, an eighth while nothing is known of the endpoint, a 32nd
 * when it does not answer, so that many that do not keep up together leave room for one more
 * (dynamic thresholds, Choudhury and Hahne 1998).
 *
 * An endpoint is slow once a request to it takes limits.slow_ms or longer, until one succeeds
 * faster. Slow ones have a lane of their own: they share limits.slow of the slots with
 * others in turns, beyond it they take only what nobody else waits for, up to limits.slow_most.
 *
 * A waiter is embedded in the caller's object and belongs to exactly one of: nothing, an endpoint's
 * queue, in flight. Endpoints and origins exist while they have waiters in one of the latter two;
 * of those without, about which something was learnt, the latest CAPACITY_IDLE_MAX are kept.
 */
#ifndef CAPACITY_CAPACITY_H
#define CAPACITY_CAPACITY_H

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
    bool taken;                        /* its slot was taken by capacity_take */
    int64_t since_ms;                  /* when it began to wait, or to fly */
    TAILQ_ENTRY(capacity_waiter) link; /* in its endpoint's queue */
    TAILQ_ENTRY(capacity_waiter) all;  /* of all that wait, or of all in flight: oldest first */
};

/* What a waiter that leaves tells about its endpoint. */
enum capacity_news {
    CAPACITY_NO_NEWS = 0, /* it was not attempted, or the attempt says nothing */
    CAPACITY_SUCCESS,     /* it earns a higher limit */
    CAPACITY_ANSWER,      /* neither: it answers */
    CAPACITY_BUSY,        /* it answered that it fails or has too much: half its limit */
    CAPACITY_SILENCE,     /* no answer: half its limit */
    CAPACITY_CUT          /* given up early, see capacity_to_cut: one at a time */
};

struct capacity_limits {
    size_t in_flight;
    size_t per_origin;
    size_t per_endpoint;       /* at most */
    size_t first_per_endpoint; /* for one of which nothing is known */
    size_t kept;               /* of in_flight: for those that do not wait, see capacity_take */
    size_t slow;               /* of in_flight: for slow endpoints while others wait */
    size_t slow_most;          /* of in_flight: for slow endpoints in any case */
    int64_t slow_ms;
};

struct capacity *capacity_new(const struct capacity_limits *limits); /* NULL: out of memory */

/* NULL is allowed. Forgets waiters without touching their owners. */
void capacity_free(struct capacity *capacity);

#define CAPACITY_CONGESTED 1
#define CAPACITY_SOON_MS 20
#define CAPACITY_SILENT_MS 50 /* so long without an answer says something */
#define CAPACITY_IDLE_MAX 4096

/* Queues a waiter behind its endpoint (any string that names it, e.g. the URL) and origin. An
 * endpoint has one origin: while it is known, origin is not looked at. 0; -1: out of memory;
 * CAPACITY_CONGESTED: the endpoint does not keep up and has no slot free, or its queue is too long
 * for the room that is left, so this one should come again later. */
int capacity_wait(struct capacity *capacity, struct capacity_waiter *waiter, const char *endpoint,
                  const char *origin, int64_t now_ms);

/* The waiter that has waited longest, if it began at or before began_ms. Its endpoint is congested
 * from now on: nobody queues there until answers have freed half of its slots. That is remembered
 * for a while after its last waiter has gone. The caller takes the waiter out. NULL: nobody waited
 * so long. */
struct capacity_waiter *capacity_overdue(struct capacity *capacity, int64_t began_ms);

/* The waiter that has waited longest of those that began at or before began_ms at endpoints that
 * have not answered anybody since then; the same otherwise. */
struct capacity_waiter *capacity_stuck(struct capacity *capacity, int64_t began_ms);

/* When the one that has waited longest began, -1 when nobody waits. */
int64_t capacity_oldest_ms(const struct capacity *capacity);

/* Takes the next waiter whose limits allow it and counts it in flight; NULL when none may go. */
struct capacity_waiter *capacity_next(struct capacity *capacity, int64_t now_ms);

/* A slot at once, or none: for one that cannot wait. Those who wait never hold the kept slots, and
 * go first at their own endpoint. 0; -1: out of memory; CAPACITY_CONGESTED: no slot is free. */
int capacity_take(struct capacity *capacity, struct capacity_waiter *waiter, const char *endpoint,
                  const char *origin, int64_t now_ms);

/* Queues one that cannot wait for long: only at an endpoint that has requests under way and, as
 * far as is known, a slot for it within CAPACITY_SOON_MS. 0, or CAPACITY_CONGESTED. */
int capacity_wait_briefly(struct capacity *capacity, struct capacity_waiter *waiter,
                          const char *endpoint, int64_t now_ms);

/* How many more may come to get a slot at once or, from capacity_wait_briefly, soon. */
size_t capacity_soon(const struct capacity *capacity, const char *endpoint, const char *origin);

/* How many capacity_take would let through now, one after the other. */
size_t capacity_free_slots(const struct capacity *capacity, const char *endpoint,
                           const char *origin);

/* How fast an endpoint takes what it is sent. */
struct capacity_pace {
    int64_t silent_ms; /* requests are under way and for so long none was answered; 0: none are */
    int64_t each_us;   /* between two answers at its present limit; 0: it has never succeeded */
};

struct capacity_pace capacity_pace_of(const struct capacity *capacity, const char *endpoint,
                                      int64_t now_ms);

/* Somebody waits there, or it does not keep up. */
bool capacity_has_queue(const struct capacity *capacity, const char *endpoint);

/* Takes a waiter out, from whatever state; OUT afterwards. */
void capacity_leave(struct capacity *capacity, struct capacity_waiter *waiter,
                    enum capacity_news news, int64_t now_ms);

/* Sees which endpoints have become slow, without waiting for how their requests end. */
void capacity_mark_slow(struct capacity *capacity, int64_t now_ms);

/* When others need slots: the oldest of those in flight that were marked slow and whose endpoint
 * has never succeeded as far as is known, if these are more than limits.slow; for the caller to
 * give up. Else NULL. A slow receiver that does answer is never cut. */
struct capacity_waiter *capacity_to_cut(struct capacity *capacity);

bool capacity_is_blocked(const struct capacity *capacity); /* one that is not slow lacks a slot */

size_t capacity_in_flight(const struct capacity *capacity);
size_t capacity_waiting(const struct capacity *capacity);

#endif
