#include "capacity/capacity.h"

#include <assert.h>
#include <stdlib.h>

#include "capacity/internal.h"

static void init_lists(struct capacity *capacity)
{
    TAILQ_INIT(&capacity->idle);
    TAILQ_INIT(&capacity->ready);
    TAILQ_INIT(&capacity->granted);
    TAILQ_INIT(&capacity->entered);
    TAILQ_INIT(&capacity->fresh);
    TAILQ_INIT(&capacity->young);
    TAILQ_INIT(&capacity->dirty);
    TAILQ_INIT(&capacity->suspect);
    TAILQ_INIT(&capacity->unused);
    for (int bucket = 0; bucket < TURN_BUCKETS; bucket++)
        LIST_INIT(&capacity->turns[bucket]);
    for (int slot = 0; slot < WHEEL_SLOTS; slot++)
        TAILQ_INIT(&capacity->wheel[slot]);
}

struct capacity *capacity_new(const struct capacity_limits *limits)
{
    struct capacity *capacity = calloc(1, sizeof(*capacity));

    if (!capacity)
        return NULL;
    init_lists(capacity);
    capacity->limits = *limits;
    capacity->process = limit_get(capacity, CAPACITY_LEVEL_PROCESS, "", limits->in_flight);
    if (!capacity->process)
        goto fail;
    if (limits->kept > 0) {
        capacity->arrivals = limit_get(capacity, CAPACITY_LEVEL_ARRIVALS, "",
                                       minus(limits->in_flight, limits->kept));
        if (!capacity->arrivals)
            goto fail;
    }
    return capacity;
fail:
    capacity_free(capacity);
    return NULL;
}

/* Places of attempts are the owners'; what is left of limits is freed whatever they hold. */
void capacity_free(struct capacity *capacity)
{
    struct capacity_limit *limit, *next;

    if (!capacity)
        return;
    lane_forget_all(capacity);
    for (int level = 0; level < CAPACITY_LEVELS; level++) {
        HASH_ITER(hh, capacity->named[level], limit, next) {
            HASH_DEL(capacity->named[level], limit);
            free(limit);
        }
    }
    free(capacity);
}

/* --- the line --- */

static void line_insert(struct capacity_lane *lane, struct capacity_waiter *waiter, bool at_front,
                        int64_t now_ms)
{
    waiter->state = CAPACITY_IN_LINE;
    waiter->lane = lane;
    waiter->since_ms = now_ms;
    if (at_front)
        TAILQ_INSERT_HEAD(&lane->line, waiter, link);
    else
        TAILQ_INSERT_TAIL(&lane->line, waiter, link);
    lane->line_len++;
}

static void line_remove(struct capacity_waiter *waiter)
{
    struct capacity_lane *lane = waiter->lane;

    TAILQ_REMOVE(waiter->is_behind ? &lane->behind : &lane->line, waiter, link);
    if (waiter->is_behind)
        lane->behind_len--;
    else
        lane->line_len--;
    waiter->is_behind = false;
}

bool capacity_offer(struct capacity *capacity, struct capacity_lane *lane,
                    struct capacity_waiter *waiter, int64_t now_ms)
{
    assert(waiter->state == CAPACITY_OUT);
    if (lane->line_len + lane->behind_len >= lane_line_max(capacity, lane))
        return false;
    if (!lane_has_before(lane)) {
        capacity_queue(capacity, lane, waiter, now_ms);
        return true;
    }
    waiter->state = CAPACITY_IN_LINE;
    waiter->lane = lane;
    waiter->since_ms = now_ms;
    waiter->is_behind = true;
    TAILQ_INSERT_TAIL(&lane->behind, waiter, link);
    lane->behind_len++;
    return true;
}

void capacity_queue(struct capacity *capacity, struct capacity_lane *lane,
                    struct capacity_waiter *waiter, int64_t now_ms)
{
    assert(waiter->state == CAPACITY_OUT);
    if (waiter->claimed && lane->owed > 0 && lane->owed != OWED_UNKNOWN)
        lane->owed--;
    line_insert(lane, waiter, false, now_ms);
    lane_settle(capacity, lane);
}

