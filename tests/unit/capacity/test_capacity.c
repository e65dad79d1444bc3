#include <malloc.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/backoff.h"
#include "capacity/capacity.h"
#include "capacity/concurrency.h"

static struct capacity *capacity_with(size_t in_flight, size_t per_origin, size_t per_endpoint)
{
    struct capacity_limits limits = {.in_flight = in_flight,
                                     .per_origin = per_origin,
                                     .per_endpoint = per_endpoint,
                                     .first_per_endpoint = per_endpoint,
                                     .slow = in_flight,
                                     .slow_most = in_flight,
                                     .slow_ms = INT64_MAX};
    struct capacity *capacity = capacity_new(&limits);

    assert_non_null(capacity);
    return capacity;
}

static void wait_ok(struct capacity *capacity, struct capacity_waiter *waiter, const char *endpoint,
                    const char *origin)
{
    assert_int_equal(capacity_wait(capacity, waiter, endpoint, origin, 0), 0);
    assert_int_equal(waiter->state, CAPACITY_WAITING);
}

static void assert_next(struct capacity *capacity, struct capacity_waiter *expected)
{
    struct capacity_waiter *next = capacity_next(capacity, 0);

    assert_ptr_equal(next, expected);
    if (next)
        assert_int_equal(next->state, CAPACITY_IN_FLIGHT);
}

/* --- examples --- */

static void nothing_waits_nothing_goes(void **unused)
{
    struct capacity *capacity = capacity_with(1, 1, 1);
    struct capacity_waiter out = {.state = CAPACITY_OUT};

    (void)unused;
    assert_next(capacity, NULL);
    capacity_leave(capacity, &out, CAPACITY_NO_NEWS, 0); /* leaving while out is nothing */
    assert_int_equal(capacity_in_flight(capacity) + capacity_waiting(capacity), 0);
    capacity_free(capacity);
    capacity_free(NULL);
}

static void endpoints_take_turns_and_each_keeps_its_order(void **unused)
{
    struct capacity *capacity = capacity_with(100, 100, 100);
    struct capacity_waiter a[3] = {0}, b[2] = {0}, c[1] = {0};

    (void)unused;
    for (size_t i = 0; i < 3; i++)
        wait_ok(capacity, &a[i], "a", "A");
    for (size_t i = 0; i < 2; i++)
        wait_ok(capacity, &b[i], "b", "A");
    wait_ok(capacity, &c[0], "c", "C");
    assert_int_equal(capacity_waiting(capacity), 6);
    assert_next(capacity, &a[0]);
    assert_next(capacity, &b[0]);
    assert_next(capacity, &c[0]);
    assert_next(capacity, &a[1]);
    assert_next(capacity, &b[1]);
    assert_next(capacity, &a[2]);
    assert_next(capacity, NULL);
    assert_int_equal(capacity_in_flight(capacity), 6);
    assert_int_equal(capacity_waiting(capacity), 0);
    capacity_free(capacity);
}

static void full_endpoint_waits_for_itself_alone(void **unused)
{
    struct capacity *capacity = capacity_with(100, 100, 2);
    struct capacity_waiter a[4] = {0}, b[1] = {0};

    (void)unused;
    for (size_t i = 0; i < 4; i++)
        wait_ok(capacity, &a[i], "a", "A");
    assert_next(capacity, &a[0]);
    assert_next(capacity, &a[1]);
    assert_next(capacity, NULL);
    wait_ok(capacity, &b[0], "b", "A");
    assert_next(capacity, &b[0]);
    capacity_leave(capacity, &a[1], CAPACITY_NO_NEWS, 0);
    assert_int_equal(a[1].state, CAPACITY_OUT);
    assert_next(capacity, &a[2]);
    assert_next(capacity, NULL);
    capacity_free(capacity);
}

static void full_origin_serves_its_endpoints_in_turn(void **unused)
{
    struct capacity *capacity = capacity_with(100, 2, 100);
    struct capacity_waiter a[4] = {0}, b[2] = {0}, c[1] = {0}, z[1] = {0};

    (void)unused;
    for (size_t i = 0; i < 4; i++)
        wait_ok(capacity, &a[i], "a", "A");
    for (size_t i = 0; i < 2; i++)
        wait_ok(capacity, &b[i], "b", "A");
    wait_ok(capacity, &c[0], "c", "A");
    wait_ok(capacity, &z[0], "z", "Z");
    assert_next(capacity, &a[0]);
    assert_next(capacity, &b[0]);
    assert_next(capacity, &z[0]);
    assert_next(capacity, NULL);
    capacity_leave(capacity, &a[0], CAPACITY_NO_NEWS, 0);
    assert_next(capacity, &c[0]);
    assert_next(capacity, NULL);
    capacity_leave(capacity, &c[0], CAPACITY_NO_NEWS, 0);
    capacity_leave(capacity, &b[0], CAPACITY_NO_NEWS, 0);
    assert_next(capacity, &a[1]);
    assert_next(capacity, &b[1]);
    assert_next(capacity, NULL);
    capacity_leave(capacity, &b[1], CAPACITY_NO_NEWS, 0);
    assert_next(capacity, &a[2]);
    capacity_free(capacity);
}

/* The endpoint whose turn it would be loses its last waiter: the next one must not be forgotten. */
static void turn_given_up_goes_to_the_next_of_the_origin(void **unused)
{
    struct capacity *capacity = capacity_with(100, 1, 100);
    struct capacity_waiter a = {0}, b = {0}, c = {0};

    (void)unused;
    wait_ok(capacity, &a, "a", "A");
    wait_ok(capacity, &b, "b", "A");
    wait_ok(capacity, &c, "c", "A");
    assert_next(capacity, &a);
    capacity_leave(capacity, &a, CAPACITY_NO_NEWS, 0);
    capacity_leave(capacity, &b, CAPACITY_NO_NEWS, 0);
    assert_next(capacity, &c);
    capacity_free(capacity);
}

static void parked_endpoint_may_leave(void **unused)
{
    struct capacity *capacity = capacity_with(100, 1, 100);
    struct capacity_waiter a = {0}, b = {0}, c = {0};

    (void)unused;
    wait_ok(capacity, &a, "a", "A");
    assert_next(capacity, &a);
    wait_ok(capacity, &b, "b", "A");
    wait_ok(capacity, &c, "c", "A");
    capacity_leave(capacity, &b, CAPACITY_NO_NEWS, 0);
    assert_int_equal(capacity_waiting(capacity), 1);
    capacity_leave(capacity, &a, CAPACITY_NO_NEWS, 0);
    assert_next(capacity, &c);
    capacity_free(capacity);
}

