#include <string.h>

#include "capacity/internal.h"

void capacity_status_came(struct capacity *capacity, struct capacity_waiter *waiter)
{
    if (waiter->state == CAPACITY_IN_FLIGHT)
        place_status_came(capacity, &waiter->place);
}

void capacity_learn_address(struct capacity *capacity, struct capacity_lane *lane,
                            const char *address)
{
    struct capacity_limit *origin = lane->origin;
    struct capacity_limit *limit;

    if (!origin || (origin->address && strcmp(origin->address->name, address) == 0))
        return;
    limit = limit_get(capacity, CAPACITY_LEVEL_ADDRESS, address, capacity->limits.per_address);
    if (!limit)
        return;
    limit_unref(capacity, origin->address);
    origin->address = limit;
}

void capacity_led_to(struct capacity *capacity, struct capacity_waiter *waiter, const char *address)
{
    struct capacity_lane *lane = waiter->lane;

    if (waiter->state != CAPACITY_IN_FLIGHT)
        return;
    capacity_learn_address(capacity, lane, address);
    /* Not if the lane has another origin than the attempt. */
    if (lane->origin && waiter->place.limit[CAPACITY_LEVEL_ORIGIN] == lane->origin)
        place_lead(capacity, &waiter->place, lane->origin->address);
}

void capacity_set_backlog(struct capacity *capacity, struct capacity_lane *lane,
                          enum capacity_backlog backlog)
{
    if (!lane_has_before(lane))
        lane->owed = OWED_UNKNOWN;
    lane->backlog = backlog;
    lane->has_news = lane->is_claiming;
    lane_settle(capacity, lane);
}

void capacity_note_coming(struct capacity *capacity, struct capacity_lane *lane)
{
    lane->coming++;
    lane->owed += lane->owed == OWED_UNKNOWN ? 0 : 1;
    lane_settle(capacity, lane);
}

void capacity_note_come(struct capacity *capacity, struct capacity_lane *lane,
                        enum capacity_backlog backlog)
{
    lane->coming--;
    if (backlog > lane->backlog)
        lane->backlog = backlog;
    lane_settle(capacity, lane);
}

void capacity_hold(struct capacity *capacity, struct capacity_lane *lane, int64_t until_ms)
{
    lane_hold(capacity, lane, until_ms);
}

void capacity_restrict(struct capacity *capacity, struct capacity_lane *lane, size_t most_at_a_time)
{
    lane->most = most_at_a_time;
    lane_settle(capacity, lane);
}

bool capacity_ever_succeeded(const struct capacity_lane *lane)
{
    return lane->has_succeeded;
}

const char *capacity_lane_name(const struct capacity_lane *lane)
{
    return lane->name;
}

int64_t capacity_patience_ms(const struct capacity_waiter *waiter)
{
    return lane_patience_ms(waiter->lane);
}

size_t capacity_places(const struct capacity *capacity)
{
    return minus(capacity->process->places, capacity->process->in_flight);
}

size_t capacity_soon(const struct capacity *capacity)
{
    return capacity->soon;
}

size_t capacity_ring_room(const struct capacity *capacity)
{
    return minus(CAPACITY_RINGS_MAX, capacity->rings_len);
}
