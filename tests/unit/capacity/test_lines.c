#include "scene.h"

#define MANY 80

static size_t offers_taken(struct capacity *capacity, struct capacity_lane *lane,
                           struct capacity_waiter *waiters, int64_t now_ms)
{
    size_t taken = 0;

    while (taken < MANY && capacity_offer(capacity, lane, &waiters[taken], now_ms))
        taken++;
    return taken;
}

static void line_is_what_the_lane_takes_soon(void **unused)
{
    struct capacity *capacity = scene_new(64);
    struct capacity_lane *quick = scene_lane_of(capacity, "a/1", "o", 10);
    struct capacity_lane *medium = scene_lane_of(capacity, "b/1", "o", 400);
    struct capacity_lane *untried = scene_lane(capacity, "c/1", "o");
    struct capacity_waiter waiters[4][MANY] = {{{0}}};

    (void)unused;
    /* Two at a time of 10 ms in 100 ms; others in 20 ms; the free places, when that is more. */
    assert_int_equal(offers_taken(capacity, quick, waiters[0], 0), 20);
    assert_int_equal(offers_taken(capacity, medium, waiters[1], 0), 2);
    assert_int_equal(offers_taken(capacity, untried, waiters[2], 0), 2);
    assert_int_equal(in_lines_of(capacity), 24);
    for (size_t i = 0; i < 6; i++)
        assert_int_equal(capacity_next(capacity, 0).what, CAPACITY_START);
    assert_nothing(capacity, 0);
    assert_false(capacity_offer(capacity, untried, &waiters[3][0], 0));
    capacity_leave(capacity, &waiters[2][0], CAPACITY_NO_NEWS, 0);
    assert_true(capacity_offer(capacity, untried, &waiters[3][0], 0));
    assert_false(capacity_offer(capacity, untried, &waiters[3][1], 0));
    capacity_free(capacity);
}

static void arrivals_stay_behind_what_waits(void **unused)
{
    struct capacity *capacity = scene_new(8);
    struct capacity_lane *lane = scene_lane_of(capacity, "a/1", "o", 2);
    struct capacity_waiter waiter = {0};

    (void)unused;
    capacity_set_backlog(capacity, lane, CAPACITY_BACKLOG_LATER);
    assert_false(capacity_offer(capacity, lane, &waiter, 0));
    assert_nothing(capacity, 0);
    capacity_set_backlog(capacity, lane, CAPACITY_BACKLOG_NOW);
    assert_int_equal(lane->backlog, CAPACITY_BACKLOG_NOW);
    assert_false(capacity_offer(capacity, lane, &waiter, 0));
    capacity_set_backlog(capacity, lane, CAPACITY_BACKLOG_NONE);
    capacity_hold(capacity, lane, 100);
    assert_false(capacity_offer(capacity, lane, &waiter, 0));
    capacity_hold(capacity, lane, 0);
    capacity_restrict(capacity, lane, 1);
    assert_false(capacity_offer(capacity, lane, &waiter, 0));
    capacity_restrict(capacity, lane, 0);
    assert_true(capacity_offer(capacity, lane, &waiter, 0));
    assert_starts(capacity, &waiter, 0);
    capacity_free(capacity);
}

/* A claim finds nothing of it, and says so. */
static void arrivals_stay_behind_what_is_on_its_way(void **unused)
{
    struct capacity *capacity = scene_new(8);
    struct capacity_lane *lane = scene_lane_of(capacity, "a/1", "o", 2);
    struct capacity_waiter waiters[2] = {{0}};

    (void)unused;
    capacity_note_coming(capacity, lane);
    capacity_note_coming(capacity, lane);
    assert_true(capacity_offer(capacity, lane, &waiters[0], 0));
    assert_nothing(capacity, 0);
    capacity_set_backlog(capacity, lane, CAPACITY_BACKLOG_NOW);
    assert_int_equal(capacity_next(capacity, 0).what, CAPACITY_CLAIM);
    capacity_claimed(capacity, lane, CAPACITY_BACKLOG_NONE);
    assert_nothing(capacity, 0);
    capacity_note_come(capacity, lane, CAPACITY_BACKLOG_LATER);
    assert_int_equal(lane->backlog, CAPACITY_BACKLOG_LATER);
    assert_false(capacity_offer(capacity, lane, &waiters[1], 0));
    capacity_note_come(capacity, lane, CAPACITY_BACKLOG_NOW);
    assert_int_equal(capacity_next(capacity, 0).what, CAPACITY_CLAIM);
    capacity_claimed(capacity, lane, CAPACITY_BACKLOG_NONE);
    assert_starts(capacity, &waiters[0], 0);
    capacity_free(capacity);
}

