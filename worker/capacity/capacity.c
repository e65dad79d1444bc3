#include "capacity/capacity.h"

#include <assert.h>
#include <stdlib.h>

#include "capacity/internal.h"

/* Of the moving average of answer times: an answer counts for an eighth, as in RFC 6298. Clocks are
 * read in whole milliseconds, so quick answers take none; they are taken for this. */
#define ANSWER_GAIN 8
#define ANSWER_LEAST_MS 0.1

struct capacity *capacity_new(const struct capacity_limits *limits)
{
    struct capacity *capacity = calloc(1, sizeof(*capacity));

    if (!capacity)
        return NULL;
    capacity->limits = *limits;
    for (int lane = 0; lane < LANES; lane++)
        TAILQ_INIT(&capacity->ready[lane]);
    TAILQ_INIT(&capacity->arrivals);
    TAILQ_INIT(&capacity->flights);
    TAILQ_INIT(&capacity->idle);
    return capacity;
}

void capacity_free(struct capacity *capacity)
{
    if (!capacity)
        return;
    capacity_forget_all(capacity);
    free(capacity);
}

/* --- turns --- */

/* Makes the first parked endpoint ready if a slot of the origin is free for it. */
static void origin_wake(struct capacity *capacity, struct origin *origin)
{
    struct capacity_endpoint *endpoint = origin->first_parked;

    if (!endpoint || origin->in_flight + origin->ready_len >= capacity->limits.per_origin)
        return;
    origin->first_parked = TAILQ_NEXT(endpoint, runnable_link);
    origin->ready_len++;
    endpoint->is_ready = true;
    TAILQ_INSERT_TAIL(&capacity->ready[endpoint->lane], endpoint, ready_link);
}

static void endpoint_enqueue(struct capacity_endpoint *endpoint)
{
    struct origin *origin = endpoint->origin;

    endpoint->is_runnable = true;
    TAILQ_INSERT_TAIL(&origin->runnable, endpoint, runnable_link);
    if (!origin->first_parked)
        origin->first_parked = endpoint;
}

static void endpoint_dequeue(struct capacity *capacity, struct capacity_endpoint *endpoint)
{
    struct origin *origin = endpoint->origin;

    if (endpoint->is_ready) {
        TAILQ_REMOVE(&capacity->ready[endpoint->lane], endpoint, ready_link);
        endpoint->is_ready = false;
        origin->ready_len--;
    } else if (origin->first_parked == endpoint) {
        origin->first_parked = TAILQ_NEXT(endpoint, runnable_link);
    }
    TAILQ_REMOVE(&origin->runnable, endpoint, runnable_link);
    endpoint->is_runnable = false;
}

/* Puts the endpoint where it belongs after one change of its waiters, its slots or its origin's. */
static void endpoint_update(struct capacity *capacity, struct capacity_endpoint *endpoint)
{
    bool runnable = !TAILQ_EMPTY(&endpoint->waiters) &&
                    endpoint->in_flight < capacity_endpoint_limit(capacity, endpoint);

    if (runnable && !endpoint->is_runnable)
        endpoint_enqueue(endpoint);
    else if (!runnable && endpoint->is_runnable)
        endpoint_dequeue(capacity, endpoint);
    origin_wake(capacity, endpoint->origin);
}

/* --- waiting --- */

static void waiter_take_out(struct capacity *capacity, struct capacity_waiter *waiter)
{
    TAILQ_REMOVE(&waiter->endpoint->waiters, waiter, link);
    TAILQ_REMOVE(&capacity->arrivals, waiter, all);
    waiter->endpoint->waiting--;
    capacity->lane_waiting[waiter->endpoint->lane]--;
    capacity->waiting--;
}

static void endpoint_queue(struct capacity *capacity, struct capacity_endpoint *endpoint,
                           struct capacity_waiter *waiter, int64_t now_ms)
{
    TAILQ_INSERT_TAIL(&endpoint->waiters, waiter, link);
    TAILQ_INSERT_TAIL(&capacity->arrivals, waiter, all);
    waiter->endpoint = endpoint;
    waiter->since_ms = now_ms;
    waiter->state = CAPACITY_WAITING;
    endpoint->waiting++;
    capacity->lane_waiting[endpoint->lane]++;
    capacity->waiting++;
    endpoint_update(capacity, endpoint);
}

