#include "capacity/internal.h"

/* Of a place that is free the first of these is thought of. Those that may only start within the
 * slow quarter come before other slow ones, which would fill it. */
static const int order[RINGS] = {CAPACITY_QUICK,   CAPACITY_STALE, CAPACITY_MEDIUM,
                                 CAPACITY_UNTRIED, RING_PROTECTED, CAPACITY_SLOW};

/* --- turns --- */

static struct turn_bucket *bucket_of(struct capacity *capacity, const struct capacity_limit *limit,
                                     const struct room *room, int ring)
{
    uint64_t hash = (uint64_t)(uintptr_t)limit * 0x9e3779b97f4a7c15u;

    hash = (hash ^ (uint64_t)(uintptr_t)room ^ (uint64_t)ring) * 0x9e3779b97f4a7c15u;
    return &capacity->turns[(hash >> 32) & (TURN_BUCKETS - 1)];
}

/* The turn of the lane's room in a ring: as it is, or at the end. */
static struct turn *turn_get(struct capacity *capacity, struct capacity_limit *limit,
                             const struct room *room, int ring)
{
    struct turn_bucket *bucket = bucket_of(capacity, limit, room, ring);
    struct turn *turn;

    LIST_FOREACH(turn, bucket, neighbour) {
        if (turn->limit == limit && turn->room == room && turn->ring == ring)
            return turn;
    }
    turn = TAILQ_FIRST(&capacity->unused);
    TAILQ_REMOVE(&capacity->unused, turn, link);
    turn->limit = limit;
    turn->room = room;
    turn->ring = ring;
    TAILQ_INIT(&turn->lanes);
    LIST_INSERT_HEAD(bucket, turn, neighbour);
    TAILQ_INSERT_TAIL(&limit->rings[ring], turn, link);
    return turn;
}

static void turn_end_if_empty(struct capacity *capacity, struct capacity_limit *limit,
                              struct turn *turn)
{
    if (!TAILQ_EMPTY(&turn->lanes))
        return;
    TAILQ_REMOVE(&limit->rings[turn->ring], turn, link);
    LIST_REMOVE(turn, neighbour);
    TAILQ_INSERT_HEAD(&capacity->unused, turn, link);
}

/* --- rings --- */

bool ring_enter(struct capacity *capacity, struct capacity_lane *lane, struct capacity_limit *limit,
                int ring, int64_t now_ms)
{
    if (lane->line_len == 0 && capacity->rings_len >= CAPACITY_RINGS_MAX)
        return false;
    lane->where = IN_RING;
    lane->at = limit;
    lane->ring = ring;
    lane->turn = turn_get(capacity, limit, lane->room, ring);
    lane->is_patient = false;
    lane->entered_ms = now_ms;
    TAILQ_INSERT_TAIL(&lane->turn->lanes, lane, link);
    if (ring != CAPACITY_SLOW && ring != RING_PROTECTED)
        TAILQ_INSERT_TAIL(&capacity->entered, lane, entered);
    limit->references++;
    limit->waiting_len++;
    limit->waiting[ring]++;
    capacity->rings_len++;
    return true;
}

void ring_leave(struct capacity *capacity, struct capacity_lane *lane)
{
    struct capacity_limit *limit = lane->at;

    TAILQ_REMOVE(&lane->turn->lanes, lane, link);
    turn_end_if_empty(capacity, limit, lane->turn);
    if (lane->is_patient)
        limit->patient[lane->ring]--;
    else if (lane->ring != CAPACITY_SLOW && lane->ring != RING_PROTECTED)
        TAILQ_REMOVE(&capacity->entered, lane, entered);
    limit->waiting_len--;
    limit->waiting[lane->ring]--;
    capacity->rings_len--;
    lane->where = NOWHERE;
    lane->at = NULL;
    lane->turn = NULL;
    lane->is_patient = false;
    if (limit->waiting_len == 0)
        limit_make_dirty(capacity, limit);
    limit_unref(capacity, limit);
}

static int class_of_ring(int ring)
{
    return ring == RING_PROTECTED ? CAPACITY_SLOW : ring;
}

static bool may_take_turn(const struct capacity_limit *limit, int ring, bool only_within_quarter)
{
    if (limit->waiting[ring] == 0 || !limit_admits(limit, ring))
        return false;
    return !only_within_quarter || limit->counts[class_of_ring(ring)] < limit_quarter(limit);
}

static struct turn *next_turn(const struct capacity_limit *limit)
{
    for (int i = 0; i < RINGS; i++)
        if (may_take_turn(limit, order[i], true))
            return TAILQ_FIRST(&limit->rings[order[i]]);
    for (int i = 0; i < RINGS; i++)
        if (may_take_turn(limit, order[i], false))
            return TAILQ_FIRST(&limit->rings[order[i]]);
    return NULL;
}

struct capacity_lane *ring_next(struct capacity *capacity, struct capacity_limit *limit)
{
    struct turn *turn = next_turn(limit);
    struct capacity_lane *lane;

    if (!turn)
        return NULL;
    lane = TAILQ_FIRST(&turn->lanes);
    TAILQ_REMOVE(&limit->rings[turn->ring], turn, link);
    TAILQ_INSERT_TAIL(&limit->rings[turn->ring], turn, link);
    ring_leave(capacity, lane);
    return lane;
}

/* --- slow lanes that have one attempt while others wait --- */

void ring_enter_capped(struct capacity_lane *lane, struct capacity_limit *limit)
{
    lane->where = CAPPED;
    lane->at = limit;
    TAILQ_INSERT_TAIL(&limit->capped, lane, link);
    limit->references++;
}

void ring_leave_capped(struct capacity *capacity, struct capacity_lane *lane)
{
    struct capacity_limit *limit = lane->at;

    TAILQ_REMOVE(&limit->capped, lane, link);
    lane->where = NOWHERE;
    lane->at = NULL;
    limit_unref(capacity, limit);
}
