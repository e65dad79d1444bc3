#include "scene.h"

#define MANY 64

static void backlog_of_a_lane_without_a_line_is_promised_a_place(void **unused)
{
    struct capacity *capacity = scene_new(1);
    struct capacity_lane *lane = scene_lane_of(capacity, "a/1", "o", 10);
    struct capacity_lane *other = scene_lane_of(capacity, "b/1", "o", 10);
    struct capacity_waiter claimed = {0}, waits = {0};

    (void)unused;
    capacity_set_backlog(capacity, lane, CAPACITY_BACKLOG_NOW);
    assert_claims(capacity, lane, 8, 0);
    assert_int_equal(in_flight_of(capacity), 1);
    queue(capacity, other, &waits, 0);
    assert_nothing(capacity, 0); /* one claim at a time, and its place is taken */
    queue(capacity, lane, &claimed, 1);
    assert_nothing(capacity, 1);
    capacity_claimed(capacity, lane, CAPACITY_BACKLOG_NONE);
    assert_starts(capacity, &claimed, 1);
    assert_nothing(capacity, 1);
    assert_int_equal(in_flight_of(capacity), 1);
    capacity_leave(capacity, &claimed, CAPACITY_SUCCESS, 2);
    assert_starts(capacity, &waits, 2);
    capacity_free(capacity);
}

static void empty_claim_gives_the_place_back(void **unused)
{
    struct capacity *capacity = scene_new(1);
    struct capacity_lane *lane = scene_lane_of(capacity, "a/1", "o", 10);
    struct capacity_lane *other = scene_lane_of(capacity, "b/1", "o", 10);
    struct capacity_waiter waits = {0};

    (void)unused;
    capacity_set_backlog(capacity, lane, CAPACITY_BACKLOG_NOW);
    assert_claims(capacity, lane, 8, 0);
    queue(capacity, other, &waits, 0);
    assert_nothing(capacity, 0);
    capacity_claimed(capacity, lane, CAPACITY_BACKLOG_LATER);
    assert_starts(capacity, &waits, 1);
    assert_nothing(capacity, 1);
    assert_int_equal(lane->backlog, CAPACITY_BACKLOG_LATER);
    assert_int_equal(in_flight_of(capacity), 1);
    capacity_free(capacity);
}

/* An inline hook's URL is known only from what was claimed. */
static void promised_place_is_worth_nothing_at_limits_learnt_since(void **unused)
{
    struct capacity *capacity = scene_new(1);
    struct capacity_lane *busy = scene_lane(capacity, "b/1", "o");
    struct capacity_lane *lane = capacity_lane(capacity, "a/:0123", NULL, NULL);
    struct capacity_waiter holds = {0}, claimed = {0};

    (void)unused;
    queue(capacity, busy, &holds, 0);
    assert_starts(capacity, &holds, 0);
    capacity_set_backlog(capacity, lane, CAPACITY_BACKLOG_NOW);
    assert_claims(capacity, lane, 2, 0);
    assert_int_equal(in_flight_of(capacity), 2);
    assert_ptr_equal(capacity_lane(capacity, "a/:0123", "o/u", "o"), lane);
    queue(capacity, lane, &claimed, 1);
    capacity_claimed(capacity, lane, CAPACITY_BACKLOG_NONE);
    assert_nothing(capacity, 1);
    assert_int_equal(in_flight_of(capacity), 1);
    capacity_leave(capacity, &holds, CAPACITY_NO_NEWS, 2);
    assert_starts(capacity, &claimed, 2);
    capacity_free(capacity);
}

static void next_round_is_claimed_when_half_is_used(void **unused)
{
    struct capacity *capacity = scene_new(64);
    struct capacity_lane *lane = scene_lane_of(capacity, "a/1", "o", 2);
    struct capacity_waiter waiters[MANY] = {{0}};
    size_t started = 0;

    (void)unused;
    capacity_set_backlog(capacity, lane, CAPACITY_BACKLOG_NOW);
    assert_claims(capacity, lane, 8, 0);
    for (size_t i = 0; i < 8; i++)
        queue(capacity, lane, &waiters[i], 1);
    capacity_claimed(capacity, lane, CAPACITY_BACKLOG_NOW);
    while (lane->line_len >= 4) { /* two at a time */
        assert_starts(capacity, &waiters[started], 1);
        if (++started >= 2 && lane->line_len >= 4) {
            assert_nothing(capacity, 1);
            capacity_leave(capacity, &waiters[started - 2], CAPACITY_ANSWER, 1);
        }
    }
    assert_claims(capacity, lane, 8, 1);
    assert_nothing(capacity, 1);
    capacity_claimed(capacity, lane, CAPACITY_BACKLOG_NONE); /* the claim failed */
    assert_nothing(capacity, 2);
    capacity_free(capacity);
}