static void process_limit_holds_everything(void **unused)
{
    struct capacity *capacity = capacity_with(1, 100, 100);
    struct capacity_waiter a = {0}, b = {0};

    (void)unused;
    wait_ok(capacity, &a, "a", "A");
    wait_ok(capacity, &b, "b", "B");
    assert_next(capacity, &a);
    assert_next(capacity, NULL);
    capacity_leave(capacity, &a, CAPACITY_NO_NEWS, 0);
    assert_next(capacity, &b);
    capacity_free(capacity);
}

static void zero_limits_let_nothing_go(void **unused)
{
    static const struct capacity_limits rows[] = {
        {0, 1, 1, 1, 0, 0, 0, 1}, {1, 0, 1, 1, 0, 0, 0, 1}, {1, 1, 0, 1, 0, 0, 0, 1}};

    (void)unused;
    for (size_t i = 0; i < 3; i++) {
        struct capacity *capacity = capacity_new(&rows[i]);
        struct capacity_waiter a = {0};

        wait_ok(capacity, &a, "a", "A");
        assert_next(capacity, NULL);
        capacity_leave(capacity, &a, CAPACITY_NO_NEWS, 0);
        capacity_free(capacity);
    }
}

static void unused_endpoint_is_forgotten(void **unused)
{
    struct capacity *capacity = capacity_with(100, 1, 100);
    struct capacity_waiter x = {0}, y = {0};

    (void)unused;
    wait_ok(capacity, &y, "y", "B");
    assert_next(capacity, &y);
    wait_ok(capacity, &x, "x", "A");
    assert_next(capacity, &x);
    capacity_leave(capacity, &x, CAPACITY_NO_NEWS, 0);
    /* Were x still known, it would be of origin A and might go. */
    wait_ok(capacity, &x, "x", "B");
    assert_next(capacity, NULL);
    capacity_leave(capacity, &x, CAPACITY_NO_NEWS, 0);
    wait_ok(capacity, &x, "x", "A");
    assert_next(capacity, &x);
    capacity_free(capacity);
}

/* Bytes on the heap; always 0 under AddressSanitizer, which then proves nothing here. */
static size_t heap_in_use(void)
{
    return mallinfo2().uordblks;
}

static void endpoints_and_origins_that_came_and_went_take_no_memory(void **unused)
{
    struct capacity *capacity = capacity_with(100, 100, 100);
    struct capacity_waiter stays = {0}, first = {0}, second = {0};
    size_t before;

    (void)unused;
    wait_ok(capacity, &stays, "stays", "stays"); /* keeps the tables themselves */
    before = heap_in_use();
    for (size_t i = 0; i < 1000; i++) {
        char origin[32], a[32], b[32];

        (void)snprintf(origin, sizeof(origin), "http://o%zu", i);
        (void)snprintf(a, sizeof(a), "http://o%zu/a", i);
        (void)snprintf(b, sizeof(b), "http://o%zu/b", i);
        wait_ok(capacity, &first, a, origin);
        wait_ok(capacity, &second, b, origin);
        capacity_leave(capacity, &first, CAPACITY_NO_NEWS, 0);
        capacity_leave(capacity, &second, CAPACITY_NO_NEWS, 0);
    }
    assert_true(heap_in_use() < before + 10000);
    capacity_free(capacity);
}

static void take_ok(struct capacity *capacity, struct capacity_waiter *waiter, const char *endpoint,
                    const char *origin)
{
    assert_int_equal(capacity_take(capacity, waiter, endpoint, origin, 0), 0);
    assert_int_equal(waiter->state, CAPACITY_IN_FLIGHT);
}

static void kept_slots_are_for_those_that_do_not_wait(void **unused)
{
    static const struct capacity_limits limits = {4, 3, 2, 2, 1, 4, 4, INT64_MAX};
    struct capacity *capacity = capacity_new(&limits);
    struct capacity_waiter a[3] = {0}, b[2] = {0}, z[2] = {0};

    (void)unused;
    wait_ok(capacity, &a[0], "a", "A");
    wait_ok(capacity, &b[0], "b", "A");
    wait_ok(capacity, &z[0], "z", "Z");
    wait_ok(capacity, &z[1], "z", "Z");
    assert_next(capacity, &a[0]);
    assert_next(capacity, &b[0]);
    assert_next(capacity, &z[0]);
    assert_next(capacity, NULL); /* the fourth slot is kept */
    assert_int_equal(capacity_take(capacity, &b[1], "z", "Z", 0), CAPACITY_CONGESTED);
    take_ok(capacity, &a[1], "a", "A");
    assert_int_equal(capacity_take(capacity, &a[2], "y", "Y", 0), CAPACITY_CONGESTED);
    assert_int_equal(capacity_in_flight(capacity), 4);
    capacity_leave(capacity, &b[0], CAPACITY_ANSWER, 0);
    assert_next(capacity, &z[1]); /* what was taken does not count against those who wait */
    capacity_leave(capacity, &a[1], CAPACITY_ANSWER, 0);
    assert_next(capacity, NULL);
    take_ok(capacity, &b[1], "b", "A");
    for (size_t i = 0; i < 2; i++) {
        capacity_leave(capacity, &a[i], CAPACITY_ANSWER, 0);
        capacity_leave(capacity, &b[i], CAPACITY_ANSWER, 0);
        capacity_leave(capacity, &z[i], CAPACITY_ANSWER, 0);
    }
    assert_int_equal(capacity_in_flight(capacity), 0);
    capacity_free(capacity);
}

static void taking_leaves_an_origin_its_limit(void **unused)
{
    struct capacity *capacity = capacity_with(9, 1, 2);
    struct capacity_waiter a = {0}, b = {0};

    (void)unused;
    wait_ok(capacity, &a, "a", "A"); /* ready: the origin's only slot is as good as taken */
    assert_int_equal(capacity_take(capacity, &b, "b", "A", 0), CAPACITY_CONGESTED);
    assert_next(capacity, &a);
    assert_int_equal(capacity_take(capacity, &b, "b", "A", 0), CAPACITY_CONGESTED);
    capacity_leave(capacity, &a, CAPACITY_ANSWER, 0);
    take_ok(capacity, &b, "b", "A");
    capacity_leave(capacity, &b, CAPACITY_ANSWER, 0);
    capacity_free(capacity);
}

/* --- against a naive model --- */

#define ORIGINS 3
#define ENDPOINTS 9 /* endpoint e belongs to origin e % ORIGINS */
#define WAITERS 60
#define STEPS 4000
#define RUNS 60

struct model_endpoint {
    size_t queue[WAITERS]; /* waiting ones, oldest first */
    size_t queue_len;
    size_t in_flight;
    bool congested;
    struct concurrency concurrency; /* tested on its own */
    bool slow;
    bool proven;           /* succeeded once */
    double answer_ms;      /* how long successes take */
    int silent_from;       /* step of the last answer, or of the first that flies */
    int lane_since;        /* step at which it changed lanes */
    int since;             /* step at which it became able to go but for its origin, or -1 */
    int origin_free_since; /* since which its origin also had slots for all such endpoints, or -1 */
    int last_turn;         /* step of its last turn, or -1 */
};

