#include "scene.h"

#include <string.h>

#define LANES 16

/* An origin, and lanes of one delivery each. */
struct scene {
    struct capacity *capacity;
    struct capacity_waiter waiters[LANES];
    struct capacity_waiter other;
    size_t started;
};

static struct scene scene_of(size_t per_origin)
{
    struct scene scene;

    memset(&scene, 0, sizeof(scene));
    scene.capacity = scene_new(per_origin);
    return scene;
}

/* Starts one of each of so many lanes, whose attempts so far took held_ms; -1: there was none. */
static void start(struct scene *scene, size_t lanes, int64_t held_ms, int64_t now_ms)
{
    for (size_t i = 0; i < lanes; i++) {
        struct capacity_waiter *waiter = &scene->waiters[scene->started];
        char name[16];

        (void)snprintf(name, sizeof(name), "r%zu/a", scene->started++);
        queue(scene->capacity,
              held_ms < 0 ? scene_lane(scene->capacity, name, "o")
                          : scene_lane_of(scene->capacity, name, "o", held_ms),
              waiter, now_ms);
        assert_starts(scene->capacity, waiter, now_ms);
    }
}

/* One of a lane that waits from now_ms. */
static void wait(struct scene *scene, int64_t held_ms, int64_t now_ms)
{
    struct capacity_lane *lane = held_ms < 0
                                     ? scene_lane(scene->capacity, "other/a", "o")
                                     : scene_lane_of(scene->capacity, "other/a", "o", held_ms);

    queue(scene->capacity, lane, &scene->other, now_ms);
    assert_nothing(scene->capacity, now_ms);
}

static void wait_known(struct scene *scene, struct capacity_lane *lane, int64_t now_ms)
{
    queue(scene->capacity, lane, &scene->other, now_ms);
    assert_nothing(scene->capacity, now_ms);
}

static struct capacity_waiter *to_cut(struct scene *scene, int64_t now_ms)
{
    (void)capacity_tick(scene->capacity, now_ms);
    assert_nothing(scene->capacity, now_ms);
    return capacity_to_cut(scene->capacity);
}

static void oldest_late_one_is_cut_after_patience(void **unused)
{
    struct scene scene = scene_of(8);
    struct capacity_lane *quick = scene_lane_of(scene.capacity, "q/a", "o", 10);
    struct capacity_lane *victim;

    (void)unused;
    start(&scene, 2, 500, 0);
    start(&scene, 6, -1, 1);
    wait_known(&scene, quick, 990);
    assert_null(to_cut(&scene, 999));
    assert_null(to_cut(&scene, 1039)); /* late, but it has waited 49 ms */
    victim = scene.waiters[0].lane;
    assert_ptr_equal(to_cut(&scene, 1040), &scene.waiters[0]);
    assert_int_equal(victim->class, CAPACITY_SLOW);
    assert_int_equal(scene.waiters[0].state, CAPACITY_IN_FLIGHT);
    capacity_leave(scene.capacity, &scene.waiters[0], CAPACITY_CUT, 1040);
    assert_null(capacity_to_cut(scene.capacity)); /* a place is free */
    assert_starts(scene.capacity, &scene.other, 1040);
    assert_null(to_cut(&scene, 1100));
    capacity_free(scene.capacity);
}

static void nothing_is_cut_while_slow_ones_hold_a_quarter(void **unused)
{
    struct scene scene = scene_of(8);
    struct capacity_lane *quick = scene_lane_of(scene.capacity, "q/a", "o", 10);

    (void)unused;
    start(&scene, 2, -1, 0);
    start(&scene, 6, 10, 900);
    wait_known(&scene, quick, 900);
    assert_null(to_cut(&scene, 1100)); /* two of eight are late */
    capacity_free(scene.capacity);
}

static void nothing_is_cut_while_a_place_is_free(void **unused)
{
    struct scene scene = scene_of(8);

    (void)unused;
    start(&scene, 6, -1, 0);
    assert_null(to_cut(&scene, 1100));
    capacity_free(scene.capacity);
}

static void slow_lane_waits(void **unused)
{
    struct scene scene = scene_of(8);
    struct capacity_lane *slow = scene_lane_of(scene.capacity, "s/a", "o", 2000);

    (void)unused;
    start(&scene, 2, 10, 0);
    start(&scene, 6, -1, 0);
    wait_known(&scene, slow, 100);
    assert_null(to_cut(&scene, 1100));
    capacity_free(scene.capacity);
}

