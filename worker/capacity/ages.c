#include "capacity/internal.h"

/* Medium from now on, for others; its lane stays what it is. */
static void end_youths(struct capacity *capacity, int64_t now_ms)
{
    struct capacity_place *place;

    while ((place = TAILQ_FIRST(&capacity->young)) && now_ms - place->since_ms >= QUICK_LATE_MS)
        place_be_medium(capacity, place);
}

static void end_freshness(struct capacity *capacity, int64_t now_ms)
{
    struct capacity_place *place;

    while ((place = TAILQ_FIRST(&capacity->fresh)) && now_ms - place->since_ms >= LATE_MS) {
        struct capacity_lane *lane = place_waiter(place)->lane;

        place_be_slow(capacity, place);
        if (place->generation != lane->generation)
            continue;
        classes_make_slow(lane);
        lane_settle(capacity, lane);
    }
}

static void notice_patience(struct capacity *capacity, int64_t now_ms)
{
    struct capacity_lane *lane;

    while ((lane = TAILQ_FIRST(&capacity->entered)) && now_ms - lane->entered_ms >= PATIENCE_MS) {
        TAILQ_REMOVE(&capacity->entered, lane, entered);
        lane->is_patient = true;
        lane->at->patient[lane->ring]++;
        limit_suspect(capacity, lane->at);
    }
}

static void end_holds_of(struct capacity *capacity, struct lanes *slot, int64_t now_slot)
{
    struct capacity_lane *lane, *next;

    for (lane = TAILQ_FIRST(slot); lane; lane = next) {
        next = TAILQ_NEXT(lane, held);
        if (lane->held_slot <= now_slot)
            lane_hold(capacity, lane, 0);
    }
}

static void end_holds(struct capacity *capacity, int64_t now_ms)
{
    int64_t now_slot = now_ms / WHEEL_SLOT_MS;

    if (now_slot - capacity->wheel_slot > WHEEL_SLOTS)
        capacity->wheel_slot = now_slot - WHEEL_SLOTS;
    while (capacity->wheel_slot < now_slot) {
        uint64_t slot = (uint64_t)++capacity->wheel_slot;

        end_holds_of(capacity, &capacity->wheel[slot % WHEEL_SLOTS], now_slot);
    }
}

static int64_t sooner(int64_t a, int64_t b)
{
    if (a < 0 || b < 0)
        return a < 0 ? b : a;
    return a < b ? a : b;
}

static int64_t next_hold_ms(const struct capacity *capacity, int64_t now_ms)
{
    for (int64_t slot = capacity->wheel_slot + 1; capacity->held_len > 0; slot++)
        if (!TAILQ_EMPTY(&capacity->wheel[(uint64_t)slot % WHEEL_SLOTS]))
            return slot * WHEEL_SLOT_MS - now_ms;
    return -1;
}

static int64_t due_ms(int64_t since_ms, int64_t after_ms, int64_t now_ms)
{
    int64_t left_ms = since_ms + after_ms - now_ms;

    return left_ms > 1 ? left_ms : 1;
}

int64_t capacity_tick(struct capacity *capacity, int64_t now_ms)
{
    const struct capacity_place *young, *fresh;
    const struct capacity_lane *entered;
    int64_t next_ms;

    capacity->now_ms = now_ms;
    end_youths(capacity, now_ms);
    end_freshness(capacity, now_ms);
    notice_patience(capacity, now_ms);
    end_holds(capacity, now_ms);
    young = TAILQ_FIRST(&capacity->young);
    fresh = TAILQ_FIRST(&capacity->fresh);
    entered = TAILQ_FIRST(&capacity->entered);
    next_ms = next_hold_ms(capacity, now_ms);
    if (young)
        next_ms = sooner(next_ms, due_ms(young->since_ms, QUICK_LATE_MS, now_ms));
    if (fresh)
        next_ms = sooner(next_ms, due_ms(fresh->since_ms, LATE_MS, now_ms));
    if (entered)
        next_ms = sooner(next_ms, due_ms(entered->entered_ms, PATIENCE_MS, now_ms));
    return next_ms;
}