struct model {
    struct capacity_limits limits;
    struct capacity *capacity;
    struct capacity_waiter waiters[WAITERS];
    size_t endpoint_of[WAITERS];
    int waits_since[WAITERS]; /* step */
    int flies_since[WAITERS]; /* step */
    bool is_marked[WAITERS];  /* was seen to be slow while in flight */
    struct model_endpoint endpoints[ENDPOINTS];
    int step;
};

static size_t origin_in_flight(const struct model *model, size_t origin)
{
    size_t sum = 0;

    for (size_t e = origin; e < ENDPOINTS; e += ORIGINS)
        sum += model->endpoints[e].in_flight;
    return sum;
}

static size_t model_in_flight(const struct model *model)
{
    size_t sum = 0;

    for (size_t origin = 0; origin < ORIGINS; origin++)
        sum += origin_in_flight(model, origin);
    return sum;
}

static size_t limit_of(const struct model *model, size_t e)
{
    return concurrency_limit(&model->endpoints[e].concurrency);
}

static bool is_runnable(const struct model *model, size_t e)
{
    return model->endpoints[e].queue_len > 0 && model->endpoints[e].in_flight < limit_of(model, e);
}

static bool origin_has_slots_for_all(const struct model *model, size_t origin)
{
    size_t runnable = 0;

    for (size_t e = origin; e < ENDPOINTS; e += ORIGINS)
        runnable += is_runnable(model, e);
    return origin_in_flight(model, origin) + runnable <= model->limits.per_origin;
}

static size_t slow_in_flight(const struct model *model)
{
    size_t sum = 0;

    for (size_t e = 0; e < ENDPOINTS; e++)
        sum += model->endpoints[e].slow ? model->endpoints[e].in_flight : 0;
    return sum;
}

static size_t slow_waiting(const struct model *model)
{
    size_t sum = 0;

    for (size_t e = 0; e < ENDPOINTS; e++)
        sum += model->endpoints[e].slow ? model->endpoints[e].queue_len : 0;
    return sum;
}

static bool may_go(const struct model *model, size_t e)
{
    return model_in_flight(model) < model->limits.in_flight && is_runnable(model, e) &&
           origin_in_flight(model, e % ORIGINS) < model->limits.per_origin &&
           (!model->endpoints[e].slow || slow_in_flight(model) < model->limits.slow_most);
}

static bool something_may_go(const struct model *model)
{
    for (size_t e = 0; e < ENDPOINTS; e++) {
        if (may_go(model, e))
            return true;
    }
    return false;
}

/* While the slow lane is closed, those in it may hold their origin's last slots against others of
 * the same origin. */
static bool something_must_go(const struct model *model)
{
    for (size_t e = 0; e < ENDPOINTS; e++) {
        if (may_go(model, e) && (slow_in_flight(model) < model->limits.slow_most ||
                                 origin_has_slots_for_all(model, e % ORIGINS)))
            return true;
    }
    return false;
}

/* Notes since when each endpoint has been able to go without a break. */
static void model_settle(struct model *model)
{
    for (size_t e = 0; e < ENDPOINTS; e++) {
        struct model_endpoint *endpoint = &model->endpoints[e];
        bool runnable = is_runnable(model, e);

        if (!runnable)
            endpoint->since = -1;
        else if (endpoint->since < 0)
            endpoint->since = model->step;
        if (!runnable || !origin_has_slots_for_all(model, e % ORIGINS))
            endpoint->origin_free_since = -1;
        else if (endpoint->origin_free_since < 0)
            endpoint->origin_free_since = model->step;
    }
}

static void assert_same_numbers(const struct model *model)
{
    size_t waiting = 0;

    for (size_t e = 0; e < ENDPOINTS; e++) {
        waiting += model->endpoints[e].queue_len;
        assert_true(model->endpoints[e].in_flight <= model->limits.per_endpoint);
        assert_true(limit_of(model, e) <= model->limits.per_endpoint);
    }
    for (size_t origin = 0; origin < ORIGINS; origin++)
        assert_true(origin_in_flight(model, origin) <= model->limits.per_origin);
    assert_true(model_in_flight(model) <= model->limits.in_flight);
    assert_int_equal(capacity_waiting(model->capacity), waiting);
    assert_int_equal(capacity_in_flight(model->capacity), model_in_flight(model));
}

/* Since last, and not in the slow lane, which may be closed at times. */
static bool in_one_lane(const struct model *model, size_t e, size_t other, int last)
{
    const struct model_endpoint *one = &model->endpoints[e];
    const struct model_endpoint *two = &model->endpoints[other];

    return !one->slow && !two->slow && one->lane_since <= last && two->lane_since <= last;
}

/*
 * Between two turns of e nobody was passed over: not an endpoint of the same origin that was
 * runnable all the time, nor one of another origin that besides never lacked a slot of its origin.
 */
static void assert_fair_turn(const struct model *model, size_t e)
{
    int last = model->endpoints[e].last_turn;

    for (size_t other = 0; other < ENDPOINTS && last >= 0; other++) {
        const struct model_endpoint *endpoint = &model->endpoints[other];
        int since = other % ORIGINS == e % ORIGINS ? endpoint->since : endpoint->origin_free_since;

        if (!in_one_lane(model, e, other, last))
            continue;
        if (other != e && since >= 0 && since <= last && endpoint->last_turn < last)
            fail_msg("step %d: endpoint %zu went again before %zu", model->step, e, other);
    }
}

static void names_of(size_t e, char endpoint[32], char origin[32])
{
    (void)snprintf(endpoint, 32, "http://o%zu/e%zu", e % ORIGINS, e);
    (void)snprintf(origin, 32, "http://o%zu", e % ORIGINS);
}

static size_t model_longest_queue(const struct model *model, size_t e, size_t room)
{
    const struct model_endpoint *endpoint = &model->endpoints[e];
    bool is_silent =
        endpoint->in_flight > 0 && model->step - endpoint->silent_from >= CAPACITY_SILENT_MS;
    double soon =
        endpoint->proven ? CAPACITY_SOON_MS * (double)limit_of(model, e) / endpoint->answer_ms : 0;
    size_t longest = room / (endpoint->proven ? 4 : is_silent ? 32 : 8);

    if (soon > (double)room)
        soon = (double)room;
    if ((size_t)soon > longest)
        longest = (size_t)soon;
    return 1 + longest > limit_of(model, e) ? 1 + longest : limit_of(model, e);
}