int capacity_wait(struct capacity *capacity, struct capacity_waiter *waiter, const char *endpoint,
                  const char *origin, int64_t now_ms)
{
    struct capacity_endpoint *found;

    assert(waiter->state == CAPACITY_OUT);
    found = capacity_endpoint_get(capacity, endpoint, origin);
    if (!found)
        return -1;
    if (!capacity_may_queue(capacity, found, now_ms)) {
        capacity_endpoint_rest_if_unused(capacity, found);
        return CAPACITY_CONGESTED;
    }
    endpoint_queue(capacity, found, waiter, now_ms);
    return 0;
}

int capacity_wait_briefly(struct capacity *capacity, struct capacity_waiter *waiter,
                          const char *endpoint, int64_t now_ms)
{
    struct capacity_endpoint *found = capacity_endpoint_find(capacity, endpoint);

    assert(waiter->state == CAPACITY_OUT);
    if (!found || found->in_flight == 0 || capacity_brief_queue(capacity, found) == 0)
        return CAPACITY_CONGESTED;
    endpoint_queue(capacity, found, waiter, now_ms);
    return 0;
}

/* --- flying --- */

static void waiter_fly(struct capacity *capacity, struct capacity_waiter *waiter, int64_t now_ms)
{
    waiter->state = CAPACITY_IN_FLIGHT;
    waiter->since_ms = now_ms;
    TAILQ_INSERT_TAIL(&capacity->flights, waiter, all);
    if (!capacity->first_fast)
        capacity->first_fast = waiter;
    if (waiter->endpoint->in_flight == 0)
        waiter->endpoint->silent_from_ms = now_ms;
    capacity->in_flight++;
    capacity->lane_in_flight[waiter->endpoint->lane]++;
    waiter->endpoint->origin->in_flight++;
    waiter->endpoint->in_flight++;
}

static void waiter_land(struct capacity *capacity, struct capacity_waiter *waiter)
{
    if (capacity->first_fast == waiter)
        capacity->first_fast = TAILQ_NEXT(waiter, all);
    TAILQ_REMOVE(&capacity->flights, waiter, all);
    capacity->taken -= waiter->taken ? 1 : 0;
    waiter->taken = false;
    capacity->in_flight--;
    capacity->lane_in_flight[waiter->endpoint->lane]--;
    waiter->endpoint->origin->in_flight--;
    waiter->endpoint->in_flight--;
}

/* Whose turn it is: the lanes alternate while the slow one is within its share, beyond it goes only
 * when the fast one has nobody. */
static struct capacity_endpoint *next_endpoint(struct capacity *capacity)
{
    struct capacity_endpoint *fast = TAILQ_FIRST(&capacity->ready[LANE_FAST]);
    struct capacity_endpoint *slow = TAILQ_FIRST(&capacity->ready[LANE_SLOW]);
    size_t slow_in_flight = capacity->lane_in_flight[LANE_SLOW];

    if (slow_in_flight >= capacity->limits.slow_most)
        slow = NULL;
    if (!fast || !slow)
        return fast ? fast : slow;
    if (slow_in_flight >= capacity->limits.slow)
        return fast;
    capacity->turn = capacity->turn == LANE_FAST ? LANE_SLOW : LANE_FAST;
    return capacity->turn == LANE_SLOW ? slow : fast;
}

struct capacity_waiter *capacity_next(struct capacity *capacity, int64_t now_ms)
{
    struct capacity_endpoint *endpoint;
    struct capacity_waiter *waiter;

    if (capacity_is_full(capacity))
        return NULL;
    endpoint = next_endpoint(capacity);
    if (!endpoint)
        return NULL;
    waiter = TAILQ_FIRST(&endpoint->waiters);
    waiter_take_out(capacity, waiter);
    waiter_fly(capacity, waiter, now_ms);
    endpoint_dequeue(capacity, endpoint); /* behind the others for its next turn */
    endpoint_update(capacity, endpoint);
    return waiter;
}

size_t capacity_free_slots(const struct capacity *capacity, const char *endpoint,
                           const char *origin)
{
    const struct capacity_limits *limits = &capacity->limits;
    const struct capacity_endpoint *found = capacity_endpoint_find(capacity, endpoint);
    const struct origin *from = found ? found->origin : capacity_origin_find(capacity, origin);
    size_t slots = found ? minus(capacity_endpoint_limit(capacity, found), found->in_flight)
                         : least(limits->first_per_endpoint, limits->per_endpoint);

    if (found && found->waiting > 0)
        return 0;
    if (from) /* what is ready has a claim on its origin's slots */
        slots = least(slots, minus(limits->per_origin, from->in_flight + from->ready_len));
    if (found && found->lane == LANE_SLOW)
        slots = least(slots, minus(capacity_is_blocked(capacity) ? limits->slow : limits->slow_most,
                                   capacity->lane_in_flight[LANE_SLOW]));
    slots = least(slots, limits->per_origin);
    return least(slots, minus(limits->in_flight, capacity->in_flight));
}