/* --- what is next --- */

/* The widest limit that does not let one of that ring start; NULL: it may. It passes none that wait
 * there: these were asked when something changed, and refused. */
static struct capacity_limit *refused_by(const struct path *path, int ring)
{
    for (int level = CAPACITY_LEVELS - 1; level >= 0; level--) {
        struct capacity_limit *limit = path->limit[level];

        if (limit && !limit_admits(limit, ring))
            return limit;
    }
    return NULL;
}

/* Others wait for the like: one at a turn, and nothing is claimed ahead. */
static struct capacity_limit *where_others_wait(const struct path *path, int ring)
{
    for (int level = 0; level < CAPACITY_LEVELS; level++)
        if (path->limit[level] && path->limit[level]->waiting[ring] > 0)
            return path->limit[level];
    return NULL;
}

static void enter(struct capacity *capacity, struct capacity_lane *lane,
                  struct capacity_limit *limit, int64_t now_ms)
{
    if (ring_enter(capacity, lane, limit, lane_ring(capacity, lane), now_ms)) {
        lane_count_soon(capacity, lane);
        return;
    }
    lane->backlog = CAPACITY_BACKLOG_NONE;
    lane_settle(capacity, lane);
}

static enum capacity_class start_class(int ring)
{
    return ring == RING_PROTECTED ? CAPACITY_SLOW : (enum capacity_class)ring;
}

static struct capacity_step start(struct capacity *capacity, struct capacity_lane *lane,
                                  const struct path *path, int64_t now_ms)
{
    struct capacity_waiter *waiter = TAILQ_FIRST(&lane->line);
    struct capacity_limit *limit;
    struct path next;

    place_take(&waiter->place, path, start_class(lane_ring(capacity, lane)), now_ms);
    place_watch(capacity, &waiter->place);
    waiter->place.generation = lane->generation;
    line_remove(waiter);
    waiter->state = CAPACITY_IN_FLIGHT;
    waiter->since_ms = now_ms;
    lane->in_flight++;
    next = lane_path(capacity, lane);
    limit = where_others_wait(&next, lane_ring(capacity, lane));
    if (limit && lane_wants_place(capacity, lane) && !lane_capped_by(lane, &next))
        enter(capacity, lane, limit, now_ms);
    else
        lane_settle(capacity, lane);
    return (struct capacity_step){.what = CAPACITY_START, .waiter = waiter, .lane = lane};
}

static struct capacity_step claim(struct capacity *capacity, struct capacity_lane *lane,
                                  const struct path *path, int64_t now_ms)
{
    size_t many = lane_round(capacity, lane);

    lane->is_claiming = true;
    if (path)
        place_take(&lane->promise, path, start_class(lane_ring(capacity, lane)), now_ms);
    lane_settle(capacity, lane);
    return (struct capacity_step){.what = CAPACITY_CLAIM, .lane = lane, .most = many};
}

/* Lets a lane that is nowhere start one, or puts it where it waits. */
static struct capacity_step try_lane(struct capacity *capacity, struct capacity_lane *lane,
                                     int64_t now_ms)
{
    struct path path = lane_path(capacity, lane);
    struct capacity_step nothing = {.what = CAPACITY_NOTHING};
    struct capacity_limit *limit;

    if (!lane_wants_place(capacity, lane)) {
        lane_settle(capacity, lane);
        return nothing;
    }
    limit = lane_busy(lane) > 0 ? lane_capped_by(lane, &path) : NULL;
    if (limit) {
        ring_enter_capped(lane, limit);
        lane_count_soon(capacity, lane);
        return nothing;
    }
    limit = refused_by(&path, lane_ring(capacity, lane));
    if (limit) {
        enter(capacity, lane, limit, now_ms);
        return nothing;
    }
    if (lane->line_len > 0)
        return start(capacity, lane, &path, now_ms);
    return claim(capacity, lane, &path, now_ms);
}

/* The lanes that wait at a limit where something changed. */
static struct capacity_step next_of_dirty(struct capacity *capacity, int64_t now_ms)
{
    struct capacity_limit *limit = TAILQ_FIRST(&capacity->dirty);
    struct capacity_lane *lane = ring_next(capacity, limit);

