#include "scene.h"

/* Ends an attempt that taught nothing. */
static void end(struct capacity *capacity, struct capacity_waiter *waiter, int64_t now_ms)
{
    capacity_leave(capacity, waiter, CAPACITY_NO_NEWS, now_ms);
}

/* --- turns --- */

/* x/2 and y/1 wait in that order when the second of x/1 comes to wait as well. */
static void rooms_take_turns_then_their_lanes(void **unused)
{
    struct capacity *capacity = scene_new(1);
    struct capacity_waiter x1[3] = {{0}}, x2[2] = {{0}}, y[3] = {{0}};
    struct capacity_waiter *order[] = {&x1[0], &x2[0], &y[0], &x1[1], &y[1], &x2[1], &y[2], &x1[2]};

    (void)unused;
    for (size_t i = 0; i < 3; i++)
        queue(capacity, scene_lane(capacity, "x/1", "o"), &x1[i], 0);
    for (size_t i = 0; i < 2; i++)
        queue(capacity, scene_lane(capacity, "x/2", "o"), &x2[i], 0);
    for (size_t i = 0; i < 3; i++)
        queue(capacity, scene_lane(capacity, "y/1", "o"), &y[i], 0);
    for (size_t i = 0; i < sizeof(order) / sizeof(*order); i++) {
        assert_starts(capacity, order[i], 0);
        assert_nothing(capacity, 0);
        end(capacity, order[i], 0);
    }
    assert_nothing(capacity, 0);
    capacity_free(capacity);
}

/* Lanes of each class wait at an origin of eight places. */
static void quicker_ones_first_but_a_quarter_for_each(void **unused)
{
    struct capacity *capacity = scene_new(8);
    struct capacity_lane *quick = scene_lane_of(capacity, "q/1", "o", 10);
    struct capacity_lane *medium = scene_lane_of(capacity, "m/1", "o", 500);
    struct capacity_lane *other = scene_lane_of(capacity, "m/2", "o", 500);
    struct capacity_lane *slow = scene_lane_of(capacity, "s/1", "o", 2000);
    struct capacity_lane *untried = scene_lane(capacity, "u/1", "o");
    struct capacity_waiter full[8] = {{0}}, q[2] = {{0}}, m[3] = {{0}}, s[2] = {{0}}, u[2] = {{0}};

    (void)unused;
    for (size_t i = 0; i < 8; i++) {
        char name[16];

        (void)snprintf(name, sizeof(name), "f%zu/1", i);
        queue(capacity, scene_lane_of(capacity, name, "o", i < 2 ? 2000 : 10), &full[i], 0);
        assert_starts(capacity, &full[i], 0); /* two slow ones, six quick ones */
    }
    for (size_t i = 0; i < 2; i++) {
        queue(capacity, slow, &s[i], 0);
        queue(capacity, untried, &u[i], 0);
        queue(capacity, medium, &m[i], 0);
        queue(capacity, quick, &q[i], 0);
    }
    assert_nothing(capacity, 0);
    end(capacity, &full[7], 0); /* five quick, two slow: the others hold less than a quarter */
    assert_starts(capacity, &m[0], 0);
    assert_nothing(capacity, 0);
    end(capacity, &full[6], 0);
    assert_starts(capacity, &m[1], 0);
    assert_nothing(capacity, 0);
    end(capacity, &full[5], 0); /* three quick, two slow, two medium */
    assert_starts(capacity, &u[0], 0);
    assert_nothing(capacity, 0);
    end(capacity, &full[4], 0);
    assert_starts(capacity, &u[1], 0);
    assert_nothing(capacity, 0);
    end(capacity, &full[3], 0); /* one quick */
    assert_starts(capacity, &q[0], 0);
    assert_nothing(capacity, 0);
    end(capacity, &full[0], 0); /* one slow, two quick */
    assert_starts(capacity, &s[0], 0);
    assert_nothing(capacity, 0);
    queue(capacity, other, &m[2], 0);
    assert_nothing(capacity, 0);
    end(capacity, &u[0], 0); /* all but untried hold a quarter, and none of these waits */
    assert_starts(capacity, &q[1], 0);
    assert_nothing(capacity, 0);
    capacity_free(capacity);
}

