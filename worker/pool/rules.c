#include "pool/rules.h"

#include <limits.h>

#include "base/backoff.h"

#define RESTART_FIRST_MS 100
#define RESTART_MAX_MS 10000
#define PULSE_MAX_MS 1000
#define PULSES_PER_WATCHDOG 6
#define STANDS_STILL_MS 15000 /* without a watchdog, for the log */

bool pool_gives_up(const struct pool_end *end)
{
    if (end->by_signal || end->number == 0 || end->was_ready)
        return false;
    /* Later it may be short of memory or descriptors for a while, which its like bear too. */
    return end->refused || end->restarts == 0;
}

int pool_worse(int status, const struct pool_end *end)
{
    int own = end->by_signal ? 1 : end->number;
    return own > status ? own : status;
}

int pool_failures(int failures, int64_t lived_ms)
{
    if (lived_ms >= POOL_LIVED_WELL_MS)
        return 1;
    return failures < INT_MAX ? failures + 1 : failures;
}

int64_t pool_restart_delay_ms(int failures, uint64_t seed)
{
    if (failures <= 1)
        return 0;
    int64_t delay_ms = backoff_exponential(RESTART_FIRST_MS, RESTART_MAX_MS, failures - 2, seed);
    return delay_ms < RESTART_MAX_MS ? delay_ms : RESTART_MAX_MS;
}

enum process_state pool_condition(const struct pool_worker_state *workers, size_t workers_len)
{
    bool works = false;
    bool misses_redis = false;
    for (size_t i = 0; i < workers_len; i++) {
        if (!workers[i].was_ever_ready)
            return PROCESS_STARTING;
        works = works || workers[i].state == PROCESS_WORKING;
        misses_redis = misses_redis || workers[i].state == PROCESS_AWAY ||
                       workers[i].state == PROCESS_STARTING;
    }
    return misses_redis && !works ? PROCESS_AWAY : PROCESS_WORKING;
}

int64_t pool_pulse_ms(int64_t watchdog_ms)
{
    int64_t pulse_ms = watchdog_ms / PULSES_PER_WATCHDOG;
    return watchdog_ms == 0 || pulse_ms > PULSE_MAX_MS ? PULSE_MAX_MS : pulse_ms + 1;
}

bool pool_worker_stalled(const struct pool_worker_state *worker, int64_t watchdog_ms)
{
    /* Fed no more after half of the watchdog's time, it barks within one and a half. */
    int64_t limit_ms = watchdog_ms > 0 ? watchdog_ms / 2 : STANDS_STILL_MS;
    /* A watchdog of a few milliseconds is shorter than the pulse. */
    if (limit_ms < 2 * pool_pulse_ms(watchdog_ms))
        limit_ms = 2 * pool_pulse_ms(watchdog_ms);
    return worker->state != PROCESS_ENDED && worker->silent_ms > limit_ms;
}
