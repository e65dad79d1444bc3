#include "capacity/internal.h"

static bool is_full(const struct capacity_limit *limit)
{
    return limit->in_flight >= limit->places;
}

static bool is_due_to_untried(const struct capacity_limit *limit)
{
    size_t unproven = limit->counts[CAPACITY_UNTRIED] + limit->counts[CAPACITY_SLOW];

    return limit->patient[CAPACITY_UNTRIED] > 0 &&
           (is_full(limit) || unproven >= limit_seven_eighths(limit));
}

static struct capacity_place *to_cut_at(const struct capacity_limit *limit)
{
    bool due_to_untried = is_due_to_untried(limit);
    bool due_to_quick = is_full(limit) &&
                        (limit->patient[CAPACITY_QUICK] > 0 || limit->patient[CAPACITY_STALE] > 0);
    bool due_to_medium = is_full(limit) && limit->patient[CAPACITY_MEDIUM] > 0;
    bool is_over_quarter = limit->counts[CAPACITY_SLOW] > limit_quarter(limit);

    if (!TAILQ_EMPTY(&limit->late[LATE_SLOW]) &&
        (due_to_untried || (is_over_quarter && (due_to_quick || due_to_medium))))
        return TAILQ_FIRST(&limit->late[LATE_SLOW]);
    if (due_to_quick && 4 * limit->counts[CAPACITY_MEDIUM] > limit->places)
        return TAILQ_FIRST(&limit->late[LATE_MEDIUM]);
    return NULL;
}

struct capacity_waiter *capacity_to_cut(struct capacity *capacity)
{
    struct capacity_limit *limit;

    while ((limit = TAILQ_FIRST(&capacity->suspect))) {
        struct capacity_place *place = to_cut_at(limit);
        struct capacity_waiter *waiter;

        if (!place) {
            limit_clear_suspect(capacity, limit);
            continue;
        }
        waiter = place_waiter(place);
        if (place->generation == waiter->lane->generation) {
            classes_make_slow(waiter->lane);
            lane_settle(capacity, waiter->lane);
        }
        return waiter;
    }
    return NULL;
}