static void round_follows_concurrency_and_pace(void **unused)
{
    struct capacity *capacity = scene_new(64);
    struct capacity_lane *untried = scene_lane(capacity, "u/1", "o");
    struct capacity_lane *slow = scene_lane_of(capacity, "s/1", "o", 2000);
    struct capacity_lane *probed = scene_lane_of(capacity, "p/1", "o", 2);
    struct capacity_lane *fast = scene_lane(capacity, "f/1", "o");
    struct capacity_waiter waiters[16] = {{0}};
    size_t started = 0, ended = 0;

    (void)unused;
    while (concurrency_limit(&fast->concurrency) < 8) {
        while (started - ended < concurrency_limit(&fast->concurrency)) {
            queue(capacity, fast, &waiters[started % 16], 0);
            assert_starts(capacity, &waiters[started % 16], 0);
            started++;
        }
        capacity_leave(capacity, &waiters[ended++ % 16], CAPACITY_SUCCESS, 0);
    }
    while (ended < started)
        capacity_leave(capacity, &waiters[ended++ % 16], CAPACITY_ANSWER, 0);
    capacity_restrict(capacity, probed, 1);
    capacity_set_backlog(capacity, untried, CAPACITY_BACKLOG_NOW);
    assert_claims(capacity, untried, 2, 0);
    capacity_set_backlog(capacity, slow, CAPACITY_BACKLOG_NOW);
    assert_claims(capacity, slow, 2, 0);
    capacity_set_backlog(capacity, probed, CAPACITY_BACKLOG_NOW);
    assert_claims(capacity, probed, 1, 0);
    capacity_set_backlog(capacity, fast, CAPACITY_BACKLOG_NOW);
    assert_claims(capacity, fast, 32, 0);
    capacity_free(capacity);
}

static void nothing_is_claimed_ahead_for_a_lane_that_waits_its_turn(void **unused)
{
    struct capacity *capacity = scene_new(1);
    struct capacity_lane *a = scene_lane_of(capacity, "a/1", "o", 10);
    struct capacity_lane *b = scene_lane_of(capacity, "b/1", "o", 10);
    struct capacity_waiter x[2] = {{0}}, y[3] = {{0}};

    (void)unused;
    for (size_t i = 0; i < 3; i++)
        queue(capacity, b, &y[i], 0);
    for (size_t i = 0; i < 2; i++)
        queue(capacity, a, &x[i], 0);
    assert_starts(capacity, &y[0], 0);
    assert_nothing(capacity, 0);
    capacity_set_backlog(capacity, a, CAPACITY_BACKLOG_NOW);
    assert_nothing(capacity, 0);
    capacity_leave(capacity, &y[0], CAPACITY_NO_NEWS, 0);
    assert_starts(capacity, &x[0], 0);
    assert_nothing(capacity, 0);
    capacity_leave(capacity, &x[0], CAPACITY_NO_NEWS, 0);
    assert_starts(capacity, &y[1], 0);
    assert_nothing(capacity, 0);
    capacity_free(capacity);
}

/* Two lanes of one kind, one with a line, one with all of it in Redis: turn by turn. */
static void backlog_has_the_turns_of_a_line(void **unused)
{
    struct capacity *capacity = scene_new(1);
    struct capacity_lane *line = scene_lane_of(capacity, "a/1", "o", 10);
    struct capacity_lane *backlog = scene_lane_of(capacity, "b/1", "o", 10);
    struct capacity_waiter a[MANY] = {{0}}, b[MANY] = {{0}};
    struct capacity_step step;
    size_t claimed = 0, of_line = 0, of_backlog = 0;

    (void)unused;
    for (size_t i = 0; i < MANY; i++)
        queue(capacity, line, &a[i], 0);
    capacity_set_backlog(capacity, backlog, CAPACITY_BACKLOG_NOW);
    for (int64_t now_ms = 0; now_ms < MANY; now_ms++) {
        step = capacity_next(capacity, now_ms);
        if (step.what == CAPACITY_CLAIM) {
            assert_ptr_equal(step.lane, backlog);
            queue(capacity, backlog, &b[claimed++], now_ms);
            capacity_claimed(capacity, backlog, CAPACITY_BACKLOG_NOW);
            step = capacity_next(capacity, now_ms);
        }
        assert_int_equal(step.what, CAPACITY_START);
        of_line += step.lane == line;
        of_backlog += step.lane == backlog;
        assert_nothing(capacity, now_ms);
        capacity_leave(capacity, step.waiter, CAPACITY_ANSWER, now_ms);
    }
    assert_int_equal(of_line, MANY / 2);
    assert_int_equal(of_backlog, MANY / 2);
    capacity_free(capacity);
}