    if (lane)
        return try_lane(capacity, lane, now_ms);
    lane = limit->waiting_len > 0 ? NULL : TAILQ_FIRST(&limit->capped);
    if (lane) {
        lane_move(capacity, lane, NOWHERE);
        return try_lane(capacity, lane, now_ms);
    }
    limit_clear_dirty(capacity, limit);
    return (struct capacity_step){.what = CAPACITY_NOTHING};
}

static struct capacity_step next_of_granted(struct capacity *capacity, int64_t now_ms)
{
    struct capacity_lane *lane = TAILQ_FIRST(&capacity->granted);

    lane_move(capacity, lane, NOWHERE);
    place_give_back(capacity, &lane->promise);
    return try_lane(capacity, lane, now_ms);
}

static struct capacity_step next_of_ready(struct capacity *capacity, int64_t now_ms)
{
    struct capacity_lane *lane = TAILQ_FIRST(&capacity->ready);

    lane_move(capacity, lane, NOWHERE);
    if (lane_claims_ahead(capacity, lane))
        return claim(capacity, lane, NULL, now_ms);
    return try_lane(capacity, lane, now_ms);
}

struct capacity_step capacity_next(struct capacity *capacity, int64_t now_ms)
{
    struct capacity_step step = {.what = CAPACITY_NOTHING};

    capacity->now_ms = now_ms;
    /* Those that wait before those that come. */
    while (step.what == CAPACITY_NOTHING) {
        if (!TAILQ_EMPTY(&capacity->granted))
            step = next_of_granted(capacity, now_ms);
        else if (!TAILQ_EMPTY(&capacity->dirty))
            step = next_of_dirty(capacity, now_ms);
        else if (!TAILQ_EMPTY(&capacity->ready))
            step = next_of_ready(capacity, now_ms);
        else
            break;
    }
    return step;
}

void capacity_claimed(struct capacity *capacity, struct capacity_lane *lane,
                      enum capacity_backlog backlog)
{
    if (!lane->has_news && backlog == CAPACITY_BACKLOG_NONE)
        lane->owed = lane->coming;
    else if (lane->owed == 0)
        lane->owed = OWED_UNKNOWN;
    if (!lane->has_news || backlog > lane->backlog)
        lane->backlog = backlog;
    lane->is_claiming = lane->has_news = false;
    if (lane->promise.is_taken && lane->line_len > 0) {
        lane_move(capacity, lane, GRANTED);
        return;
    }
    if (lane->promise.is_taken)
        place_give_back(capacity, &lane->promise);
    lane_settle(capacity, lane);
}

/* --- attempts that end --- */

static void land(struct capacity *capacity, struct capacity_waiter *waiter)
{
    place_give_back(capacity, &waiter->place);
    waiter->lane->in_flight--;
}

void capacity_leave(struct capacity *capacity, struct capacity_waiter *waiter,
                    enum capacity_news news, int64_t now_ms)
{
    struct capacity_lane *lane = waiter->lane;

    if (waiter->state == CAPACITY_OUT)
        return;
    if (waiter->state == CAPACITY_IN_LINE) {
        line_remove(waiter);
    } else {
        if (waiter->place.generation == lane->generation)
            classes_learn(lane, news, waiter->since_ms, now_ms, capacity->limits.per_endpoint);
        land(capacity, waiter);
    }
    waiter->state = CAPACITY_OUT;
    waiter->lane = NULL;
    lane_settle(capacity, lane);
}

void capacity_requeue(struct capacity *capacity, struct capacity_waiter *waiter, int64_t now_ms)
{
    struct capacity_lane *lane = waiter->lane;
    struct path path;

    assert(waiter->state == CAPACITY_IN_FLIGHT);
    land(capacity, waiter);
    line_insert(lane, waiter, true, now_ms);
    path = lane_path(capacity, lane);
    if (!lane->is_held && !refused_by(&path, lane_ring(capacity, lane)))
        lane_hold(capacity, lane, now_ms + CAPACITY_SOON_MS);
    lane_settle(capacity, lane);
}