/* Fills an origin by lanes that are neither quick nor stale. */
static void fill(struct capacity *capacity, struct capacity_waiter *full, size_t many,
                 int64_t now_ms)
{
    for (size_t i = 0; i < many; i++) {
        char name[16];

        (void)snprintf(name, sizeof(name), "f%zu/1", i);
        queue(capacity, scene_lane_of(capacity, name, "o", 500), &full[i], now_ms);
        assert_starts(capacity, &full[i], now_ms);
    }
}

static void quick_just_now_goes_before_quick_long_ago(void **unused)
{
    struct capacity *capacity = scene_new(8);
    struct capacity_lane *stale = scene_lane_of(capacity, "s/1", "o", 10);
    struct capacity_lane *quick = scene_lane(capacity, "q/1", "o");
    struct capacity_waiter full[8] = {{0}}, s = {0}, q = {0};

    (void)unused;
    attempt(capacity, quick, CAPACITY_ANSWER, 100, 10);
    fill(capacity, full, 8, 600);
    queue(capacity, stale, &s, 600);
    assert_nothing(capacity, 600);
    queue(capacity, quick, &q, 600);
    assert_nothing(capacity, 600);
    end(capacity, &full[0], 600);
    assert_starts(capacity, &q, 600);
    assert_nothing(capacity, 600);
    end(capacity, &full[1], 600);
    assert_starts(capacity, &s, 600);
    capacity_free(capacity);
}

static void lane_that_becomes_stale_as_it_waits_keeps_its_turn(void **unused)
{
    struct capacity *capacity = scene_new(8);
    struct capacity_lane *first = scene_lane_of(capacity, "a/1", "o", 10);
    struct capacity_lane *second = scene_lane_of(capacity, "b/1", "o", 10);
    struct capacity_waiter full[8] = {{0}}, a[2] = {{0}}, b = {0}, more = {0};

    (void)unused;
    queue(capacity, second, &more, 490);
    assert_starts(capacity, &more, 490);
    fill(capacity, full, 7, 490);
    queue(capacity, first, &a[0], 490);
    assert_nothing(capacity, 490);
    assert_nothing(capacity, 560);
    queue(capacity, second, &b, 560);
    queue(capacity, first, &a[1], 560); /* stale, and settled once more */
    capacity_leave(capacity, &more, CAPACITY_ANSWER, 560);
    assert_starts(capacity, &a[0], 560);
    assert_nothing(capacity, 560);
    end(capacity, &full[0], 560);
    assert_starts(capacity, &b, 560);
    capacity_free(capacity);
}

/* Before other slow ones, which would fill the quarter; after all others. */
static void protected_one_comes_between_untried_and_slow(void **unused)
{
    struct capacity *capacity = scene_new(4);
    struct capacity_lane *cut = scene_lane_of(capacity, "c/1", "o", 10);
    struct capacity_lane *slow = scene_lane_of(capacity, "s/1", "o", 2000);
    struct capacity_lane *untried = scene_lane(capacity, "u/1", "o");
    struct capacity_waiter full[4] = {{0}}, c = {.only_protected = true}, s = {0}, u = {0};

    (void)unused;
    for (size_t i = 0; i < 4; i++) {
        char name[16];

        (void)snprintf(name, sizeof(name), "f%zu/1", i);
        queue(capacity, scene_lane_of(capacity, name, "o", 10), &full[i], 0);
        assert_starts(capacity, &full[i], 0);
    }
    queue(capacity, slow, &s, 0);
    queue(capacity, cut, &c, 0);
    queue(capacity, untried, &u, 0);
    assert_nothing(capacity, 0);
    end(capacity, &full[0], 0);
    assert_starts(capacity, &u, 0);
    end(capacity, &full[1], 0);
    assert_starts(capacity, &c, 0);
    end(capacity, &full[2], 0);
    assert_starts(capacity, &s, 0);
    capacity_free(capacity);
}

