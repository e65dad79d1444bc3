#include "capacity/internal.h"

#define QUICKER_IN_A_ROW 4

/* Of the moving average of how long places are held: an attempt counts for an eighth, as in RFC
 * 6298. Clocks are read in whole milliseconds, so quick answers take none; they count as this. */
#define HOLD_GAIN 8
#define HOLD_LEAST_MS 0.1

void classes_forget(struct capacity_lane *lane, size_t first)
{
    lane->generation++;
    lane->class = CAPACITY_UNTRIED;
    lane->quicker = 0;
    lane->hold_ms = 0;
    lane->has_succeeded = false;
    concurrency_init(&lane->concurrency, first);
}

void classes_make_slow(struct capacity_lane *lane)
{
    lane->class = CAPACITY_SLOW;
    lane->quicker = 0;
}

static void learn_hold(struct capacity_lane *lane, int64_t held_ms)
{
    double ms = held_ms > 0 ? (double)held_ms : HOLD_LEAST_MS;

    lane->hold_ms = lane->hold_ms > 0 ? lane->hold_ms + (ms - lane->hold_ms) / HOLD_GAIN : ms;
}

/* CAPACITY_QUICK, _MEDIUM, _SLOW are in the order of how slow they are. */
static void learn_class(struct capacity_lane *lane, int64_t held_ms)
{
    enum capacity_class class = held_ms <= QUICK_MS  ? CAPACITY_QUICK
                                : held_ms <= LATE_MS ? CAPACITY_MEDIUM
                                                     : CAPACITY_SLOW;

    if (lane->class != CAPACITY_UNTRIED && class < lane->class) {
        if (++lane->quicker < QUICKER_IN_A_ROW)
            return;
    }
    lane->class = class;
    lane->quicker = 0;
}

void classes_learn(struct capacity_lane *lane, enum capacity_news news, int64_t began_ms,
                   int64_t now_ms, size_t max)
{
    if (news == CAPACITY_NO_NEWS)
        return;
    if (news == CAPACITY_SUCCESS) {
        concurrency_grow(&lane->concurrency, lane->in_flight, max);
        lane->has_succeeded = true;
    } else if (news == CAPACITY_BUSY || news == CAPACITY_SILENCE || news == CAPACITY_TIMEOUT) {
        concurrency_cut(&lane->concurrency, began_ms, now_ms);
    }
    lane->ended_ms = now_ms;
    learn_hold(lane, now_ms - began_ms);
    if (news == CAPACITY_TIMEOUT || news == CAPACITY_CUT)
        classes_make_slow(lane);
    else
        learn_class(lane, now_ms - began_ms);
}