static void step_wait(struct model *model, size_t w, size_t e)
{
    struct model_endpoint *endpoint = &model->endpoints[e];
    char endpoint_name[32], origin_name[32];
    bool refused;

    size_t used = capacity_in_flight(model->capacity) + capacity_waiting(model->capacity);
    size_t room = used < model->limits.in_flight ? model->limits.in_flight - used : 0;
    size_t longest = model_longest_queue(model, e, room);

    names_of(e, endpoint_name, origin_name);
    refused =
        (endpoint->congested && endpoint->in_flight + endpoint->queue_len >= limit_of(model, e)) ||
        endpoint->queue_len >= longest ||
        (endpoint->slow && slow_in_flight(model) + slow_waiting(model) >= model->limits.slow_most);
    assert_int_equal(
        capacity_wait(model->capacity, &model->waiters[w], endpoint_name, origin_name, model->step),
        refused ? CAPACITY_CONGESTED : 0);
    if (refused)
        return;
    model->endpoint_of[w] = e;
    model->waits_since[w] = model->step;
    endpoint->queue[endpoint->queue_len++] = w;
}

static void model_set_slow(struct model *model, size_t e, bool slow)
{
    if (model->endpoints[e].slow != slow)
        model->endpoints[e].lane_since = model->step;
    model->endpoints[e].slow = slow;
}

static void model_learn(struct model *model, size_t w, enum capacity_news news)
{
    size_t e = model->endpoint_of[w];
    struct model_endpoint *endpoint = &model->endpoints[e];

    if (news == CAPACITY_SUCCESS) {
        double took = model->step - model->flies_since[w];

        endpoint->answer_ms += (took - endpoint->answer_ms) / (endpoint->proven ? 8 : 1);
        endpoint->answer_ms = endpoint->answer_ms < 0.1 ? 0.1 : endpoint->answer_ms;
        endpoint->proven = true;
    }
    if (news == CAPACITY_SUCCESS || news == CAPACITY_ANSWER || news == CAPACITY_BUSY)
        endpoint->silent_from = model->step;
    if (model->step - model->flies_since[w] >= model->limits.slow_ms)
        model_set_slow(model, e, true);
    else if (news == CAPACITY_SUCCESS)
        model_set_slow(model, e, false);
    if (news == CAPACITY_SUCCESS)
        concurrency_grow(&endpoint->concurrency, endpoint->in_flight, model->limits.per_endpoint);
    if (news == CAPACITY_BUSY || news == CAPACITY_SILENCE)
        concurrency_cut(&endpoint->concurrency, model->flies_since[w], model->step);
    if (news == CAPACITY_CUT)
        concurrency_cut_to_one(&endpoint->concurrency, model->step);
}

static void step_leave(struct model *model, size_t w, enum capacity_news news)
{
    size_t e = model->endpoint_of[w];
    struct model_endpoint *endpoint = &model->endpoints[e];
    size_t kept = 0;

    if (model->waiters[w].state == CAPACITY_IN_FLIGHT) {
        model_learn(model, w, news);
        endpoint->in_flight--;
        if (news != CAPACITY_NO_NEWS && news != CAPACITY_SILENCE && news != CAPACITY_CUT &&
            endpoint->in_flight <= limit_of(model, e) / 2)
            endpoint->congested = false;
    } else {
        for (size_t i = 0; i < endpoint->queue_len; i++) {
            if (endpoint->queue[i] != w)
                endpoint->queue[kept++] = endpoint->queue[i];
        }
        endpoint->queue_len = kept;
    }
    capacity_leave(model->capacity, &model->waiters[w], news, model->step);
    assert_int_equal(model->waiters[w].state, CAPACITY_OUT);
}

/* Whoever waits since before the last 300 steps is taken out. */
static void step_overdue(struct model *model)
{
    struct capacity_waiter *waiter;
    int oldest = -1;

    while ((waiter = capacity_overdue(model->capacity, model->step - 300))) {
        size_t w = (size_t)(waiter - model->waiters);

        assert_true(model->waits_since[w] <= model->step - 300);
        model->endpoints[model->endpoint_of[w]].congested = true;
        step_leave(model, w, CAPACITY_NO_NEWS);
    }
    for (size_t w = 0; w < WAITERS; w++) {
        if (model->waiters[w].state == CAPACITY_WAITING &&
            (oldest < 0 || model->waits_since[w] < oldest))
            oldest = model->waits_since[w];
    }
    assert_int_equal(capacity_oldest_ms(model->capacity), oldest);
    assert_true(oldest < 0 || oldest > model->step - 300);
}

static void step_next(struct model *model)
{
    bool may = something_may_go(model), must = something_must_go(model);
    struct capacity_waiter *waiter = capacity_next(model->capacity, model->step);
    struct model_endpoint *endpoint;
    size_t w, e;

    assert_true(waiter ? may : !must);
    if (!waiter)
        return;
    w = (size_t)(waiter - model->waiters);
    e = model->endpoint_of[w];
    endpoint = &model->endpoints[e];
    assert_int_equal(endpoint->queue[0], w); /* the oldest of its endpoint */
    assert_fair_turn(model, e);
    memmove(endpoint->queue, endpoint->queue + 1,
            sizeof(endpoint->queue[0]) * --endpoint->queue_len);
    if (endpoint->in_flight == 0)
        endpoint->silent_from = model->step;
    endpoint->in_flight++;
    endpoint->last_turn = model->step;
    model->flies_since[w] = model->step;
    model->is_marked[w] = false;
}

/* What is slow is known, and what is slow and never answered makes way. */
static void step_slow(struct model *model)
{
    size_t slow = 0;
    int oldest = -1;
    const struct capacity_waiter *waiter;

    capacity_mark_slow(model->capacity, model->step);
    for (size_t w = 0; w < WAITERS; w++) {
        size_t e = model->endpoint_of[w];

        if (model->waiters[w].state != CAPACITY_IN_FLIGHT ||
            model->step - model->flies_since[w] < model->limits.slow_ms)
            continue;
        if (!model->is_marked[w])
            model_set_slow(model, e, true);
        model->is_marked[w] = true;
        if (model->endpoints[e].proven)
            continue;
        slow++;
        if (oldest < 0 || model->flies_since[w] < oldest)
            oldest = model->flies_since[w];
    }
    waiter = capacity_to_cut(model->capacity);
    assert_int_equal(waiter != NULL, slow > model->limits.slow);
    if (!waiter)
        return;
    assert_int_equal(model->flies_since[waiter - model->waiters], oldest);
    step_leave(model, (size_t)(waiter - model->waiters), CAPACITY_CUT);
}

/* Few failures: they would keep all limits at 1. */
static enum capacity_news some_news(unsigned choice)
{
    static const enum capacity_news news[16] = {CAPACITY_NO_NEWS, CAPACITY_NO_NEWS, CAPACITY_BUSY,
                                                CAPACITY_SILENCE, CAPACITY_ANSWER};

    return choice % 16 < 5 ? news[choice % 16] : CAPACITY_SUCCESS;
}

