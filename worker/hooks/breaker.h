/*
 * When to stop sending to a hook that keeps failing, and when to try again. Pure.
 *
 * A breaker counts the results of one hook as one worker sees them. It says that it is time to
 * open after BREAKER_ROW failures in a row, of which a timeout counts for BREAKER_TIMEOUT because
 * each costs so much, or when of the last results, at least BREAKER_RESULTS
 * in 10 to 20 seconds, half or more failed (the numbers are those of Hystrix). Whether the hook is
 * open is not in here: all workers share that, see registry.h.
 */
#ifndef HOOKS_BREAKER_H
#define HOOKS_BREAKER_H

#include <stdbool.h>
#include <stdint.h>

#define BREAKER_ROW 5
#define BREAKER_TIMEOUT 3
#define BREAKER_RESULTS 20
#define BREAKER_WINDOW_MS 10000

struct breaker_window {
    int64_t began_ms;
    unsigned results;
    unsigned failures;
};

struct breaker {
    unsigned row; /* failures since the last success */
    struct breaker_window now;
    struct breaker_window before;
};

void breaker_init(struct breaker *breaker, int64_t now_ms);

void breaker_succeeded(struct breaker *breaker, int64_t now_ms);

/* True: open. The counts start over. */
bool breaker_failed(struct breaker *breaker, bool timed_out, int64_t now_ms);

/* Nothing failed lately: it may be forgotten, and start over with the next failure. */
bool breaker_is_quiet(const struct breaker *breaker, int64_t now_ms);

#define BREAKER_PROBE_MAX_MS 60000 /* before the jitter */
#define BREAKER_PROBE_JITTER_PERCENT 20
#define BREAKER_PROBE_MOST_MS \
    (BREAKER_PROBE_MAX_MS + BREAKER_PROBE_MAX_MS / 100 * BREAKER_PROBE_JITTER_PERCENT)

/* How long to wait for a probe when the breaker opens for the opens-th time in a row: 1 s, then
 * twice as long each time, at most a minute, ± 20 %. */
int64_t breaker_probe_ms(int opens, uint64_t seed);

#endif