static void untried_and_slow_leave_an_eighth(void **unused)
{
    struct capacity *capacity = scene_new(16);
    struct capacity_lane *quick = scene_lane_of(capacity, "q/1", "o", 10);
    struct capacity_lane *medium = scene_lane_of(capacity, "m/1", "o", 500);
    struct capacity_lane *slow = scene_lane_of(capacity, "s/1", "o", 2000);
    struct capacity_waiter u[15] = {{0}}, q[2] = {{0}}, s = {0};

    (void)unused;
    queue(capacity, slow, &s, 0);
    assert_starts(capacity, &s, 0);
    for (size_t i = 0; i < 15; i++) {
        char name[16];

        (void)snprintf(name, sizeof(name), "u%zu/1", i);
        queue(capacity, scene_lane(capacity, name, "o"), &u[i], 0);
        if (i < 13)
            assert_starts(capacity, &u[i], 0);
        else
            assert_nothing(capacity, 0);
    }
    queue(capacity, quick, &q[0], 0);
    assert_starts(capacity, &q[0], 0);
    queue(capacity, medium, &q[1], 0);
    assert_starts(capacity, &q[1], 0);
    end(capacity, &q[0], 0);
    assert_nothing(capacity, 0);
    end(capacity, &u[0], 0);
    assert_starts(capacity, &u[13], 0);
    assert_nothing(capacity, 0);
    capacity_free(capacity);
}

static void arrival_passes_none_that_wait_in_its_class(void **unused)
{
    struct capacity *capacity = scene_new(1);
    struct capacity_lane *a = scene_lane_of(capacity, "a/1", "o", 10);
    struct capacity_lane *b = scene_lane_of(capacity, "b/1", "o", 10);
    struct capacity_lane *c = scene_lane_of(capacity, "c/1", "o", 10);
    struct capacity_waiter first = {0}, waits = {0}, arrival = {0};

    (void)unused;
    queue(capacity, a, &first, 0);
    assert_starts(capacity, &first, 0);
    queue(capacity, b, &waits, 0);
    assert_nothing(capacity, 0);
    end(capacity, &first, 0);
    assert_true(capacity_offer(capacity, c, &arrival, 0));
    assert_starts(capacity, &waits, 0);
    assert_nothing(capacity, 0);
    end(capacity, &waits, 0);
    assert_starts(capacity, &arrival, 0);
    capacity_free(capacity);
}

/* Its second comes before the other's first, and starts after it. */
static void slow_lane_has_one_while_another_waits(void **unused)
{
    struct capacity *capacity = scene_new(4);
    struct capacity_lane *slow = scene_lane_of(capacity, "s/1", "o", 2000);
    struct capacity_lane *other = scene_lane_of(capacity, "t/1", "o", 2000);
    struct capacity_lane *quick = scene_lane_of(capacity, "q/1", "o", 10);
    struct capacity_waiter s[2] = {{0}}, f[3] = {{0}}, t = {0}, q = {0};

    (void)unused;
    queue(capacity, slow, &s[0], 0);
    assert_starts(capacity, &s[0], 0);
    for (size_t i = 0; i < 3; i++) {
        char name[16];

        (void)snprintf(name, sizeof(name), "f%zu/1", i);
        queue(capacity, scene_lane_of(capacity, name, "o", 10), &f[i], 0);
        assert_starts(capacity, &f[i], 0);
    }
    queue(capacity, quick, &q, 0);
    assert_nothing(capacity, 0);
    queue(capacity, slow, &s[1], 0);
    assert_nothing(capacity, 0);
    queue(capacity, other, &t, 0);
    assert_nothing(capacity, 0);
    end(capacity, &f[0], 0);
    assert_starts(capacity, &q, 0);
    assert_nothing(capacity, 0);
    end(capacity, &f[1], 0);
    assert_starts(capacity, &t, 0);
    assert_nothing(capacity, 0);
    end(capacity, &f[2], 0);
    assert_starts(capacity, &s[1], 0);
    capacity_free(capacity);
}