/* What starts as slow within the slow quarter stays; beyond it it is borrowed. */
static void slow_quarter_is_protected(void **unused)
{
    struct scene scene = scene_of(8);
    struct capacity_lane *quick = scene_lane_of(scene.capacity, "q/a", "o", 10);
    struct capacity_waiter *cut;

    (void)unused;
    start(&scene, 4, 2000, 0);
    start(&scene, 4, 10, 1000);
    wait_known(&scene, quick, 1000);
    cut = to_cut(&scene, 1100);
    assert_ptr_equal(cut, &scene.waiters[2]); /* the third */
    capacity_leave(scene.capacity, cut, CAPACITY_CUT, 1100);
    assert_starts(scene.capacity, &scene.other, 1100);
    capacity_free(scene.capacity);
}

static void known_status_ends_protection(void **unused)
{
    (void)unused;
    for (int after = 0; after < 2; after++) { /* before it is late, and after */
        struct scene scene = scene_of(8);
        struct capacity_lane *quick = scene_lane_of(scene.capacity, "q/a", "o", 10);

        start(&scene, 2, 2000, 0);
        start(&scene, 1, 2000, 500);
        start(&scene, 5, 10, 900);
        wait_known(&scene, quick, 900);
        if (after)
            assert_null(to_cut(&scene, 1100));
        capacity_status_came(scene.capacity, &scene.waiters[1]);
        assert_ptr_equal(to_cut(&scene, 1100), &scene.waiters[1]);
        capacity_leave(scene.capacity, &scene.waiters[1], CAPACITY_SUCCESS, 1100);
        assert_starts(scene.capacity, &scene.other, 1100);
        capacity_free(scene.capacity);
    }
}

static void quick_ones_over_250_ms_give_way_to_quick_ones(void **unused)
{
    struct scene scene = scene_of(8);
    struct capacity_lane *quick = scene_lane_of(scene.capacity, "q/a", "o", 10);

    (void)unused;
    start(&scene, 8, 10, 0);
    wait_known(&scene, quick, 0);
    assert_null(to_cut(&scene, 249));
    assert_int_equal(scene.waiters[0].lane->class, CAPACITY_QUICK);
    assert_ptr_equal(to_cut(&scene, 250), &scene.waiters[0]);
    assert_int_equal(scene.waiters[0].lane->class, CAPACITY_SLOW);
    capacity_leave(scene.capacity, &scene.waiters[0], CAPACITY_CUT, 250);
    assert_starts(scene.capacity, &scene.other, 250);
    capacity_free(scene.capacity);
}

static void stale_ones_over_250_ms_give_way_to_stale_ones(void **unused)
{
    struct scene scene = scene_of(8);
    struct capacity_lane *stale = scene_lane_of(scene.capacity, "q/a", "o", 10);

    (void)unused;
    start(&scene, 8, 10, 1000);
    wait_known(&scene, stale, 1000);
    assert_null(to_cut(&scene, 1249));
    assert_ptr_equal(to_cut(&scene, 1250), &scene.waiters[0]);
    capacity_leave(scene.capacity, &scene.waiters[0], CAPACITY_CUT, 1250);
    assert_starts(scene.capacity, &scene.other, 1250);
    capacity_free(scene.capacity);
}

static void quick_ones_over_250_ms_do_not_give_way_to_others(void **unused)
{
    struct scene scene = scene_of(8);
    struct capacity_lane *medium = scene_lane_of(scene.capacity, "m/a", "o", 500);

    (void)unused;
    start(&scene, 8, 10, 0);
    wait_known(&scene, medium, 0);
    assert_null(to_cut(&scene, 300));
    assert_ptr_equal(to_cut(&scene, 1000), &scene.waiters[0]); /* late for all */
    capacity_leave(scene.capacity, &scene.waiters[0], CAPACITY_CUT, 1000);
    capacity_free(scene.capacity);
}

static void quick_ones_stay_while_medium_ones_hold_a_quarter(void **unused)
{
    struct scene scene = scene_of(8);
    struct capacity_lane *quick = scene_lane_of(scene.capacity, "q/a", "o", 10);

    (void)unused;
    start(&scene, 2, 10, 0);
    start(&scene, 6, 10, 200);
    wait_known(&scene, quick, 200);
    assert_null(to_cut(&scene, 300));
    capacity_free(scene.capacity);
}

