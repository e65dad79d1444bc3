#include "capacity/internal.h"

#define ROUND_CONCURRENCIES 4
#define QUICK_PATIENCE_MS 100 /* of arrivals for a quick lane */

int lane_ring(const struct capacity *capacity, const struct capacity_lane *lane)
{
    const struct capacity_waiter *head = TAILQ_FIRST(&lane->line);

    if (head && head->only_protected)
        return RING_PROTECTED;
    if (lane->class == CAPACITY_QUICK && capacity->now_ms - lane->ended_ms > STALE_MS)
        return CAPACITY_STALE;
    return (int)lane->class;
}

struct path lane_path(const struct capacity *capacity, const struct capacity_lane *lane)
{
    const struct capacity_waiter *head = TAILQ_FIRST(&lane->line);
    struct path path = {{NULL}};

    path.limit[CAPACITY_LEVEL_URL] = lane->url;
    path.limit[CAPACITY_LEVEL_ORIGIN] = lane->origin;
    if (lane->origin)
        path.limit[CAPACITY_LEVEL_ADDRESS] = lane->origin->address;
    if (head && !head->claimed)
        path.limit[CAPACITY_LEVEL_ARRIVALS] = capacity->arrivals;
    path.limit[CAPACITY_LEVEL_PROCESS] = capacity->process;
    return path;
}

size_t lane_busy(const struct capacity_lane *lane)
{
    return lane->in_flight + (lane->promise.is_taken ? 1 : 0);
}

/* Attempts at a time. */
static size_t earned(const struct capacity *capacity, const struct capacity_lane *lane)
{
    size_t many = least(concurrency_limit(&lane->concurrency), capacity->limits.per_endpoint);

    return lane->most > 0 ? least(many, lane->most) : many;
}

/* One more attempt would be within what it earned and is restricted to. */
static bool has_free(const struct capacity *capacity, const struct capacity_lane *lane)
{
    return lane_busy(lane) < earned(capacity, lane);
}

static bool may_claim(const struct capacity_lane *lane)
{
    return lane->backlog == CAPACITY_BACKLOG_NOW && !lane->is_claiming && !lane->is_held;
}

bool lane_wants_place(const struct capacity *capacity, const struct capacity_lane *lane)
{
    if (lane->is_held || !has_free(capacity, lane))
        return false;
    return lane->line_len > 0 || may_claim(lane);
}

struct capacity_limit *lane_capped_by(const struct capacity_lane *lane, const struct path *path)
{
    if (lane->class != CAPACITY_SLOW)
        return NULL;
    for (int level = CAPACITY_LEVELS - 1; level >= 0; level--) {
        struct capacity_limit *limit = path->limit[level];

        if (limit && limit->waiting_len > 0)
            return limit;
    }
    return NULL;
}

/* Attempts at a time, now. */
static size_t concurrency_now(const struct capacity *capacity, const struct capacity_lane *lane)
{
    struct path path;

    if (lane->class == CAPACITY_SLOW) {
        path = lane_path(capacity, lane);
        if (lane_capped_by(lane, &path))
            return 1;
    }
    return earned(capacity, lane);
}

/* What the lane takes within so long, by itself. */
static size_t takes_within(const struct capacity *capacity, const struct capacity_lane *lane,
                           double ms)
{
    size_t concurrency = concurrency_now(capacity, lane);
    size_t free_now = minus(concurrency, lane_busy(lane));

    if (lane->class == CAPACITY_UNTRIED)
        return free_now;
    return most(free_now, (size_t)((double)concurrency * ms / lane->hold_ms));
}

bool lane_has_before(const struct capacity_lane *lane)
{
    return lane->backlog != CAPACITY_BACKLOG_NONE || lane->coming > 0 || lane->is_claiming;
}

void lane_follow(struct capacity_lane *lane)
{
    struct capacity_waiter *waiter;

    while (!lane_has_before(lane) && (waiter = TAILQ_FIRST(&lane->behind)) != NULL) {
        TAILQ_REMOVE(&lane->behind, waiter, link);
        TAILQ_INSERT_TAIL(&lane->line, waiter, link);
        waiter->is_behind = false;
        lane->behind_len--;
        lane->line_len++;
    }
}

size_t lane_soon(const struct capacity *capacity, const struct capacity_lane *lane)
{
    bool is_refused = lane->where == IN_RING || lane->where == CAPPED;
    bool gives = !is_refused && (lane->is_claiming || may_claim(lane));

    return gives ? least(lane->owed, takes_within(capacity, lane, CAPACITY_SOON_MS)) : 0;
}

int64_t lane_patience_ms(const struct capacity_lane *lane)
{
    return lane->class == CAPACITY_QUICK ? QUICK_PATIENCE_MS : CAPACITY_SOON_MS;
}

size_t lane_line_max(const struct capacity *capacity, const struct capacity_lane *lane)
{
    if (lane->backlog == CAPACITY_BACKLOG_LATER || lane->is_held || lane->most > 0)
        return 0;
    if (lane_has_before(lane) && lane->owed > lane_round(capacity, lane))
        return 0;
    return takes_within(capacity, lane, (double)lane_patience_ms(lane));
}

size_t lane_round(const struct capacity *capacity, const struct capacity_lane *lane)
{
    size_t many = most(ROUND_CONCURRENCIES * earned(capacity, lane), CAPACITY_ROUND_MIN);

    many = least(many, CAPACITY_ROUND_MAX);
    if (lane->most > 0)
        many = least(many, minus(lane->most, lane_busy(lane)));
    return least(many, takes_within(capacity, lane, CAPACITY_ROUND_MS));
}

bool lane_claims_ahead(const struct capacity *capacity, const struct capacity_lane *lane)
{
    if (!may_claim(lane))
        return false;
    if (lane->line_len == 0 && has_free(capacity, lane))
        return false; /* it is given a place first */
    return 2 * lane->line_len < lane_round(capacity, lane);
}
