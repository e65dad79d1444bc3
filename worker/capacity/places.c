#include <stddef.h>

#include "capacity/internal.h"

static bool is_beyond_slow_quarter(const struct path *path)
{
    for (int level = 0; level < CAPACITY_LEVELS; level++) {
        const struct capacity_limit *limit = path->limit[level];

        if (limit && limit->counts[CAPACITY_SLOW] >= limit_quarter(limit))
            return true;
    }
    return false;
}

static void join_limit(struct capacity_place *place, int level, struct capacity_limit *limit)
{
    place->limit[level] = limit;
    limit->references++;
    limit->in_flight++;
    limit->counts[place->counts_as]++;
}

void place_take(struct capacity_place *place, const struct path *path, enum capacity_class class,
                int64_t now_ms)
{
    place->since_ms = now_ms;
    place->started_as = place->counts_as = class;
    place->is_taken = true;
    place->is_borrowed = class == CAPACITY_SLOW && is_beyond_slow_quarter(path);
    place->has_status = place->is_fresh = place->is_young = place->is_late = false;
    for (int level = 0; level < CAPACITY_LEVELS; level++) {
        place->limit[level] = NULL;
        if (path->limit[level])
            join_limit(place, level, path->limit[level]);
    }
}

void place_watch(struct capacity *capacity, struct capacity_place *place)
{
    place->is_fresh = true;
    TAILQ_INSERT_TAIL(&capacity->fresh, place, fresh);
    if (place->started_as != CAPACITY_QUICK && place->started_as != CAPACITY_STALE)
        return;
    place->is_young = true;
    TAILQ_INSERT_TAIL(&capacity->young, place, young);
}

static void end_youth(struct capacity *capacity, struct capacity_place *place)
{
    if (place->is_young)
        TAILQ_REMOVE(&capacity->young, place, young);
    place->is_young = false;
}

static void end_freshness(struct capacity *capacity, struct capacity_place *place)
{
    if (place->is_fresh)
        TAILQ_REMOVE(&capacity->fresh, place, fresh);
    place->is_fresh = false;
}

static enum late late_list(const struct capacity_place *place)
{
    return place->counts_as == CAPACITY_SLOW ? LATE_SLOW : LATE_MEDIUM;
}

static void be_late(struct capacity_place *place)
{
    for (int level = 0; level < CAPACITY_LEVELS; level++)
        if (place->limit[level])
            TAILQ_INSERT_TAIL(&place->limit[level]->late[late_list(place)], place, late[level]);
    place->is_late = true;
}

static void be_late_no_more(struct capacity_place *place)
{
    if (!place->is_late)
        return;
    for (int level = 0; level < CAPACITY_LEVELS; level++)
        if (place->limit[level])
            TAILQ_REMOVE(&place->limit[level]->late[late_list(place)], place, late[level]);
    place->is_late = false;
}

/* Its limits may have to cut. */
static void suspect(struct capacity *capacity, const struct capacity_place *place)
{
    for (int level = 0; level < CAPACITY_LEVELS; level++)
        if (place->limit[level])
            limit_suspect(capacity, place->limit[level]);
}

static void count_as(struct capacity *capacity, struct capacity_place *place,
                     enum capacity_class class)
{
    for (int level = 0; level < CAPACITY_LEVELS; level++) {
        struct capacity_limit *limit = place->limit[level];

        if (!limit)
            continue;
        limit->counts[place->counts_as]--;
        limit->counts[class]++;
    }
    place->counts_as = class;
    suspect(capacity, place);
}

static void leave_limit(struct capacity *capacity, struct capacity_place *place, int level)
{
    struct capacity_limit *limit = place->limit[level];

    if (!limit)
        return;
    if (place->is_late)
        TAILQ_REMOVE(&limit->late[late_list(place)], place, late[level]);
    place->limit[level] = NULL;
    limit->in_flight--;
    limit->counts[place->counts_as]--;
    limit_make_dirty(capacity, limit);
    limit_suspect(capacity, limit);
    limit_unref(capacity, limit);
}

void place_lead(struct capacity *capacity, struct capacity_place *place,
                struct capacity_limit *address)
{
    const int level = CAPACITY_LEVEL_ADDRESS;

    if (place->limit[level] == address)
        return;
    leave_limit(capacity, place, level);
    if (!address)
        return;
    join_limit(place, level, address);
    if (place->is_late)
        TAILQ_INSERT_TAIL(&address->late[late_list(place)], place, late[level]);
    limit_suspect(capacity, address);
}

void place_give_back(struct capacity *capacity, struct capacity_place *place)
{
    end_youth(capacity, place);
    end_freshness(capacity, place);
    for (int level = 0; level < CAPACITY_LEVELS; level++)
        leave_limit(capacity, place, level);
    place->is_late = false;
    place->is_taken = false;
}

void place_be_medium(struct capacity *capacity, struct capacity_place *place)
{
    end_youth(capacity, place);
    count_as(capacity, place, CAPACITY_MEDIUM);
    be_late(place);
}

/* One that started as slow within the slow quarter cannot be cut, unless its status has come. */
static bool can_be_cut(const struct capacity_place *place)
{
    return place->started_as != CAPACITY_SLOW || place->is_borrowed || place->has_status;
}

void place_be_slow(struct capacity *capacity, struct capacity_place *place)
{
    end_youth(capacity, place);
    end_freshness(capacity, place);
    be_late_no_more(place);
    count_as(capacity, place, CAPACITY_SLOW);
    if (can_be_cut(place))
        be_late(place);
}

void place_status_came(struct capacity *capacity, struct capacity_place *place)
{
    place->has_status = true;
    if (place->is_fresh || place->is_late)
        return;
    be_late(place);
    suspect(capacity, place);
}

struct capacity_waiter *place_waiter(struct capacity_place *place)
{
    return (struct capacity_waiter *)(void *)((char *)place -
                                              offsetof(struct capacity_waiter, place));
}
