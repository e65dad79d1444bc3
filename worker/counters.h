/*
 * Numbers for operators. Each is added to {Q}:stats in batches; the names below are its fields.
 */
#ifndef WORKER_COUNTERS_H
#define WORKER_COUNTERS_H

#include <stdint.h>

enum counter {
    COUNTER_EVENTS,          /* events        entries taken from the stream */
    COUNTER_ATTEMPTS,        /* attempts      POSTs made */
    COUNTER_DELIVERED,       /* delivered     deliveries answered 2xx */
    COUNTER_RETRIES,         /* retries       deliveries put off by a failed attempt */
    COUNTER_DEFERRED,        /* deferred      deliveries put off without an attempt */
    COUNTER_CUT,             /* cut           attempts given up early, others needed the slot */
    COUNTER_BREAKER_OPENED,  /* breaker_opened  hooks that opened because they kept failing */
    COUNTER_DEAD,            /* dead          dead letters written */
    COUNTER_DEAD_DROPPED,    /* dead_dropped  dead letters dropped past the caps */
    COUNTER_NO_HOOK,         /* no_hook       events of rooms without an enabled hook */
    COUNTER_HOOK_DISABLED,   /* hook_disabled not delivered, hook disabled at look-up */
    COUNTER_FENCED,          /* fenced        outcomes dropped, another worker's entry */
    COUNTER_LOST,            /* lost          pending entries deleted by someone else */
    COUNTER_LOCAL_SHORTAGES, /* local_shortages  attempts not made, own shortage */
    COUNTER_REDIS_CONNECTS,  /* redis_connects */
    COUNTER_REDIS_ERRORS,    /* redis_errors  error replies and broken connections */
    COUNTER_GROUP_CREATED,   /* group_created */
    COUNTER_ADOPTED,         /* adopted       own pending entries taken up after a reconnect */
    COUNTER_REAPED,          /* reaped        entries taken over from dead workers */
    COUNTERS                 /* how many there are */
};

struct counters {
    int64_t total[COUNTERS];
    int64_t unsent[COUNTERS]; /* not yet added to Redis */
};

void counters_add(struct counters *counters, enum counter counter, int64_t n);
void counters_dropped(struct counters *counters, int64_t n); /* letters, past dead-max; logged */
const char *counter_name(enum counter counter);

#endif
