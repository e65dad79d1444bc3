#include "hooks/breaker.h"

#include "base/backoff.h"

#define PROBE_FIRST_MS 1000

void breaker_init(struct breaker *breaker, int64_t now_ms)
{
    *breaker = (struct breaker){
        .now.began_ms = now_ms,
        .before.began_ms = now_ms - BREAKER_WINDOW_MS,
    };
}

static void count(struct breaker *breaker, int64_t now_ms, bool failed)
{
    if (now_ms - breaker->now.began_ms >= BREAKER_WINDOW_MS) {
        breaker->before = breaker->now;
        breaker->now = (struct breaker_window){.began_ms = now_ms};
    }
    if (now_ms - breaker->before.began_ms >= 2 * BREAKER_WINDOW_MS)
        breaker->before = (struct breaker_window){.began_ms = breaker->before.began_ms};
    breaker->now.results++;
    breaker->now.failures += failed ? 1 : 0;
}

void breaker_succeeded(struct breaker *breaker, int64_t now_ms)
{
    breaker->row = 0;
    count(breaker, now_ms, false);
}

bool breaker_failed(struct breaker *breaker, bool timed_out, int64_t now_ms)
{
    unsigned results, failures;

    breaker->row += timed_out ? BREAKER_TIMEOUT : 1;
    count(breaker, now_ms, true);
    results = breaker->now.results + breaker->before.results;
    failures = breaker->now.failures + breaker->before.failures;
    if (breaker->row < BREAKER_ROW && (results < BREAKER_RESULTS || 2 * failures < results))
        return false;
    breaker_init(breaker, now_ms);
    return true;
}

static bool has_failures(const struct breaker_window *window, int64_t now_ms)
{
    return window->failures > 0 && now_ms - window->began_ms < 2 * BREAKER_WINDOW_MS;
}

bool breaker_is_quiet(const struct breaker *breaker, int64_t now_ms)
{
    return breaker->row == 0 && !has_failures(&breaker->now, now_ms) &&
           !has_failures(&breaker->before, now_ms);
}

int64_t breaker_probe_ms(int opens, uint64_t seed)
{
    int64_t wait = PROBE_FIRST_MS;

    for (int i = 1; i < opens && wait < BREAKER_PROBE_MAX_MS; i++)
        wait *= 2;
    return backoff_jitter(wait < BREAKER_PROBE_MAX_MS ? wait : BREAKER_PROBE_MAX_MS,
                          BREAKER_PROBE_JITTER_PERCENT, seed);
}