/* Few were written: the next claim brings them, and arrivals follow it instead of being written. */
static void arrivals_follow_what_the_next_claim_brings(void **unused)
{
    struct capacity *capacity = scene_new(8);
    struct capacity_lane *lane = scene_lane_of(capacity, "a/1", "o", 10);
    struct capacity_waiter claimed = {.claimed = true};
    struct capacity_waiter waiters[3] = {{0}};

    (void)unused;
    capacity_note_coming(capacity, lane);
    capacity_set_backlog(capacity, lane, CAPACITY_BACKLOG_NOW);
    assert_true(capacity_offer(capacity, lane, &waiters[0], 0));
    assert_int_equal(capacity_next(capacity, 0).what, CAPACITY_CLAIM);
    capacity_note_come(capacity, lane, CAPACITY_BACKLOG_NOW);
    assert_true(capacity_offer(capacity, lane, &waiters[1], 0));
    assert_true(capacity_offer(capacity, lane, &waiters[2], 0));
    assert_true(waiters[2].is_behind);
    capacity_leave(capacity, &waiters[1], CAPACITY_NO_NEWS, 0);
    assert_int_equal(in_lines_of(capacity), 2);
    queue(capacity, lane, &claimed, 0);
    capacity_claimed(capacity, lane, CAPACITY_BACKLOG_NONE);
    assert_starts(capacity, &claimed, 0);
    assert_starts(capacity, &waiters[0], 0);
    capacity_leave(capacity, &claimed, CAPACITY_SUCCESS, 10);
    assert_starts(capacity, &waiters[2], 10);
    capacity_free(capacity);
}

/* There is more than was written here, or more than a claim brings. */
static void arrivals_do_not_follow_what_one_claim_does_not_bring(void **unused)
{
    struct capacity *capacity = scene_new(64);
    struct capacity_lane *others = scene_lane_of(capacity, "a/1", "o", 10);
    struct capacity_lane *many = scene_lane_of(capacity, "b/1", "o", 10);
    struct capacity_waiter waiter = {0};

    (void)unused;
    capacity_set_backlog(capacity, others, CAPACITY_BACKLOG_NOW);
    assert_false(capacity_offer(capacity, others, &waiter, 0));
    for (size_t i = 0; i <= CAPACITY_ROUND_MIN; i++)
        capacity_note_coming(capacity, many);
    capacity_set_backlog(capacity, many, CAPACITY_BACKLOG_NOW);
    assert_false(capacity_offer(capacity, many, &waiter, 0));
    capacity_free(capacity);
}

/* What a caller that reads a stream leaves to lanes. */
static void lanes_tell_what_they_take_soon(void **unused)
{
    struct capacity *capacity = scene_new(64);
    struct capacity_lane *lane = scene_lane_of(capacity, "a/1", "o", 10);

    (void)unused;
    assert_int_equal(capacity_soon(capacity), 0);
    capacity_note_coming(capacity, lane);
    capacity_set_backlog(capacity, lane, CAPACITY_BACKLOG_NOW);
    assert_int_equal(capacity_soon(capacity), 1);
    for (size_t i = 0; i < MANY; i++)
        capacity_note_coming(capacity, lane);
    assert_int_equal(capacity_soon(capacity), 4); /* two at a time of 10 ms in 20 ms */
    capacity_set_backlog(capacity, lane, CAPACITY_BACKLOG_LATER);
    assert_int_equal(capacity_soon(capacity), 0);
    capacity_free(capacity);
}

static void lane_that_waits_its_turn_takes_nothing_soon(void **unused)
{
    struct capacity *capacity = scene_new(1);
    struct capacity_lane *lane = scene_lane_of(capacity, "a/1", "o", 10);
    struct capacity_waiter other = {0};

    (void)unused;
    queue(capacity, scene_lane_of(capacity, "b/1", "o", 10), &other, 0);
    assert_starts(capacity, &other, 0);
    capacity_note_coming(capacity, lane);
    capacity_note_come(capacity, lane, CAPACITY_BACKLOG_NOW);
    assert_int_equal(capacity_soon(capacity), 1);
    assert_nothing(capacity, 0); /* the origin is full */
    assert_int_equal(capacity_soon(capacity), 0);
    capacity_note_coming(capacity, lane);
    assert_int_equal(capacity_soon(capacity), 0);
    capacity_leave(capacity, &other, CAPACITY_NO_NEWS, 0);
    assert_claims(capacity, lane, 8, 0);
    assert_int_equal(capacity_soon(capacity), 2);
    capacity_free(capacity);
}

