#include "base/counters.h"

#include <stddef.h>
#include <string.h>

#include "base/log.h"

static const char *const counter_names[COUNTERS] = {
    [COUNTER_EVENTS] = "events",
    [COUNTER_ATTEMPTS] = "attempts",
    [COUNTER_DELIVERED] = "delivered",
    [COUNTER_RETRIES] = "retries",
    [COUNTER_WAITED] = "waited",
    [COUNTER_RELEASED] = "released",
    [COUNTER_CUT] = "cut",
    [COUNTER_BREAKER_OPENED] = "breaker_opened",
    [COUNTER_DEAD] = "dead",
    [COUNTER_DEAD_DROPPED] = "dead_dropped",
    [COUNTER_NO_HOOK] = "no_hook",
    [COUNTER_HOOK_DISABLED] = "hook_disabled",
    [COUNTER_TYPE_SKIPPED] = "type_skipped",
    [COUNTER_FENCED] = "fenced",
    [COUNTER_LOST] = "lost",
    [COUNTER_DELETED_EXTERNALLY] = "deleted_externally",
    [COUNTER_TRACEPARENT_DROPPED] = "traceparent_dropped",
    [COUNTER_STREAM_DELETIONS] = "stream_deletions",
    [COUNTER_LOCAL_SHORTAGES] = "local_shortages",
    [COUNTER_REDIS_CONNECTS] = "redis_connects",
    [COUNTER_REDIS_ERRORS] = "redis_errors",
    [COUNTER_REDIS_UNREACHABLE] = "redis_unreachable",
    [COUNTER_REDIS_LOST] = "redis_lost",
    [COUNTER_REDIS_TIMEOUT] = "redis_timeout",
    [COUNTER_REDIS_LOADING] = "redis_loading",
    [COUNTER_REDIS_READONLY] = "redis_readonly",
    [COUNTER_REDIS_NOAUTH] = "redis_noauth",
    [COUNTER_REDIS_NOSCRIPT] = "redis_noscript",
    [COUNTER_REDIS_NOGROUP] = "redis_nogroup",
    [COUNTER_REDIS_OOM] = "redis_oom",
    [COUNTER_REDIS_MISCONF] = "redis_misconf",
    [COUNTER_REDIS_BUSY] = "redis_busy",
    [COUNTER_REDIS_CLUSTERDOWN] = "redis_clusterdown",
    [COUNTER_REDIS_NOREPLICAS] = "redis_noreplicas",
    [COUNTER_REDIS_MAXCLIENTS] = "redis_maxclients",
    [COUNTER_REDIS_NOPERM] = "redis_noperm",
    [COUNTER_REDIS_WRONGTYPE] = "redis_wrongtype",
    [COUNTER_REDIS_EXECABORT] = "redis_execabort",
    [COUNTER_REDIS_OTHER] = "redis_other",
    [COUNTER_GROUP_CREATED] = "group_created",
    [COUNTER_RECLAIMED_OWN] = "reclaimed_own",
    [COUNTER_RECLAIMED_DEAD] = "reclaimed_dead",
    [COUNTER_RECLAIMED_STUCK] = "reclaimed_stuck",
    [COUNTER_KEEP_DROPPED] = "keep_dropped",
    [COUNTER_LOG_DROPPED] = "log_dropped",
    [COUNTER_HEALED] = "healed",
    [COUNTER_CONVERTED] = "converted",
    /* clang-format off */
    [COUNTER_ATTEMPT_TIMES + 0] = "attempts_5",
    [COUNTER_ATTEMPT_TIMES + 1] = "attempts_10",
    [COUNTER_ATTEMPT_TIMES + 2] = "attempts_25",
    [COUNTER_ATTEMPT_TIMES + 3] = "attempts_50",
    [COUNTER_ATTEMPT_TIMES + 4] = "attempts_100",
    [COUNTER_ATTEMPT_TIMES + 5] = "attempts_250",
    [COUNTER_ATTEMPT_TIMES + 6] = "attempts_500",
    [COUNTER_ATTEMPT_TIMES + 7] = "attempts_1000",
    [COUNTER_ATTEMPT_TIMES + 8] = "attempts_2500",
    [COUNTER_ATTEMPT_TIMES + 9] = "attempts_5000",
    [COUNTER_ATTEMPT_TIMES + 10] = "attempts_10000",
    [COUNTER_ATTEMPT_TIMES + 11] = "attempts_30000",
    [COUNTER_ATTEMPT_TIMES + 12] = "attempts_60000",
    [COUNTER_ATTEMPT_TIMES + 13] = "attempts_300000",
    [COUNTER_ATTEMPT_TIMES + 14] = "attempts_3600000",
    [COUNTER_ATTEMPT_TIMES + 15] = "attempts_more",
    [COUNTER_ATTEMPT_TIMES + 16] = "attempts_sum",
    [COUNTER_DELIVERED_TIMES + 0] = "delivered_5",
    [COUNTER_DELIVERED_TIMES + 1] = "delivered_10",
    [COUNTER_DELIVERED_TIMES + 2] = "delivered_25",
    [COUNTER_DELIVERED_TIMES + 3] = "delivered_50",
    [COUNTER_DELIVERED_TIMES + 4] = "delivered_100",
    [COUNTER_DELIVERED_TIMES + 5] = "delivered_250",
    [COUNTER_DELIVERED_TIMES + 6] = "delivered_500",
    [COUNTER_DELIVERED_TIMES + 7] = "delivered_1000",
    [COUNTER_DELIVERED_TIMES + 8] = "delivered_2500",
    [COUNTER_DELIVERED_TIMES + 9] = "delivered_5000",
    [COUNTER_DELIVERED_TIMES + 10] = "delivered_10000",
    [COUNTER_DELIVERED_TIMES + 11] = "delivered_30000",
    [COUNTER_DELIVERED_TIMES + 12] = "delivered_60000",
    [COUNTER_DELIVERED_TIMES + 13] = "delivered_300000",
    [COUNTER_DELIVERED_TIMES + 14] = "delivered_3600000",
    [COUNTER_DELIVERED_TIMES + 15] = "delivered_more",
    [COUNTER_DELIVERED_TIMES + 16] = "delivered_sum",
    /* clang-format on */
};

