/*
 * Numbers for operators. Each is added to {Q}:stats in batches; the names below are its fields.
 * Those that say how long something took, in buckets, are added to {Q}:times.
 */
#ifndef BASE_COUNTERS_H
#define BASE_COUNTERS_H

#include <stdbool.h>
#include <stdint.h>

enum counter {
    COUNTER_EVENTS,         /* events        entries taken from the stream */
    COUNTER_ATTEMPTS,       /* attempts      POSTs made */
    COUNTER_DELIVERED,      /* delivered     deliveries answered 2xx; counted when stored */
    COUNTER_RETRIES,        /* retries       deliveries put off by a failed attempt */
    COUNTER_WAITED,         /* waited        deliveries of the stream written into their lanes */
    COUNTER_RELEASED,       /* released      claimed deliveries given back without an attempt */
    COUNTER_CUT,            /* cut           attempts given up early, others needed the slot */
    COUNTER_BREAKER_OPENED, /* breaker_opened  hooks that opened because they kept failing */
    COUNTER_DEAD,           /* dead          dead letters written */
    COUNTER_DEAD_DROPPED,   /* dead_dropped  dead letters dropped past the caps */
    COUNTER_NO_HOOK,        /* no_hook       events of rooms without an enabled hook */
    COUNTER_HOOK_DISABLED,  /* hook_disabled not delivered, hook disabled at look-up */
    COUNTER_TYPE_SKIPPED,   /* type_skipped  not delivered, the hook does not take such events */
    COUNTER_TRACEPARENT_DROPPED, /* traceparent_dropped  of events, not W3C Trace Context */
    COUNTER_FENCED,              /* fenced        outcomes dropped, another worker's entry */
    COUNTER_LOST,                /* lost          pending entries that others deleted */
    COUNTER_DELETED_EXTERNALLY,  /* deleted_externally  entries that others deleted */
    COUNTER_STREAM_DELETIONS,    /* stream_deletions  of the stream or the queue, by others */
    COUNTER_LOCAL_SHORTAGES,     /* local_shortages  attempts not made, own shortage */
    COUNTER_REDIS_CONNECTS,      /* redis_connects */
    COUNTER_REDIS_ERRORS,        /* redis_errors  all of the following together; redis/fault.h */
    COUNTER_REDIS_UNREACHABLE,
    COUNTER_REDIS_LOST,
    COUNTER_REDIS_TIMEOUT,
    COUNTER_REDIS_LOADING,
    COUNTER_REDIS_READONLY,
    COUNTER_REDIS_NOAUTH,
    COUNTER_REDIS_NOSCRIPT,
    COUNTER_REDIS_NOGROUP,
    COUNTER_REDIS_OOM,
    COUNTER_REDIS_MISCONF,
    COUNTER_REDIS_BUSY,
    COUNTER_REDIS_CLUSTERDOWN,
    COUNTER_REDIS_NOREPLICAS,
    COUNTER_REDIS_MAXCLIENTS,
    COUNTER_REDIS_NOPERM,
    COUNTER_REDIS_WRONGTYPE,
    COUNTER_REDIS_EXECABORT,
    COUNTER_REDIS_OTHER,
    COUNTER_GROUP_CREATED,   /* group_created */
    COUNTER_RECLAIMED_OWN,   /* reclaimed_own   own pending entries, after a reconnect */
    COUNTER_RECLAIMED_DEAD,  /* reclaimed_dead  entries of dead workers */
    COUNTER_RECLAIMED_STUCK, /* reclaimed_stuck  entries that live workers forgot */
    COUNTER_KEEP_DROPPED,    /* keep_dropped  delivered events that keep-delivered did not keep */
    COUNTER_LOG_DROPPED,     /* log_dropped   entries of the attempt log that were not written */
    COUNTER_HEALED,          /* healed        repairs of waiting deliveries */
    COUNTER_CONVERTED,       /* converted     waiting deliveries of contract 1 */
    COUNTER_ATTEMPT_TIMES,   /* attempts_5 …  the first of COUNTER_TIMES: what attempts took */
    COUNTER_DELIVERED_TIMES = COUNTER_ATTEMPT_TIMES + 17, /* delivered_5 …  from XADD on */
    COUNTERS = COUNTER_DELIVERED_TIMES + 17               /* how many there are */
};

/* Buckets of times: up to 5 ms, 10, … 1 h, more; then the sum of all, in ms. */
#define COUNTER_TIMES 17
#define COUNTER_TIME_BUCKETS 16

struct counters {
    int64_t total[COUNTERS];
    int64_t unsent[COUNTERS]; /* not yet added to Redis */
    int64_t sent[COUNTERS];   /* on their way there */
    bool sending;             /* whether those arrived is not known yet */
};

void counters_add(struct counters *counters, enum counter counter, int64_t n);
void counters_add_time(struct counters *counters, enum counter first, int64_t ms);
void counters_dropped(struct counters *counters, int64_t n); /* letters, past dead-max; logged */
const char *counter_name(enum counter counter);
bool counter_is_time(enum counter counter);
int64_t counter_time_bound_ms(int bucket); /* the upper one; -1: the last bucket has none */

/* For another process that goes on with the counters of one that died: what was on its way counts
 * as stored, what was not is still to be sent. */
void counters_inherit(struct counters *counters);

/* Everything unsent is on its way now. What is sent while another batch is under way counts as
 * stored. */
void counters_send(struct counters *counters);
void counters_sent(struct counters *counters, bool stored); /* if not, it is unsent again */

#endif