static void held_lane_waits_for_the_end(void **unused)
{
    struct capacity *capacity = scene_new(8);
    struct capacity_lane *lane = scene_lane_of(capacity, "a/1", "o", 2);
    struct capacity_waiter waiter = {0};
    int64_t now_ms = 123456, until_ms = now_ms + 60001;

    (void)unused;
    (void)capacity_tick(capacity, now_ms);
    capacity_hold(capacity, lane, until_ms);
    queue(capacity, lane, &waiter, now_ms);
    while (now_ms < until_ms) {
        int64_t next_ms;

        assert_nothing(capacity, now_ms);
        next_ms = capacity_tick(capacity, now_ms);
        assert_true(next_ms > 0);
        now_ms += next_ms;
    }
    assert_true(now_ms < until_ms + CAPACITY_SOON_MS);
    (void)capacity_tick(capacity, now_ms);
    assert_starts(capacity, &waiter, now_ms);
    capacity_free(capacity);
}

static void restricted_lane_has_so_many(void **unused)
{
    struct capacity *capacity = scene_new(8);
    struct capacity_lane *lane = scene_lane_of(capacity, "a/1", "o", 2);
    struct capacity_waiter waiters[2] = {{0}};

    (void)unused;
    capacity_restrict(capacity, lane, 1);
    for (size_t i = 0; i < 2; i++)
        queue(capacity, lane, &waiters[i], 0);
    assert_starts(capacity, &waiters[0], 0);
    assert_nothing(capacity, 0);
    capacity_restrict(capacity, lane, 0);
    assert_starts(capacity, &waiters[1], 0);
    capacity_free(capacity);
}

static void requeued_one_is_the_first_again(void **unused)
{
    struct capacity_limits limits = {100, 1, 100, 16, 2, 0};
    struct capacity *capacity = capacity_new(&limits);
    struct capacity_lane *a = scene_lane_of(capacity, "a/1", "o", 10);
    struct capacity_lane *b = scene_lane_of(capacity, "b/1", "p", 10);
    struct capacity_waiter x[2] = {{0}}, y = {0};

    (void)unused;
    capacity_learn_address(capacity, b, "192.0.2.1");
    queue(capacity, b, &y, 0);
    assert_starts(capacity, &y, 0);
    for (size_t i = 0; i < 2; i++)
        queue(capacity, a, &x[i], 0);
    assert_starts(capacity, &x[0], 0);
    capacity_learn_address(capacity, a, "192.0.2.1");
    capacity_requeue(capacity, &x[0], 0);
    assert_int_equal(x[0].state, CAPACITY_IN_LINE);
    assert_nothing(capacity, 0);
    capacity_leave(capacity, &y, CAPACITY_NO_NEWS, 5);
    assert_starts(capacity, &x[0], 5); /* as soon as there is a place */
    capacity_requeue(capacity, &x[0], 5);
    assert_nothing(capacity, 5); /* no limit is full: not at once */
    (void)capacity_tick(capacity, 5 + 2 * CAPACITY_SOON_MS);
    assert_starts(capacity, &x[0], 5 + 2 * CAPACITY_SOON_MS);
    capacity_free(capacity);
}

static void leaving_from_any_state(void **unused)
{
    struct capacity *capacity = scene_new(8);
    struct capacity_lane *lane = scene_lane_of(capacity, "a/1", "o", 10);
    struct capacity_waiter waiter = {0};

    (void)unused;
    capacity_leave(capacity, &waiter, CAPACITY_NO_NEWS, 0);
    queue(capacity, lane, &waiter, 0);
    assert_int_equal(lane->line_len, 1);
    capacity_leave(capacity, &waiter, CAPACITY_NO_NEWS, 0);
    assert_int_equal(waiter.state, CAPACITY_OUT);
    assert_null(waiter.lane);
    assert_nothing(capacity, 0);
    queue(capacity, lane, &waiter, 0);
    assert_starts(capacity, &waiter, 0);
    assert_int_equal(in_flight_of(capacity), 1);
    assert_int_equal(capacity_places(capacity), 99);
    capacity_leave(capacity, &waiter, CAPACITY_SUCCESS, 0);
    assert_int_equal(in_flight_of(capacity) + in_lines_of(capacity), 0);
    capacity_free(capacity);
    capacity_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(line_is_what_the_lane_takes_soon),
        cmocka_unit_test(arrivals_stay_behind_what_waits),
        cmocka_unit_test(arrivals_stay_behind_what_is_on_its_way),
        cmocka_unit_test(arrivals_follow_what_the_next_claim_brings),
        cmocka_unit_test(arrivals_do_not_follow_what_one_claim_does_not_bring),
        cmocka_unit_test(lanes_tell_what_they_take_soon),
        cmocka_unit_test(lane_that_waits_its_turn_takes_nothing_soon),
        cmocka_unit_test(held_lane_waits_for_the_end),
        cmocka_unit_test(restricted_lane_has_so_many),
        cmocka_unit_test(requeued_one_is_the_first_again),
        cmocka_unit_test(leaving_from_any_state),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