static void full_rings_turn_backlogs_away_never_lines(void **unused)
{
    struct capacity *capacity = scene_new(1);
    static struct capacity_waiter waits[2];
    struct capacity_waiter holds = {0};
    struct capacity_lane *lane = NULL;
    size_t turns = 0;

    (void)unused;
    queue(capacity, scene_lane(capacity, "z/1", "o"), &holds, 0);
    assert_starts(capacity, &holds, 0);
    for (size_t i = 0; i <= CAPACITY_RINGS_MAX; i++) {
        char name[16];

        assert_int_equal(capacity_ring_room(capacity), CAPACITY_RINGS_MAX - i);
        (void)snprintf(name, sizeof(name), "r%zu/1", i);
        lane = scene_lane(capacity, name, "o");
        capacity_set_backlog(capacity, lane, CAPACITY_BACKLOG_NOW);
        assert_nothing(capacity, 0);
    }
    assert_int_equal(lane->backlog, CAPACITY_BACKLOG_NONE);
    queue(capacity, lane, &waits[0], 0);
    assert_nothing(capacity, 0);
    assert_int_equal(capacity_ring_room(capacity), 0);
    capacity_leave(capacity, &holds, CAPACITY_NO_NEWS, 0);
    for (struct capacity_step step = {0}; step.what != CAPACITY_START; turns++) {
        step = capacity_next(capacity, 0);
        assert_int_not_equal(step.what, CAPACITY_NOTHING);
        if (step.what == CAPACITY_CLAIM)
            capacity_claimed(capacity, step.lane, CAPACITY_BACKLOG_NONE);
        else
            assert_ptr_equal(step.waiter, &waits[0]);
    }
    assert_int_equal(turns, CAPACITY_RINGS_MAX + 1);
    capacity_free(capacity);
}

/* What is put into the lane while it is claimed of is not in the answer. */
static void backlog_that_comes_while_claiming_is_not_forgotten(void **unused)
{
    struct capacity *capacity = scene_new(1);
    struct capacity_lane *lane = scene_lane_of(capacity, "a/1", "o", 10);

    (void)unused;
    capacity_set_backlog(capacity, lane, CAPACITY_BACKLOG_NOW);
    assert_claims(capacity, lane, 8, 0);
    capacity_set_backlog(capacity, lane, CAPACITY_BACKLOG_NOW);
    capacity_claimed(capacity, lane, CAPACITY_BACKLOG_NONE);
    assert_claims(capacity, lane, 8, 1);
    capacity_claimed(capacity, lane, CAPACITY_BACKLOG_NONE);
    assert_nothing(capacity, 2);
    assert_int_equal(lane->backlog, CAPACITY_BACKLOG_NONE);
    capacity_free(capacity);
}

static void lane_whose_line_becomes_its_backlog_keeps_its_turn(void **unused)
{
    struct capacity *capacity = scene_new(1);
    struct capacity_lane *busy = scene_lane_of(capacity, "a/1", "o", 10);
    struct capacity_lane *first = scene_lane_of(capacity, "b/1", "o", 10);
    struct capacity_lane *second = scene_lane_of(capacity, "c/1", "o", 10);
    struct capacity_waiter holds = {0}, waits = {0}, behind = {0};

    (void)unused;
    queue(capacity, busy, &holds, 0);
    assert_starts(capacity, &holds, 0);
    queue(capacity, first, &waits, 0);
    queue(capacity, second, &behind, 0);
    assert_nothing(capacity, 0);
    capacity_set_backlog(capacity, first, CAPACITY_BACKLOG_NOW);
    capacity_leave(capacity, &waits, CAPACITY_NO_NEWS, 1);
    assert_nothing(capacity, 1);
    capacity_leave(capacity, &holds, CAPACITY_SUCCESS, 2);
    assert_claims(capacity, first, 8, 2);
    assert_nothing(capacity, 2);
    capacity_free(capacity);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(backlog_of_a_lane_without_a_line_is_promised_a_place),
        cmocka_unit_test(empty_claim_gives_the_place_back),
        cmocka_unit_test(promised_place_is_worth_nothing_at_limits_learnt_since),
        cmocka_unit_test(next_round_is_claimed_when_half_is_used),
        cmocka_unit_test(round_follows_concurrency_and_pace),
        cmocka_unit_test(nothing_is_claimed_ahead_for_a_lane_that_waits_its_turn),
        cmocka_unit_test(backlog_has_the_turns_of_a_line),
        cmocka_unit_test(backlog_that_comes_while_claiming_is_not_forgotten),
        cmocka_unit_test(lane_whose_line_becomes_its_backlog_keeps_its_turn),
        cmocka_unit_test(full_rings_turn_backlogs_away_never_lines),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