/* Seven eighths are enough for an untried lane. */
static void untried_lane_needs_no_full_limit(void **unused)
{
    struct scene scene = scene_of(8);

    (void)unused;
    start(&scene, 7, -1, 0);
    wait(&scene, -1, 10);
    assert_null(to_cut(&scene, 999)); /* none is late */
    assert_ptr_equal(to_cut(&scene, 1000), &scene.waiters[0]);
    capacity_leave(scene.capacity, &scene.waiters[0], CAPACITY_CUT, 1000);
    assert_starts(scene.capacity, &scene.other, 1000);
    capacity_free(scene.capacity);
}

static void untried_lane_comes_also_while_slow_ones_hold_little(void **unused)
{
    struct scene scene = scene_of(8);

    (void)unused;
    start(&scene, 1, 10, 0);
    start(&scene, 7, 10, 900);
    wait(&scene, -1, 900);
    assert_ptr_equal(to_cut(&scene, 1000), &scene.waiters[0]);
    capacity_leave(scene.capacity, &scene.waiters[0], CAPACITY_CUT, 1000);
    assert_starts(scene.capacity, &scene.other, 1000);
    capacity_free(scene.capacity);
}

static void full_limit_is_enough_for_an_untried_lane(void **unused)
{
    struct scene scene = scene_of(8);

    (void)unused;
    start(&scene, 3, 10, 0);
    start(&scene, 5, 10, 900);
    wait(&scene, -1, 900);
    assert_ptr_equal(to_cut(&scene, 1000), &scene.waiters[0]); /* three of eight are slow */
    capacity_leave(scene.capacity, &scene.waiters[0], CAPACITY_CUT, 1000);
    assert_starts(scene.capacity, &scene.other, 1000);
    capacity_free(scene.capacity);
}

/* After two cuts a delivery starts only where it cannot be cut. */
static void only_protected_starts_within_the_slow_quarter(void **unused)
{
    struct scene scene = scene_of(8);
    struct capacity_lane *quick = scene_lane_of(scene.capacity, "q/a", "o", 10);
    struct capacity_lane *twice = scene_lane_of(scene.capacity, "t/a", "o", 10);
    struct capacity_waiter protected_one = {.only_protected = true};

    (void)unused;
    start(&scene, 2, 2000, 0);
    queue(scene.capacity, twice, &protected_one, 0);
    assert_nothing(scene.capacity, 0); /* places are free, none of the slow quarter */
    capacity_leave(scene.capacity, &scene.waiters[0], CAPACITY_SUCCESS, 100);
    assert_starts(scene.capacity, &protected_one, 100);
    start(&scene, 6, 10, 150);
    wait_known(&scene, quick, 200);
    assert_ptr_equal(to_cut(&scene, 1200), &scene.waiters[2]);
    for (size_t i = 2; i < 8; i++)
        capacity_leave(scene.capacity, &scene.waiters[i], CAPACITY_CUT, 1200);
    assert_starts(scene.capacity, &scene.other, 1200);
    assert_int_equal(protected_one.state, CAPACITY_IN_FLIGHT);
    capacity_free(scene.capacity);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(oldest_late_one_is_cut_after_patience),
        cmocka_unit_test(nothing_is_cut_while_slow_ones_hold_a_quarter),
        cmocka_unit_test(nothing_is_cut_while_a_place_is_free),
        cmocka_unit_test(slow_lane_waits),
        cmocka_unit_test(slow_quarter_is_protected),
        cmocka_unit_test(known_status_ends_protection),
        cmocka_unit_test(quick_ones_over_250_ms_give_way_to_quick_ones),
        cmocka_unit_test(stale_ones_over_250_ms_give_way_to_stale_ones),
        cmocka_unit_test(quick_ones_over_250_ms_do_not_give_way_to_others),
        cmocka_unit_test(quick_ones_stay_while_medium_ones_hold_a_quarter),
        cmocka_unit_test(untried_lane_needs_no_full_limit),
        cmocka_unit_test(untried_lane_comes_also_while_slow_ones_hold_little),
        cmocka_unit_test(full_limit_is_enough_for_an_untried_lane),
        cmocka_unit_test(only_protected_starts_within_the_slow_quarter),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
