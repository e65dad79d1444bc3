#include <stdlib.h>
#include <string.h>

#include "capacity/internal.h"

/* --- where a lane belongs --- */

static void leave(struct capacity *capacity, struct capacity_lane *lane)
{
    if (lane->where == IN_RING)
        ring_leave(capacity, lane);
    else if (lane->where == CAPPED)
        ring_leave_capped(capacity, lane);
    else if (lane->where == READY)
        TAILQ_REMOVE(&capacity->ready, lane, link);
    else if (lane->where == GRANTED)
        TAILQ_REMOVE(&capacity->granted, lane, link);
    else if (lane->where == IDLE)
        TAILQ_REMOVE(&capacity->idle, lane, link);
    if (lane->where == IDLE)
        capacity->idle_len--;
    lane->where = NOWHERE;
}

void lane_move(struct capacity *capacity, struct capacity_lane *lane, enum where where)
{
    leave(capacity, lane);
    if (where == READY)
        TAILQ_INSERT_TAIL(&capacity->ready, lane, link);
    else if (where == GRANTED)
        TAILQ_INSERT_TAIL(&capacity->granted, lane, link);
    else if (where == IDLE)
        TAILQ_INSERT_TAIL(&capacity->idle, lane, link);
    if (where == IDLE)
        capacity->idle_len++;
    lane->where = where;
}

static bool has_something(const struct capacity_lane *lane)
{
    return lane->line_len > 0 || lane->behind_len > 0 || lane_busy(lane) > 0 || lane->coming > 0 ||
           lane->is_claiming;
}

static bool is_in_the_right_ring(const struct capacity *capacity, const struct capacity_lane *lane)
{
    const struct capacity_waiter *head = TAILQ_FIRST(&lane->line);

    if (lane->where != IN_RING || !lane_wants_place(capacity, lane))
        return false;
    if (lane->at == capacity->arrivals && (!head || head->claimed))
        return false;
    if (lane->ring == CAPACITY_QUICK)
        return lane->class == CAPACITY_QUICK && !(head && head->only_protected);
    return lane->ring == lane_ring(capacity, lane);
}

void lane_count_soon(struct capacity *capacity, struct capacity_lane *lane)
{
    capacity->soon -= lane->soon;
    lane->soon = lane_soon(capacity, lane);
    capacity->soon += lane->soon;
}

void lane_settle(struct capacity *capacity, struct capacity_lane *lane)
{
    lane_follow(lane);
    lane_count_soon(capacity, lane);
    if (lane->where == GRANTED || is_in_the_right_ring(capacity, lane))
        return;
    if (lane_wants_place(capacity, lane) || lane_claims_ahead(capacity, lane)) {
        if (lane->where != READY)
            lane_move(capacity, lane, READY);
    } else if (has_something(lane)) {
        lane_move(capacity, lane, NOWHERE);
    } else if (lane->where != IDLE) {
        lane_move(capacity, lane, IDLE);
    }
}

/* --- holds: a wheel of slots, a lane in the one in which its hold ends, of this round or a later
 * one --- */

static struct lanes *wheel_at(struct capacity *capacity, int64_t slot)
{
    return &capacity->wheel[(uint64_t)slot % WHEEL_SLOTS];
}

static void end_hold(struct capacity *capacity, struct capacity_lane *lane)
{
    if (!lane->is_held)
        return;
    lane->is_held = false;
    TAILQ_REMOVE(wheel_at(capacity, lane->held_slot), lane, held);
    capacity->held_len--;
}

void lane_hold(struct capacity *capacity, struct capacity_lane *lane, int64_t until_ms)
{
    int64_t slot = until_ms / WHEEL_SLOT_MS + (until_ms % WHEEL_SLOT_MS > 0);

    end_hold(capacity, lane);
    if (until_ms > 0) {
        lane->held_slot = slot > capacity->wheel_slot ? slot : capacity->wheel_slot + 1;
        lane->is_held = true;
        TAILQ_INSERT_TAIL(wheel_at(capacity, lane->held_slot), lane, held);
        capacity->held_len++;
    }
    lane_settle(capacity, lane);
}

/* --- rooms --- */

static struct room *room_get(struct capacity *capacity, const char *lane_name)
{
    const char *slash = strrchr(lane_name, '/');
    size_t len = slash ? (size_t)(slash - lane_name) : 0;
    struct room *room;

    HASH_FIND(hh, capacity->rooms, lane_name, len, room);
    if (!room) {
        room = calloc(1, sizeof(*room) + len + 1);
        if (!room)
            return NULL;
        memcpy(room->name, lane_name, len);
        HASH_ADD_KEYPTR(hh, capacity->rooms, room->name, len, room);
        if (!room->hh.tbl) {
            free(room);
            return NULL;
        }
    }
    room->lanes++;
    return room;
}