static void run_model(const struct capacity_limits *limits, uint64_t seed)
{
    struct model model = {.limits = *limits};
    uint64_t state = seed;

    model.capacity = capacity_new(limits);
    assert_non_null(model.capacity);
    for (size_t e = 0; e < ENDPOINTS; e++) {
        concurrency_init(&model.endpoints[e].concurrency, limits->first_per_endpoint);
        model.endpoints[e].since = model.endpoints[e].origin_free_since =
            model.endpoints[e].last_turn = -1;
    }
    for (model.step = 0; model.step < STEPS; model.step++) {
        uint64_t choice = backoff_random(&state);
        size_t w = choice % WAITERS;
        /* Phases in which more come or more leave, so that queues fill and endpoints vanish. */
        unsigned filling = model.step / 500 % 2 ? 1 : 3;

        if ((choice >> 32) % 4 == 0)
            step_next(&model);
        else if ((choice >> 34) % 16 == 0)
            step_overdue(&model);
        else if ((choice >> 34) % 16 == 1)
            step_slow(&model);
        else if (model.waiters[w].state != CAPACITY_OUT && (choice >> 40) % 4 >= filling)
            step_leave(&model, w, some_news((unsigned)(choice >> 44)));
        else if (model.waiters[w].state == CAPACITY_OUT && (choice >> 40) % 4 < filling)
            step_wait(&model, w, (size_t)(choice >> 48) % ENDPOINTS);
        model_settle(&model);
        assert_same_numbers(&model);
    }
    for (size_t w = 0; w < WAITERS; w++) {
        if (model.waiters[w].state != CAPACITY_OUT)
            step_leave(&model, w, CAPACITY_NO_NEWS);
    }
    assert_same_numbers(&model);
    capacity_free(model.capacity);
}

static void random_use_keeps_limits_order_and_fairness(void **unused)
{
    static const struct capacity_limits rows[] = {
        {100, 100, 100, 100, 0, 5, 100, 200}, {100, 100, 2, 2, 0, 60, 60, INT64_MAX},
        {100, 5, 100, 2, 0, 1, 3, 200},       {100, 3, 2, 1, 0, 0, 100, INT64_MAX},
        {100, 1, 1, 1, 0, 3, 9, INT64_MAX},   {6, 4, 2, 2, 0, 2, 4, 100},
        {1, 1, 1, 1, 0, 0, 1, 100},           {10, 100, 1, 1, 0, 2, 8, 100},
        {8, 3, 3, 2, 0, 2, 8, INT64_MAX},     {100, 2, 100, 2, 0, 9, 50, 50},
        {60, 60, 16, 2, 0, 15, 45, 200},      {60, 60, 16, 2, 0, 15, 45, INT64_MAX},
    };

    (void)unused;
    for (size_t i = 0; i < RUNS; i++)
        run_model(&rows[i % (sizeof(rows) / sizeof(rows[0]))], i + 1);
}

/* One origin is full and tens of thousands of its endpoints wait: turns of others cost the same.
 * The answers would be right with a walk over the parked ones too, but the test would run into its
 * time limit. */
static void many_parked_endpoints_cost_nothing(void **unused)
{
    enum {
        PARKED = 20000,
        TURNS = 200000
    };
    static struct capacity_waiter parked[PARKED];
    struct capacity *capacity = capacity_with(10, 1, 1);
    struct capacity_waiter busy = {0}, other = {0};

    (void)unused;
    wait_ok(capacity, &busy, "busy", "A");
    assert_next(capacity, &busy);
    for (size_t i = 0; i < PARKED; i++) {
        char name[32];

        (void)snprintf(name, sizeof(name), "parked-%zu", i);
        wait_ok(capacity, &parked[i], name, "A");
    }
    for (size_t i = 0; i < TURNS; i++) {
        wait_ok(capacity, &other, "other", "B");
        assert_next(capacity, &other);
        assert_next(capacity, NULL);
        capacity_leave(capacity, &other, CAPACITY_NO_NEWS, 0);
    }
    capacity_leave(capacity, &busy, CAPACITY_NO_NEWS, 0);
    assert_next(capacity, &parked[0]);
    capacity_free(capacity);
}

/* --- congestion --- */

static void who_waits_too_long_is_told_oldest_first(void **unused)
{
    struct capacity *capacity = capacity_with(100, 1, 1);
    struct capacity_waiter a[3] = {0}, b = {0};

    (void)unused;
    assert_int_equal(capacity_oldest_ms(capacity), -1);
    assert_int_equal(capacity_wait(capacity, &a[0], "a", "o", 100), 0);
    assert_int_equal(capacity_wait(capacity, &a[1], "a", "o", 200), 0);
    assert_int_equal(capacity_wait(capacity, &b, "b", "o", 300), 0);
    assert_next(capacity, &a[0]);
    assert_int_equal(capacity_oldest_ms(capacity), 200);
    assert_null(capacity_overdue(capacity, 199));
    assert_ptr_equal(capacity_overdue(capacity, 200), &a[1]);
    capacity_leave(capacity, &a[1], CAPACITY_NO_NEWS, 0);
    assert_int_equal(capacity_oldest_ms(capacity), 300);
    capacity_leave(capacity, &b, CAPACITY_NO_NEWS, 0);
    capacity_leave(capacity, &a[0], CAPACITY_NO_NEWS, 0);
    capacity_free(capacity);
}

/* Makes endpoint "a" congested with in_flight waiters in flight and none waiting. */
static void congest(struct capacity *capacity, struct capacity_waiter *in_flight, size_t len)
{
    struct capacity_waiter late = {0};

    for (size_t i = 0; i < len; i++) {
        wait_ok(capacity, &in_flight[i], "a", "o");
        assert_next(capacity, &in_flight[i]);
    }
    assert_int_equal(capacity_wait(capacity, &late, "a", "o", 1), 0);
    assert_ptr_equal(capacity_overdue(capacity, 1), &late);
    capacity_leave(capacity, &late, CAPACITY_NO_NEWS, 0);
}

static void nobody_queues_at_a_congested_endpoint(void **unused)
{
    struct capacity *capacity = capacity_with(100, 100, 4);
    struct capacity_waiter a[4] = {0}, next = {0}, other = {0};

    (void)unused;
    congest(capacity, a, 4);
    assert_int_equal(capacity_wait(capacity, &next, "a", "o", 2), CAPACITY_CONGESTED);
    assert_int_equal(next.state, CAPACITY_OUT);
    wait_ok(capacity, &other, "b", "o"); /* others do */
    capacity_leave(capacity, &other, CAPACITY_NO_NEWS, 0);

    /* A slot that a timeout frees may be used, but does not end the congestion. */
    capacity_leave(capacity, &a[0], CAPACITY_NO_NEWS, 0);
    wait_ok(capacity, &a[0], "a", "o");
    assert_next(capacity, &a[0]);
    assert_int_equal(capacity_wait(capacity, &next, "a", "o", 3), CAPACITY_CONGESTED);

    /* Answers that free half of the slots do. */
    capacity_leave(capacity, &a[0], CAPACITY_ANSWER, 0);
    capacity_leave(capacity, &a[1], CAPACITY_ANSWER, 0);
    for (size_t i = 0; i < 2; i++) {
        wait_ok(capacity, &a[i], "a", "o");
        assert_next(capacity, &a[i]);
    }
    wait_ok(capacity, &next, "a", "o");
    capacity_leave(capacity, &next, CAPACITY_NO_NEWS, 0);
    for (size_t i = 0; i < 4; i++)
        capacity_leave(capacity, &a[i], CAPACITY_NO_NEWS, 0);
    capacity_free(capacity);
}

