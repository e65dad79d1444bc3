#include "counters.h"

#include <stddef.h>

#include "log.h"

static const char *const counter_names[COUNTERS] = {
    [COUNTER_EVENTS] = "events",
    [COUNTER_ATTEMPTS] = "attempts",
    [COUNTER_DELIVERED] = "delivered",
    [COUNTER_RETRIES] = "retries",
    [COUNTER_DEFERRED] = "deferred",
    [COUNTER_CUT] = "cut",
    [COUNTER_BREAKER_OPENED] = "breaker_opened",
    [COUNTER_DEAD] = "dead",
    [COUNTER_DEAD_DROPPED] = "dead_dropped",
    [COUNTER_NO_HOOK] = "no_hook",
    [COUNTER_HOOK_DISABLED] = "hook_disabled",
    [COUNTER_FENCED] = "fenced",
    [COUNTER_LOST] = "lost",
    [COUNTER_LOCAL_SHORTAGES] = "local_shortages",
    [COUNTER_REDIS_CONNECTS] = "redis_connects",
    [COUNTER_REDIS_ERRORS] = "redis_errors",
    [COUNTER_GROUP_CREATED] = "group_created",
    [COUNTER_ADOPTED] = "adopted",
    [COUNTER_REAPED] = "reaped",
};

void counters_add(struct counters *counters, enum counter counter, int64_t n)
{
    counters->total[counter] += n;
    counters->unsent[counter] += n;
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