static void room_unref(struct capacity *capacity, struct room *room)
{
    if (!room || --room->lanes > 0)
        return;
    HASH_DEL(capacity->rooms, room);
    free(room);
}

/* --- lanes --- */

static struct capacity_lane *lane_alloc(const char *name)
{
    size_t size = strlen(name) + 1;
    struct capacity_lane *lane = calloc(1, sizeof(*lane) + size);

    if (!lane)
        return NULL;
    memcpy(lane->name, name, size);
    TAILQ_INIT(&lane->line);
    TAILQ_INIT(&lane->behind);
    return lane;
}

static struct capacity_lane *lane_new(struct capacity *capacity, const char *name)
{
    struct capacity_lane *lane = lane_alloc(name);
    struct turn *turn = calloc(1, sizeof(*turn));

    if (!lane || !turn)
        goto fail;
    lane->room = room_get(capacity, name);
    if (!lane->room)
        goto fail;
    HASH_ADD_STR(capacity->lanes, name, lane);
    if (!lane->hh.tbl)
        goto fail;
    classes_forget(lane, capacity->limits.first);
    TAILQ_INSERT_HEAD(&capacity->unused, turn, link);
    lane_move(capacity, lane, IDLE);
    return lane;
fail:
    if (lane)
        room_unref(capacity, lane->room);
    free(turn);
    free(lane);
    return NULL;
}

/* Nothing of it is here: at least as many turns are unused as lanes are in no ring. */
static void lane_free(struct capacity *capacity, struct capacity_lane *lane)
{
    struct turn *turn = TAILQ_FIRST(&capacity->unused);

    lane_move(capacity, lane, NOWHERE);
    end_hold(capacity, lane);
    capacity->soon -= lane->soon;
    limit_unref(capacity, lane->url);
    limit_unref(capacity, lane->origin);
    room_unref(capacity, lane->room);
    HASH_DEL(capacity->lanes, lane);
    TAILQ_REMOVE(&capacity->unused, turn, link);
    free(turn);
    free(lane);
}

static bool is_named(const struct capacity_limit *limit, const char *name)
{
    return limit && strcmp(limit->name, name) == 0;
}

static bool lane_lead_to(struct capacity *capacity, struct capacity_lane *lane, const char *url,
                         const char *origin)
{
    const struct capacity_limits *limits = &capacity->limits;
    struct capacity_limit *url_limit, *origin_limit;

    url_limit = limit_get(capacity, CAPACITY_LEVEL_URL, url, limits->per_endpoint);
    origin_limit = limit_get(capacity, CAPACITY_LEVEL_ORIGIN, origin, limits->per_origin);
    if (!url_limit || !origin_limit) {
        limit_unref(capacity, url_limit);
        limit_unref(capacity, origin_limit);
        return false;
    }
    if (lane->where == IN_RING || lane->where == CAPPED)
        lane_move(capacity, lane, NOWHERE);
    limit_unref(capacity, lane->url);
    limit_unref(capacity, lane->origin);
    lane->url = url_limit;
    lane->origin = origin_limit;
    classes_forget(lane, limits->first);
    lane_settle(capacity, lane);
    return true;
}

struct capacity_lane *capacity_lane_find(struct capacity *capacity, const char *name)
{
    struct capacity_lane *lane;

    HASH_FIND_STR(capacity->lanes, name, lane);
    return lane;
}

struct capacity_lane *capacity_lane(struct capacity *capacity, const char *name, const char *url,
                                    const char *origin)
{
    struct capacity_lane *lane = capacity_lane_find(capacity, name);
    bool is_new = !lane;

    if (is_new) {
        while (capacity->idle_len >= CAPACITY_LANES_MAX)
            lane_free(capacity, TAILQ_FIRST(&capacity->idle));
        lane = lane_new(capacity, name);
        if (!lane)
            return NULL;
    } else if (lane->where == IDLE) {
        lane_move(capacity, lane, IDLE); /* the last used */
    }
    if (!url || !origin || (is_named(lane->url, url) && is_named(lane->origin, origin)))
        return lane;
    if (lane_lead_to(capacity, lane, url, origin))
        return lane;
    if (is_new)
        lane_free(capacity, lane);
    return NULL;
}

void lane_forget_all(struct capacity *capacity)
{
    struct capacity_lane *lane, *next;

    HASH_ITER(hh, capacity->lanes, lane, next) {
        lane_move(capacity, lane, NOWHERE);
        if (lane->promise.is_taken)
            place_give_back(capacity, &lane->promise);
        lane_free(capacity, lane);
    }
}