static void congestion_stays_while_too_many_are_unanswered(void **unused)
{
    struct capacity *capacity = capacity_with(100, 100, 4);
    struct capacity_waiter busy[4] = {0}, late = {0}, more[2] = {0};

    (void)unused;
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(capacity_wait(capacity, &busy[i], "a", "o", 0), 0);
        assert_next(capacity, &busy[i]);
    }
    assert_int_equal(capacity_wait(capacity, &late, "a", "o", 0), 0);
    assert_ptr_equal(capacity_overdue(capacity, 0), &late);
    capacity_leave(capacity, &late, CAPACITY_ANSWER,
                   0); /* it was not in flight, so it was not answered */
    capacity_leave(capacity, &busy[0], CAPACITY_ANSWER, 0);
    assert_int_equal(capacity_wait(capacity, &more[0], "a", "o", 1), 0);
    assert_int_equal(capacity_wait(capacity, &more[1], "a", "o", 1), CAPACITY_CONGESTED);
    capacity_leave(capacity, &busy[1], CAPACITY_ANSWER, 0);
    assert_int_equal(capacity_wait(capacity, &more[1], "a", "o", 1), 0);
    assert_int_equal(capacity_wait(capacity, &late, "a", "o", 1), 0);
    capacity_free(capacity);
}

static void congestion_is_remembered_while_nobody_waits(void **unused)
{
    struct capacity *capacity = capacity_with(100, 100, 1);
    struct capacity_waiter a = {0}, next = {0};

    (void)unused;
    congest(capacity, &a, 1);
    capacity_leave(capacity, &a, CAPACITY_NO_NEWS, 0);
    wait_ok(capacity, &a, "a", "o");
    assert_next(capacity, &a);
    assert_int_equal(capacity_wait(capacity, &next, "a", "o", 2), CAPACITY_CONGESTED);
    capacity_leave(capacity, &a, CAPACITY_ANSWER, 0);
    wait_ok(capacity, &a, "a", "o");
    wait_ok(capacity, &next, "a", "o");
    capacity_leave(capacity, &a, CAPACITY_NO_NEWS, 0);
    capacity_leave(capacity, &next, CAPACITY_NO_NEWS, 0);
    capacity_free(capacity);
}

static void only_so_many_congested_endpoints_are_remembered(void **unused)
{
    struct capacity *capacity = capacity_with(100, 100, 1);
    struct capacity_waiter held = {0}, late = {0};
    char name[32];

    (void)unused;
    for (int i = 0; i < 3 * CAPACITY_IDLE_MAX; i++) {
        snprintf(name, sizeof(name), "endpoint-%d", i);
        wait_ok(capacity, &held, name, name);
        assert_next(capacity, &held);
        assert_int_equal(capacity_wait(capacity, &late, name, name, 1), 0);
        assert_ptr_equal(capacity_overdue(capacity, 1), &late);
        capacity_leave(capacity, &late, CAPACITY_NO_NEWS, 0);
        capacity_leave(capacity, &held, CAPACITY_NO_NEWS, 0);
    }
    wait_ok(capacity, &held, "endpoint-0", "endpoint-0"); /* forgotten: it may queue again */
    wait_ok(capacity, &late, "endpoint-0", "endpoint-0");
    capacity_leave(capacity, &late, CAPACITY_NO_NEWS, 0);
    capacity_leave(capacity, &held, CAPACITY_NO_NEWS, 0);
    capacity_free(capacity);
}

static void congested_endpoint_that_comes_and_goes_pushes_nobody_out(void **unused)
{
    struct capacity *capacity = capacity_with(100, 100, 1);
    struct capacity_waiter a = {0}, b = {0}, late = {0};

    (void)unused;
    wait_ok(capacity, &b, "b", "o");
    assert_next(capacity, &b);
    assert_int_equal(capacity_wait(capacity, &late, "b", "o", 1), 0);
    assert_ptr_equal(capacity_overdue(capacity, 1), &late);
    capacity_leave(capacity, &late, CAPACITY_NO_NEWS, 0);
    capacity_leave(capacity, &b, CAPACITY_NO_NEWS, 0);
    congest(capacity, &a, 1);
    for (int i = 0; i < 2 * CAPACITY_IDLE_MAX; i++) {
        capacity_leave(capacity, &a, CAPACITY_NO_NEWS, 0);
        wait_ok(capacity, &a, "a", "o");
    }
    wait_ok(capacity, &b, "b", "o");
    assert_int_equal(capacity_wait(capacity, &late, "b", "o", 2), CAPACITY_CONGESTED);
    capacity_free(capacity);
}

/* --- adapting --- */

static void endpoint_earns_and_loses_slots(void **unused)
{
    const struct capacity_limits limits = {200, 200, 4, 2, 0, 200, 200, INT64_MAX};
    struct capacity *capacity = capacity_new(&limits);
    struct capacity_waiter a[6] = {0};

    (void)unused;
    for (size_t i = 0; i < 6; i++)
        wait_ok(capacity, &a[i], "a", "o");
    assert_next(capacity, &a[0]);
    assert_next(capacity, &a[1]);
    assert_next(capacity, NULL); /* two, of one that is not known */
    capacity_leave(capacity, &a[0], CAPACITY_SUCCESS, 1);
    assert_next(capacity, &a[2]);
    assert_next(capacity, &a[3]);
    assert_next(capacity, NULL); /* three now */
    capacity_leave(capacity, &a[1], CAPACITY_SILENCE, 2);
    capacity_leave(capacity, &a[2], CAPACITY_BUSY, 3); /* of the same round */
    assert_int_equal(capacity_free_slots(capacity, "a", "o"), 0);
    assert_next(capacity, NULL); /* one, which flies */
    capacity_leave(capacity, &a[3], CAPACITY_ANSWER, 4);
    assert_next(capacity, &a[4]);
    assert_next(capacity, NULL);
    capacity_leave(capacity, &a[4], CAPACITY_NO_NEWS, 5);
    capacity_leave(capacity, &a[5], CAPACITY_NO_NEWS, 5);
    wait_ok(capacity, &a[0], "a", "o");
    wait_ok(capacity, &a[1], "a", "o");
    assert_next(capacity, &a[0]);
    assert_next(capacity, NULL); /* it is remembered while nobody waits */
    capacity_free(capacity);
}