/* A slow lane that had one attempt for another's sake has its own concurrency when that is gone. */
static void slow_lane_goes_on_when_none_waits(void **unused)
{
    struct capacity *capacity = scene_new(4);
    struct capacity_lane *slow = scene_lane_of(capacity, "s/1", "o", 2000);
    struct capacity_lane *quick = scene_lane_of(capacity, "q/1", "o", 10);
    struct capacity_waiter s[2] = {{0}}, f[3] = {{0}}, q = {0};

    (void)unused;
    queue(capacity, slow, &s[0], 0);
    assert_starts(capacity, &s[0], 0);
    for (size_t i = 0; i < 3; i++) {
        char name[16];

        (void)snprintf(name, sizeof(name), "f%zu/1", i);
        queue(capacity, scene_lane_of(capacity, name, "o", 10), &f[i], 0);
        assert_starts(capacity, &f[i], 0);
    }
    queue(capacity, quick, &q, 0);
    assert_nothing(capacity, 0);
    queue(capacity, slow, &s[1], 0);
    assert_nothing(capacity, 0);
    end(capacity, &f[0], 0);
    assert_starts(capacity, &q, 0);
    assert_nothing(capacity, 0);
    end(capacity, &f[1], 0);
    assert_starts(capacity, &s[1], 0);
    capacity_free(capacity);
}

/* --- limits --- */

/* One waits at the process, where another was before it, though its origin is full as well. */
static void widest_limit_is_asked_first(void **unused)
{
    struct capacity_limits limits = {2, 100, 1, 16, 2, 0};
    struct capacity *capacity = capacity_new(&limits);
    struct capacity_lane *first = scene_lane_of(capacity, "a/1", "p", 10);
    struct capacity_lane *second = scene_lane_of(capacity, "b/1", "o", 10);
    struct capacity_waiter x = {0}, y = {0}, a = {0}, b = {0};

    (void)unused;
    queue(capacity, scene_lane_of(capacity, "x/1", "o", 10), &x, 0);
    assert_starts(capacity, &x, 0);
    queue(capacity, scene_lane_of(capacity, "y/1", "r", 10), &y, 0);
    assert_starts(capacity, &y, 0);
    queue(capacity, first, &a, 0);
    queue(capacity, second, &b, 0);
    assert_nothing(capacity, 0);
    end(capacity, &x, 0);
    assert_starts(capacity, &a, 0);
    assert_nothing(capacity, 0);
    end(capacity, &y, 0);
    assert_starts(capacity, &b, 0);
    capacity_free(capacity);
}

static void url_is_a_cap_for_its_lanes_together(void **unused)
{
    struct capacity_limits limits = {100, 100, 100, 3, 2, 0};
    struct capacity *capacity = capacity_new(&limits);
    struct capacity_lane *a = capacity_lane(capacity, "a/1", "o/u", "o");
    struct capacity_lane *b = capacity_lane(capacity, "b/1", "o/u", "o");
    struct capacity_waiter x[2] = {{0}}, y[2] = {{0}};

    (void)unused;
    attempt(capacity, a, CAPACITY_ANSWER, 0, 10);
    attempt(capacity, b, CAPACITY_ANSWER, 0, 10);
    for (size_t i = 0; i < 2; i++) {
        queue(capacity, a, &x[i], 0);
        assert_starts(capacity, &x[i], 0);
    }
    for (size_t i = 0; i < 2; i++)
        queue(capacity, b, &y[i], 0);
    assert_starts(capacity, &y[0], 0);
    assert_nothing(capacity, 0);
    end(capacity, &x[0], 0);
    assert_starts(capacity, &y[1], 0);
    capacity_free(capacity);
}

static void address_counts_once_it_is_learnt(void **unused)
{
    struct capacity_limits limits = {100, 1, 100, 16, 2, 0};
    struct capacity *capacity = capacity_new(&limits);
    struct capacity_lane *a = scene_lane_of(capacity, "a/1", "o", 10);
    struct capacity_lane *b = scene_lane_of(capacity, "b/1", "p", 10);
    struct capacity_waiter x[2] = {{0}}, y = {0};

    (void)unused;
    queue(capacity, a, &x[0], 0);
    assert_starts(capacity, &x[0], 0); /* before: it does not count */
    capacity_learn_address(capacity, a, "192.0.2.1");
    capacity_learn_address(capacity, b, "192.0.2.1");
    queue(capacity, a, &x[1], 0);
    assert_starts(capacity, &x[1], 0);
    queue(capacity, b, &y, 0);
    assert_nothing(capacity, 0);
    end(capacity, &x[0], 0);
    assert_nothing(capacity, 0);
    end(capacity, &x[1], 0);
    assert_starts(capacity, &y, 0);
    capacity_learn_address(capacity, b, "192.0.2.2");
    queue(capacity, a, &x[0], 0);
    assert_nothing(capacity, 0); /* y holds the place it started with */
    end(capacity, &y, 0);
    assert_starts(capacity, &x[0], 0);
    capacity_free(capacity);
}

