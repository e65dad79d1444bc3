#include "capacity/internal.h"

/* --- who waits too long --- */

struct capacity_waiter *capacity_overdue(struct capacity *capacity, int64_t began_ms)
{
    struct capacity_waiter *oldest = TAILQ_FIRST(&capacity->arrivals);

    if (!oldest || oldest->since_ms > began_ms)
        return NULL;
    oldest->endpoint->is_congested = true;
    return oldest;
}

struct capacity_waiter *capacity_stuck(struct capacity *capacity, int64_t began_ms)
{
    struct capacity_waiter *waiter;

    TAILQ_FOREACH(waiter, &capacity->arrivals, all) {
        if (waiter->since_ms > began_ms)
            return NULL;
        if (waiter->endpoint->answered_at_ms < waiter->since_ms) {
            waiter->endpoint->is_congested = true;
            return waiter;
        }
    }
    return NULL;
}

int64_t capacity_oldest_ms(const struct capacity *capacity)
{
    const struct capacity_waiter *oldest = TAILQ_FIRST(&capacity->arrivals);

    return oldest ? oldest->since_ms : -1;
}

/* --- who flies too long --- */

void capacity_change_lane(struct capacity *capacity, struct capacity_endpoint *endpoint,
                          enum capacity_lane lane)
{
    enum capacity_lane old = endpoint->lane;

    if (lane == old)
        return;
    if (endpoint->is_ready) {
        TAILQ_REMOVE(&capacity->ready[old], endpoint, ready_link);
        TAILQ_INSERT_TAIL(&capacity->ready[lane], endpoint, ready_link);
    }
    capacity->lane_in_flight[old] -= endpoint->in_flight;
    capacity->lane_in_flight[lane] += endpoint->in_flight;
    capacity->lane_waiting[old] -= endpoint->waiting;
    capacity->lane_waiting[lane] += endpoint->waiting;
    endpoint->lane = lane;
}

void capacity_mark_slow(struct capacity *capacity, int64_t now_ms)
{
    struct capacity_waiter *waiter = capacity->first_fast;

    while (waiter && now_ms - waiter->since_ms >= capacity->limits.slow_ms) {
        capacity_change_lane(capacity, waiter->endpoint, LANE_SLOW);
        waiter = TAILQ_NEXT(waiter, all);
    }
    capacity->first_fast = waiter;
}

struct capacity_waiter *capacity_to_cut(struct capacity *capacity)
{
    struct capacity_waiter *waiter, *oldest = NULL;
    size_t count = 0;

    TAILQ_FOREACH(waiter, &capacity->flights, all) {
        if (waiter == capacity->first_fast)
            break;
        if (waiter->endpoint->has_succeeded)
            continue;
        oldest = oldest ? oldest : waiter;
        count++;
    }
    return count > capacity->limits.slow ? oldest : NULL;
}
