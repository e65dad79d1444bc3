#include "capacity/internal.h"

static bool is_full(const struct capacity_limit *limit)
{
    return limit->in_flight >= limit->places;
}

/* An untried lane has waited long, and they hold less than half. */
static bool is_due_to_untried(const struct capacity_limit *limit)
{
    size_t untried = limit->counts[CAPACITY_UNTRIED];

    if (limit->patient[CAPACITY_UNTRIED] == 0 || 2 * untried >= limit->places)
        return false;
    return is_full(limit) || untried + limit->counts[CAPACITY_SLOW] >= limit_three_quarters(limit);
}

static struct capacity_place *to_cut_at(const struct capacity_limit *limit)
{
    bool due_to_quick = is_full(limit) && limit->patient[CAPACITY_QUICK] > 0;
    bool due_to_medium = is_full(limit) && limit->patient[CAPACITY_MEDIUM] > 0;

    if (!due_to_quick && !due_to_medium && !is_due_to_untried(limit))
        return NULL;
    if (!TAILQ_EMPTY(&limit->late[LATE_SLOW]) &&
        limit->counts[CAPACITY_SLOW] > limit_quarter(limit))
        return TAILQ_FIRST(&limit->late[LATE_SLOW]);
    if (due_to_quick && 4 * limit->counts[CAPACITY_MEDIUM] > limit->places)
        return TAILQ_FIRST(&limit->late[LATE_MEDIUM]);
    return NULL;
}

struct capacity_waiter *capacity_to_cut(struct capacity *capacity, int64_t now_ms)
{
    struct capacity_limit *limit;

    (void)now_ms;
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