static size_t fill_queue(struct capacity *capacity, const char *name,
                         struct capacity_waiter waiters[32], int64_t now_ms)
{
    size_t queued = 0;

    while (queued < 32 && capacity_wait(capacity, &waiters[queued], name, name, now_ms) == 0)
        queued++;
    return queued;
}

/* The endpoint succeeds once, in so long. */
static void teach(struct capacity *capacity, const char *name, int64_t answer_ms)
{
    struct capacity_waiter waiter = {0};

    wait_ok(capacity, &waiter, name, name);
    assert_next(capacity, &waiter);
    capacity_leave(capacity, &waiter, CAPACITY_SUCCESS, answer_ms);
}

static void queue_may_take_a_part_of_the_room(void **unused)
{
    const struct capacity_limits limits = {64, 64, 4, 2, 0, 64, 64, INT64_MAX};
    struct capacity *capacity = capacity_new(&limits);
    struct capacity_waiter waiters[5][32] = {0};
    static const char *const names[] = {"a", "b", "c", "d"};
    size_t queued[4];

    (void)unused;
    for (size_t e = 0; e < 4; e++)
        teach(capacity, names[e], 1000);
    assert_in_range(fill_queue(capacity, "unknown", waiters[4], 0), 7, 9);
    for (size_t e = 0; e < 4; e++)
        queued[e] = fill_queue(capacity, names[e], waiters[e], 0);
    assert_in_range(queued[0], 10, 13); /* a quarter of what it leaves, and one */
    for (size_t e = 1; e < 4; e++)
        assert_in_range(queued[e], 3, queued[e - 1]);
    assert_true(capacity_waiting(capacity) < 50);
    capacity_free(capacity);
}

static void silent_endpoint_has_the_shortest_queue(void **unused)
{
    const struct capacity_limits limits = {640, 640, 4, 2, 0, 640, 640, INT64_MAX};
    struct capacity *capacity = capacity_new(&limits);
    struct capacity_waiter flying = {0}, waiters[32] = {0};

    (void)unused;
    assert_int_equal(capacity_wait(capacity, &flying, "a", "a", 1000), 0);
    assert_ptr_equal(capacity_next(capacity, 1000), &flying);
    assert_int_equal(fill_queue(capacity, "a", waiters, 1000 + CAPACITY_SILENT_MS), 20);
    assert_int_equal(capacity_pace_of(capacity, "a", 1070).silent_ms, 70);
    capacity_leave(capacity, &flying, CAPACITY_BUSY, 1080); /* not a good answer, but one */
    assert_int_equal(capacity_pace_of(capacity, "a", 1090).silent_ms, 0);
    assert_int_equal(capacity_pace_of(capacity, "nobody", 1090).silent_ms, 0);
    capacity_free(capacity);
}

static void quick_endpoint_may_queue_what_it_takes_soon(void **unused)
{
    const struct capacity_limits limits = {36, 36, 4, 3, 0, 36, 36, INT64_MAX};
    struct capacity *capacity = capacity_new(&limits);
    struct capacity_waiter waiters[32] = {0};

    (void)unused;
    teach(capacity, "quick", 4); /* 3 at a time, 4 ms each: 15 within CAPACITY_SOON_MS */
    assert_int_equal(capacity_pace_of(capacity, "quick", 10).each_us, 1334);
    assert_in_range(fill_queue(capacity, "quick", waiters, 10), 15, 16);
    capacity_free(capacity);
}

static void who_cannot_wait_long_queues_where_it_is_soon_over(void **unused)
{
    struct capacity *capacity = capacity_with(100, 100, 2);
    struct capacity_waiter flying[2] = {0}, waiters[20] = {0};
    size_t queued = 0;

    (void)unused;
    assert_int_equal(capacity_wait_briefly(capacity, &waiters[0], "a", 0), CAPACITY_CONGESTED);
    teach(capacity, "a", 5);
    assert_int_equal(capacity_wait_briefly(capacity, &waiters[0], "a", 9), CAPACITY_CONGESTED);
    for (size_t i = 0; i < 2; i++) {
        wait_ok(capacity, &flying[i], "a", "a");
        assert_next(capacity, &flying[i]);
    }
    assert_int_equal(capacity_soon(capacity, "a", "a"), 8); /* 2 at a time, 5 ms each */
    while (capacity_wait_briefly(capacity, &waiters[queued], "a", 10) == 0)
        queued++;
    assert_int_equal(queued, 8);
    assert_int_equal(capacity_soon(capacity, "a", "a"), 0);
    capacity_leave(capacity, &flying[0], CAPACITY_SUCCESS, 15);
    assert_next(capacity, &waiters[0]);
    assert_non_null(capacity_overdue(capacity, 10)); /* congested now */
    capacity_leave(capacity, &waiters[1], CAPACITY_NO_NEWS, 16);
    assert_int_equal(capacity_wait_briefly(capacity, &waiters[1], "a", 16), CAPACITY_CONGESTED);
    capacity_free(capacity);
}

static void who_waits_where_nobody_is_answered_is_stuck(void **unused)
{
    struct capacity *capacity = capacity_with(200, 200, 2);
    struct capacity_waiter a[3] = {0}, b[3] = {0};

    (void)unused;
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(capacity_wait(capacity, &a[i], "a", "o", 100), 0);
        assert_int_equal(capacity_wait(capacity, &b[i], "b", "o", 110), 0);
    }
    for (size_t i = 0; i < 2; i++) {
        assert_next(capacity, &a[i]);
        assert_next(capacity, &b[i]);
    }
    capacity_leave(capacity, &a[0], CAPACITY_BUSY, 120); /* an answer, if not a good one */
    wait_ok(capacity, &a[0], "a", "o");
    assert_null(capacity_stuck(capacity, 99));
    assert_ptr_equal(capacity_stuck(capacity, 110), &b[2]);
    capacity_leave(capacity, &b[2], CAPACITY_NO_NEWS, 130);
    assert_int_equal(capacity_wait(capacity, &b[2], "b", "o", 140), CAPACITY_CONGESTED);
    capacity_leave(capacity, &b[0], CAPACITY_SILENCE, 140);
    assert_null(capacity_stuck(capacity, 110));
    capacity_free(capacity);
}

