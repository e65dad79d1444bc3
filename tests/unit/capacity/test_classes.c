#include "scene.h"

static void assert_class(const struct capacity_lane *lane, enum capacity_class class)
{
    assert_int_equal(lane->class, class);
}

static void first_attempt_decides(void **unused)
{
    static const struct {
        int64_t held_ms;
        enum capacity_class class;
    } cases[] = {{0, CAPACITY_QUICK},
                 {100, CAPACITY_QUICK},
                 {101, CAPACITY_MEDIUM},
                 {1000, CAPACITY_MEDIUM},
                 {1001, CAPACITY_SLOW}};
    struct capacity *capacity = scene_new(8);

    (void)unused;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        char name[16];
        struct capacity_lane *lane;

        (void)snprintf(name, sizeof(name), "r/%zu", i);
        lane = scene_lane(capacity, name, "o");
        assert_class(lane, CAPACITY_UNTRIED);
        attempt(capacity, lane, CAPACITY_NO_NEWS, 0, 5000);
        assert_class(lane, CAPACITY_UNTRIED);
        attempt(capacity, lane, i % 2 ? CAPACITY_BUSY : CAPACITY_SUCCESS, 0, cases[i].held_ms);
        assert_class(lane, cases[i].class);
    }
    capacity_free(capacity);
}

static void slower_at_once_quicker_after_four_in_a_row(void **unused)
{
    struct capacity *capacity = scene_new(8);
    struct capacity_lane *lane = scene_lane_of(capacity, "r/a", "o", 10);

    (void)unused;
    attempt(capacity, lane, CAPACITY_SUCCESS, 0, 500);
    assert_class(lane, CAPACITY_MEDIUM);
    for (int i = 0; i < 3; i++)
        attempt(capacity, lane, CAPACITY_SUCCESS, 0, 10);
    attempt(capacity, lane, CAPACITY_SUCCESS, 0, 500); /* not in a row */
    for (int i = 0; i < 3; i++)
        attempt(capacity, lane, CAPACITY_SUCCESS, 0, 10);
    assert_class(lane, CAPACITY_MEDIUM);
    attempt(capacity, lane, CAPACITY_SUCCESS, 0, 10);
    assert_class(lane, CAPACITY_QUICK);
    attempt(capacity, lane, CAPACITY_TIMEOUT, 0, 10);
    assert_class(lane, CAPACITY_SLOW);
    for (int i = 0; i < 4; i++)
        attempt(capacity, lane, CAPACITY_SUCCESS, 0, 300);
    assert_class(lane, CAPACITY_MEDIUM);
    attempt(capacity, lane, CAPACITY_CUT, 0, 300);
    assert_class(lane, CAPACITY_SLOW);
    capacity_free(capacity);
}

static void lane_is_slow_while_an_attempt_takes_over_a_second(void **unused)
{
    struct capacity *capacity = scene_new(8);
    struct capacity_lane *lane = scene_lane_of(capacity, "r/a", "o", 10);
    struct capacity_waiter waiter = {0};

    (void)unused;
    queue(capacity, lane, &waiter, 1000);
    assert_starts(capacity, &waiter, 1000);
    assert_int_equal(capacity_tick(capacity, 1000), 250);
    assert_int_equal(capacity_tick(capacity, 1250), 750);
    assert_class(lane, CAPACITY_QUICK);
    assert_int_equal(capacity_tick(capacity, 1999), 1);
    assert_class(lane, CAPACITY_QUICK);
    assert_int_equal(capacity_tick(capacity, 2000), -1);
    assert_class(lane, CAPACITY_SLOW);
    capacity_leave(capacity, &waiter, CAPACITY_NO_NEWS, 3000);
    capacity_free(capacity);
}

static void concurrency_follows_news(void **unused)
{
    struct capacity *capacity = scene_new(64);
    struct capacity_lane *lane = scene_lane(capacity, "r/a", "o");
    struct capacity_waiter waiters[2] = {{0}};

    (void)unused;
    assert_false(capacity_ever_succeeded(lane));
    attempt(capacity, lane, CAPACITY_ANSWER, 0, 10);
    attempt(capacity, lane, CAPACITY_SUCCESS, 0, 10); /* it did not use what it had */
    assert_true(capacity_ever_succeeded(lane));
    assert_int_equal(concurrency_limit(&lane->concurrency), 2);
    for (size_t i = 0; i < 2; i++) {
        queue(capacity, lane, &waiters[i], 20);
        assert_starts(capacity, &waiters[i], 20);
    }
    capacity_leave(capacity, &waiters[0], CAPACITY_SUCCESS, 30);
    assert_int_equal(concurrency_limit(&lane->concurrency), 3);
    capacity_leave(capacity, &waiters[1], CAPACITY_CUT, 40);
    assert_int_equal(concurrency_limit(&lane->concurrency), 3);
    attempt(capacity, lane, CAPACITY_SILENCE, 50, 1);
    assert_int_equal(concurrency_limit(&lane->concurrency), 1);
    for (enum capacity_news news = CAPACITY_BUSY; news <= CAPACITY_TIMEOUT; news++) {
        struct capacity_lane *other = capacity_lane(capacity, "r/b", news % 2 ? "p/1" : "p/2", "p");

        attempt(capacity, other, news, 60, 10);
        assert_int_equal(concurrency_limit(&other->concurrency), 1);
    }
    capacity_free(capacity);
}

static void other_urls_are_another_receiver(void **unused)
{
    struct capacity *capacity = scene_new(8);
    struct capacity_lane *lane = capacity_lane(capacity, "r/a", "o/1", "o");
    struct capacity_waiter waiter = {0};

    (void)unused;
    attempt(capacity, lane, CAPACITY_SUCCESS, 0, 10);
    queue(capacity, lane, &waiter, 20);
    assert_starts(capacity, &waiter, 20);
    assert_ptr_equal(capacity_lane(capacity, "r/a", "o/1", "o"), lane);
    assert_ptr_equal(capacity_lane(capacity, "r/a", NULL, NULL), lane);
    assert_class(lane, CAPACITY_QUICK);
    assert_ptr_equal(capacity_lane(capacity, "r/a", "o/2", "o"), lane);
    assert_class(lane, CAPACITY_UNTRIED);
    assert_false(capacity_ever_succeeded(lane));
    assert_int_equal(capacity_tick(capacity, 1500), -1); /* the old attempt is slow, not the lane */
    capacity_leave(capacity, &waiter, CAPACITY_TIMEOUT, 1500);
    assert_class(lane, CAPACITY_UNTRIED);
    capacity_free(capacity);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(first_attempt_decides),
        cmocka_unit_test(slower_at_once_quicker_after_four_in_a_row),
        cmocka_unit_test(lane_is_slow_while_an_attempt_takes_over_a_second),
        cmocka_unit_test(concurrency_follows_news),
        cmocka_unit_test(other_urls_are_another_receiver),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