/* Origins of one address: attempts that started before it was known count there once a connection
 * leads to it, so that one of them is given up for a quick lane. */
static void attempts_under_way_count_where_they_are_led(void **unused)
{
    struct capacity_limits limits = {100, 2, 100, 16, 2, 0};
    struct capacity *capacity = capacity_new(&limits);
    struct capacity_lane *quick = scene_lane_of(capacity, "q/1", "r", 10);
    struct capacity_waiter x = {0}, y = {0}, q = {0};

    (void)unused;
    capacity_learn_address(capacity, quick, "192.0.2.1");
    queue(capacity, scene_lane(capacity, "a/1", "o"), &x, 0);
    queue(capacity, scene_lane(capacity, "b/1", "p"), &y, 0);
    assert_starts(capacity, &x, 0);
    assert_starts(capacity, &y, 0);
    capacity_led_to(capacity, &x, "192.0.2.1");
    capacity_led_to(capacity, &y, "192.0.2.1");
    capacity_led_to(capacity, &y, "192.0.2.1"); /* counts once */
    queue(capacity, quick, &q, 1000);
    assert_nothing(capacity, 1000);
    (void)capacity_tick(capacity, 1200);
    assert_ptr_equal(capacity_to_cut(capacity), &x);
    capacity_led_to(capacity, &x, "192.0.2.2"); /* a late one, led elsewhere */
    assert_starts(capacity, &q, 1200);
    assert_null(capacity_to_cut(capacity));
    end(capacity, &x, 1200);
    end(capacity, &y, 1200);
    end(capacity, &q, 1200);
    capacity_free(capacity);
}

static void arrivals_leave_kept_places(void **unused)
{
    struct capacity_limits limits = {4, 100, 100, 16, 2, 1};
    struct capacity *capacity = capacity_new(&limits);
    struct capacity_waiter arrivals[4] = {{0}}, claimed = {0};

    (void)unused;
    for (size_t i = 0; i < 4; i++) {
        char name[16];

        (void)snprintf(name, sizeof(name), "a%zu/1", i);
        assert_true(
            capacity_offer(capacity, scene_lane_of(capacity, name, "o", 10), &arrivals[i], 0));
        if (i < 3)
            assert_starts(capacity, &arrivals[i], 0);
        else
            assert_nothing(capacity, 0);
    }
    queue(capacity, scene_lane_of(capacity, "c/1", "o", 10), &claimed, 0);
    assert_starts(capacity, &claimed, 0);
    end(capacity, &claimed, 0);
    assert_nothing(capacity, 0);
    end(capacity, &arrivals[0], 0);
    assert_starts(capacity, &arrivals[3], 0);
    capacity_free(capacity);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rooms_take_turns_then_their_lanes),
        cmocka_unit_test(quicker_ones_first_but_a_quarter_for_each),
        cmocka_unit_test(quick_just_now_goes_before_quick_long_ago),
        cmocka_unit_test(lane_that_becomes_stale_as_it_waits_keeps_its_turn),
        cmocka_unit_test(protected_one_comes_between_untried_and_slow),
        cmocka_unit_test(untried_and_slow_leave_an_eighth),
        cmocka_unit_test(arrival_passes_none_that_wait_in_its_class),
        cmocka_unit_test(slow_lane_has_one_while_another_waits),
        cmocka_unit_test(slow_lane_goes_on_when_none_waits),
        cmocka_unit_test(widest_limit_is_asked_first),
        cmocka_unit_test(url_is_a_cap_for_its_lanes_together),
        cmocka_unit_test(address_counts_once_it_is_learnt),
        cmocka_unit_test(attempts_under_way_count_where_they_are_led),
        cmocka_unit_test(arrivals_leave_kept_places),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