static void endpoint_changes_lanes_by_how_long_it_takes(void **unused)
{
    const struct capacity_limits limits = {4, 4, 4, 4, 0, 1, 2, 100};
    struct capacity *capacity = capacity_new(&limits);
    struct capacity_waiter a[4] = {0}, b[4] = {0};

    (void)unused;
    wait_ok(capacity, &a[0], "a", "A");
    assert_next(capacity, &a[0]);
    capacity_leave(capacity, &a[0], CAPACITY_SUCCESS, 100); /* slow now */
    for (size_t i = 0; i < 2; i++) {
        wait_ok(capacity, &a[i], "a", "A");
        wait_ok(capacity, &b[i], "b", "B");
    }
    assert_int_equal(capacity_wait(capacity, &a[2], "a", "A", 0), CAPACITY_CONGESTED);
    assert_next(capacity, &a[0]); /* its share */
    assert_next(capacity, &b[0]);
    assert_next(capacity, &b[1]);
    assert_next(capacity, &a[1]); /* nobody else waits */
    capacity_leave(capacity, &b[0], CAPACITY_SUCCESS, 1);
    wait_ok(capacity, &b[0], "b", "B");
    assert_next(capacity, &b[0]);
    capacity_leave(capacity, &a[0], CAPACITY_SUCCESS, 99); /* fast again */
    capacity_leave(capacity, &a[1], CAPACITY_SUCCESS, 1000);
    assert_int_equal(capacity_free_slots(capacity, "a", "A"), 2);
    wait_ok(capacity, &a[0], "a", "A");
    assert_next(capacity, &a[0]);
    capacity_leave(capacity, &a[0], CAPACITY_SUCCESS, 0);
    assert_int_equal(capacity_free_slots(capacity, "a", "A"), 2);
    capacity_free(capacity);
}

static void fast_ones_pass_slow_ones_beyond_their_share(void **unused)
{
    const struct capacity_limits limits = {6, 6, 6, 6, 0, 2, 4, 100};
    struct capacity *capacity = capacity_new(&limits);
    struct capacity_waiter a[4] = {0}, b[4] = {0};

    (void)unused;
    wait_ok(capacity, &a[0], "a", "A");
    assert_next(capacity, &a[0]);
    capacity_mark_slow(capacity, 99);
    assert_int_equal(capacity_free_slots(capacity, "a", "A"), 5);
    capacity_mark_slow(capacity, 100); /* before it ends */
    assert_int_equal(capacity_free_slots(capacity, "a", "A"), 3);
    for (size_t i = 1; i < 3; i++)
        wait_ok(capacity, &a[i], "a", "A");
    for (size_t i = 0; i < 4; i++)
        wait_ok(capacity, &b[i], "b", "B");
    assert_next(capacity, &a[1]); /* one flies, so one turn is its share */
    for (size_t i = 0; i < 4; i++)
        assert_next(capacity, &b[i]);
    assert_next(capacity, NULL); /* all six are taken */
    assert_false(capacity_is_blocked(capacity));
    wait_ok(capacity, &a[3], "b", "B");
    assert_true(capacity_is_blocked(capacity));
    capacity_leave(capacity, &b[0], CAPACITY_SUCCESS, 0);
    assert_next(capacity, &a[3]);
    capacity_free(capacity);
}

static void only_who_never_answered_is_cut(void **unused)
{
    const struct capacity_limits limits = {10, 10, 10, 10, 0, 2, 8, 100};
    struct capacity *capacity = capacity_new(&limits);
    struct capacity_waiter a[4] = {0}, b[4] = {0};

    (void)unused;
    wait_ok(capacity, &b[0], "b", "o");
    assert_next(capacity, &b[0]);
    capacity_leave(capacity, &b[0], CAPACITY_SUCCESS, 200); /* slow, but it answers */
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(capacity_wait(capacity, &b[i], "b", "o", 0), 0);
        assert_ptr_equal(capacity_next(capacity, (int64_t)i), &b[i]);
    }
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(capacity_wait(capacity, &a[i], "a", "o", 0), 0);
        assert_ptr_equal(capacity_next(capacity, (int64_t)(10 * (i + 1))), &a[i]);
    }
    capacity_mark_slow(capacity, 120);
    assert_null(capacity_to_cut(capacity)); /* two of a: as many as may be */
    capacity_mark_slow(capacity, 130);
    assert_ptr_equal(capacity_to_cut(capacity), &a[0]);
    capacity_leave(capacity, &a[0], CAPACITY_CUT, 130);
    assert_null(capacity_to_cut(capacity));
    assert_int_equal(capacity_free_slots(capacity, "a", "o"), 0); /* one at a time, and three fly */
    capacity_mark_slow(capacity, 1000);
    assert_ptr_equal(capacity_to_cut(capacity), &a[1]);
    capacity_leave(capacity, &a[3], CAPACITY_SUCCESS, 1000); /* a answers after all */
    assert_null(capacity_to_cut(capacity));
    capacity_free(capacity);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(endpoint_earns_and_loses_slots),
        cmocka_unit_test(queue_may_take_a_part_of_the_room),
        cmocka_unit_test(silent_endpoint_has_the_shortest_queue),
        cmocka_unit_test(quick_endpoint_may_queue_what_it_takes_soon),
        cmocka_unit_test(who_cannot_wait_long_queues_where_it_is_soon_over),
        cmocka_unit_test(who_waits_where_nobody_is_answered_is_stuck),
        cmocka_unit_test(endpoint_changes_lanes_by_how_long_it_takes),
        cmocka_unit_test(fast_ones_pass_slow_ones_beyond_their_share),
        cmocka_unit_test(only_who_never_answered_is_cut),
        cmocka_unit_test(nothing_waits_nothing_goes),
        cmocka_unit_test(endpoints_take_turns_and_each_keeps_its_order),
        cmocka_unit_test(full_endpoint_waits_for_itself_alone),
        cmocka_unit_test(full_origin_serves_its_endpoints_in_turn),
        cmocka_unit_test(turn_given_up_goes_to_the_next_of_the_origin),
        cmocka_unit_test(parked_endpoint_may_leave),
        cmocka_unit_test(process_limit_holds_everything),
        cmocka_unit_test(zero_limits_let_nothing_go),
        cmocka_unit_test(unused_endpoint_is_forgotten),
        cmocka_unit_test(endpoints_and_origins_that_came_and_went_take_no_memory),
        cmocka_unit_test(kept_slots_are_for_those_that_do_not_wait),
        cmocka_unit_test(taking_leaves_an_origin_its_limit),
        cmocka_unit_test(who_waits_too_long_is_told_oldest_first),
        cmocka_unit_test(nobody_queues_at_a_congested_endpoint),
        cmocka_unit_test(congestion_stays_while_too_many_are_unanswered),
        cmocka_unit_test(congestion_is_remembered_while_nobody_waits),
        cmocka_unit_test(only_so_many_congested_endpoints_are_remembered),
        cmocka_unit_test(congested_endpoint_that_comes_and_goes_pushes_nobody_out),
        cmocka_unit_test(random_use_keeps_limits_order_and_fairness),
        cmocka_unit_test(many_parked_endpoints_cost_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