static const int64_t time_bounds_ms[COUNTER_TIME_BUCKETS - 1] = {
    5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10000, 30000, 60000, 300000, 3600000};

void counters_add(struct counters *counters, enum counter counter, int64_t n)
{
    counters->total[counter] += n;
    counters->unsent[counter] += n;
}

int64_t counter_time_bound_ms(int bucket)
{
    return bucket < COUNTER_TIME_BUCKETS - 1 ? time_bounds_ms[bucket] : -1;
}

void counters_add_time(struct counters *counters, enum counter first, int64_t ms)
{
    int bucket = 0;
    while (bucket < COUNTER_TIME_BUCKETS - 1 && ms > time_bounds_ms[bucket])
        bucket++;
    counters_add(counters, (enum counter)((int)first + bucket), 1);
    counters_add(counters, (enum counter)((int)first + COUNTER_TIMES - 1), ms > 0 ? ms : 0);
}

bool counter_is_time(enum counter counter)
{
    return counter >= COUNTER_ATTEMPT_TIMES;
}

void counters_dropped(struct counters *counters, int64_t n)
{
    if (n <= 0)
        return;
    counters_add(counters, COUNTER_DEAD_DROPPED, n);
    log_at(LOG_WARN, "dead_dropped", log_int("count", n));
}

const char *counter_name(enum counter counter)
{
    return counter_names[counter];
}

void counters_inherit(struct counters *counters)
{
    struct counters fresh = {.sending = false};
    /* Whatever the process did to its memory before it died: a counter only grows. */
    for (int i = 0; i < COUNTERS; i++)
        fresh.unsent[i] = counters->unsent[i] > 0 ? counters->unsent[i] : 0;
    *counters = fresh;
}

void counters_send(struct counters *counters)
{
    if (!counters->sending)
        memcpy(counters->sent, counters->unsent, sizeof(counters->sent));
    memset(counters->unsent, 0, sizeof(counters->unsent));
    counters->sending = true;
}

void counters_sent(struct counters *counters, bool stored)
{
    for (int i = 0; !stored && i < COUNTERS; i++)
        counters->unsent[i] += counters->sent[i];
    counters->sending = false;
}