size_t capacity_soon(const struct capacity *capacity, const char *endpoint, const char *origin)
{
    const struct capacity_endpoint *found = capacity_endpoint_find(capacity, endpoint);

    return capacity_free_slots(capacity, endpoint, origin) +
           (found ? capacity_brief_queue(capacity, found) : 0);
}

bool capacity_has_queue(const struct capacity *capacity, const char *endpoint)
{
    const struct capacity_endpoint *found = capacity_endpoint_find(capacity, endpoint);

    return found && (found->waiting > 0 || found->is_congested);
}

int capacity_take(struct capacity *capacity, struct capacity_waiter *waiter, const char *endpoint,
                  const char *origin, int64_t now_ms)
{
    struct capacity_endpoint *found;

    assert(waiter->state == CAPACITY_OUT);
    if (capacity_free_slots(capacity, endpoint, origin) == 0)
        return CAPACITY_CONGESTED;
    found = capacity_endpoint_get(capacity, endpoint, origin);
    if (!found)
        return -1;
    waiter->endpoint = found;
    waiter->taken = true;
    capacity->taken++;
    waiter_fly(capacity, waiter, now_ms);
    endpoint_update(capacity, found);
    return 0;
}

/* --- leaving --- */

static void learn_answer_time(struct capacity_endpoint *endpoint, int64_t ms)
{
    double part = endpoint->has_succeeded ? ANSWER_GAIN : 1;

    endpoint->answer_ms += ((double)ms - endpoint->answer_ms) / part;
    if (endpoint->answer_ms < ANSWER_LEAST_MS)
        endpoint->answer_ms = ANSWER_LEAST_MS;
    endpoint->has_succeeded = true;
}

static void learn(struct capacity *capacity, const struct capacity_waiter *waiter,
                  enum capacity_news news, int64_t now_ms)
{
    struct capacity_endpoint *endpoint = waiter->endpoint;
    struct concurrency *concurrency = &endpoint->concurrency;
    bool was_slow = now_ms - waiter->since_ms >= capacity->limits.slow_ms;

    if (news == CAPACITY_SUCCESS)
        concurrency_grow(concurrency, endpoint->in_flight, capacity->limits.per_endpoint);
    else if (news == CAPACITY_BUSY || news == CAPACITY_SILENCE)
        concurrency_cut(concurrency, waiter->since_ms, now_ms);
    else if (news == CAPACITY_CUT)
        concurrency_cut_to_one(concurrency, now_ms);
    if (news == CAPACITY_SUCCESS)
        learn_answer_time(endpoint, now_ms - waiter->since_ms);
    if (was_slow)
        capacity_change_lane(capacity, endpoint, LANE_SLOW);
    else if (news == CAPACITY_SUCCESS)
        capacity_change_lane(capacity, endpoint, LANE_FAST);
}

static bool is_answer(enum capacity_news news)
{
    return news == CAPACITY_SUCCESS || news == CAPACITY_ANSWER || news == CAPACITY_BUSY;
}

void capacity_leave(struct capacity *capacity, struct capacity_waiter *waiter,
                    enum capacity_news news, int64_t now_ms)
{
    struct capacity_endpoint *endpoint = waiter->endpoint;

    if (waiter->state == CAPACITY_OUT)
        return;
    if (waiter->state == CAPACITY_WAITING) {
        waiter_take_out(capacity, waiter);
    } else {
        learn(capacity, waiter, news, now_ms);
        waiter_land(capacity, waiter);
        if (is_answer(news))
            endpoint->answered_at_ms = endpoint->silent_from_ms = now_ms;
        if (is_answer(news) &&
            endpoint->in_flight <= capacity_endpoint_limit(capacity, endpoint) / 2)
            endpoint->is_congested = false;
    }
    waiter->state = CAPACITY_OUT;
    waiter->endpoint = NULL;
    endpoint_update(capacity, endpoint);
    capacity_endpoint_rest_if_unused(capacity, endpoint);
}

bool capacity_is_blocked(const struct capacity *capacity)
{
    return !TAILQ_EMPTY(&capacity->ready[LANE_FAST]) && capacity_is_full(capacity);
}

size_t capacity_in_flight(const struct capacity *capacity)
{
    return capacity->in_flight;
}

size_t capacity_waiting(const struct capacity *capacity)
{
    return capacity->waiting;
}
