#include "capacity/internal.h"

/* An endpoint's queue may take up to this part of the room that is left. */
#define QUEUE_SHARE 4
#define QUEUE_SHARE_UNKNOWN 8 /* while it has never succeeded */
#define QUEUE_SHARE_SILENT 32 /* and does not answer */

size_t capacity_endpoint_limit(const struct capacity *capacity,
                               const struct capacity_endpoint *endpoint)
{
    return least(concurrency_limit(&endpoint->concurrency), capacity->limits.per_endpoint);
}

/* Slots that those who wait may not take, and those that are taken. */
bool capacity_is_full(const struct capacity *capacity)
{
    const struct capacity_limits *limits = &capacity->limits;

    return capacity->in_flight >= limits->in_flight ||
           capacity->in_flight - capacity->taken + limits->kept >= limits->in_flight;
}

static int64_t silent_ms(const struct capacity_endpoint *endpoint, int64_t now_ms)
{
    return endpoint->in_flight > 0 ? now_ms - endpoint->silent_from_ms : 0;
}

static size_t free_room(const struct capacity *capacity)
{
    return minus(capacity->limits.in_flight, capacity->in_flight + capacity->waiting);
}

/* How many the endpoint takes within CAPACITY_SOON_MS, besides those that fly. */
static size_t soon(const struct capacity *capacity, const struct capacity_endpoint *endpoint)
{
    size_t room = free_room(capacity);
    double many;

    if (!endpoint->has_succeeded)
        return 0;
    many = CAPACITY_SOON_MS * (double)capacity_endpoint_limit(capacity, endpoint) /
           endpoint->answer_ms;
    return many < (double)room ? (size_t)many : room;
}

static size_t longest_queue(const struct capacity *capacity,
                            const struct capacity_endpoint *endpoint, int64_t now_ms)
{
    size_t room = free_room(capacity);
    size_t longest;

    if (endpoint->has_succeeded)
        longest = most(room / QUEUE_SHARE, soon(capacity, endpoint));
    else if (silent_ms(endpoint, now_ms) < CAPACITY_SILENT_MS)
        longest = room / QUEUE_SHARE_UNKNOWN;
    else
        longest = room / QUEUE_SHARE_SILENT;
    return most(1 + longest, capacity_endpoint_limit(capacity, endpoint));
}

bool capacity_may_queue(const struct capacity *capacity, const struct capacity_endpoint *endpoint,
                        int64_t now_ms)
{
    size_t limit = capacity_endpoint_limit(capacity, endpoint);

    if (endpoint->is_congested && endpoint->in_flight + endpoint->waiting >= limit)
        return false;
    if (endpoint->lane == LANE_SLOW &&
        capacity->lane_in_flight[LANE_SLOW] + capacity->lane_waiting[LANE_SLOW] >=
            capacity->limits.slow_most)
        return false;
    return endpoint->waiting < longest_queue(capacity, endpoint, now_ms);
}

size_t capacity_brief_queue(const struct capacity *capacity,
                            const struct capacity_endpoint *endpoint)
{
    if (endpoint->is_congested || endpoint->lane == LANE_SLOW || capacity_is_full(capacity))
        return 0;
    return minus(soon(capacity, endpoint), endpoint->waiting);
}

struct capacity_pace capacity_pace_of(const struct capacity *capacity, const char *endpoint,
                                      int64_t now_ms)
{
    const struct capacity_endpoint *found = capacity_endpoint_find(capacity, endpoint);
    struct capacity_pace pace = {0};

    if (!found)
        return pace;
    pace.silent_ms = silent_ms(found, now_ms);
    if (found->has_succeeded)
        pace.each_us = 1 + (int64_t)(found->answer_ms * 1000 /
                                     (double)capacity_endpoint_limit(capacity, found));
    return pace;
}
