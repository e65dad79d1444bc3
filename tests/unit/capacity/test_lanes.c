#include <stdlib.h>

#include "scene.h"

/* --- an allocator that fails once --- */

static long until_failure; /* 1: the next one fails; 0: none does */

void *__real_calloc(size_t count, size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__real_malloc(size_t size);
void *__wrap_malloc(size_t size);

static bool fails(void)
{
    return until_failure > 0 && --until_failure == 0;
}

void *__wrap_calloc(size_t count, size_t size)
{
    return fails() ? NULL : __real_calloc(count, size);
}

void *__wrap_malloc(size_t size)
{
    return fails() ? NULL : __real_malloc(size);
}

/* Whether a lane was made while the nth allocation failed. */
static bool lane_with_failure(long n)
{
    struct capacity *capacity = scene_new(2);
    struct capacity_lane *known = scene_lane_of(capacity, "k/1", "o", 10);
    struct capacity_waiter waiter = {0}, waits = {0};
    struct capacity_lane *lane, *moved;

    until_failure = n;
    lane = capacity_lane(capacity, "a/1", "p/a", "p");
    moved = capacity_lane(capacity, "k/1", "q/1", "q");
    if (lane)
        capacity_learn_address(capacity, lane, "192.0.2.1");
    assert_ptr_equal(capacity_lane_find(capacity, "a/1"), lane);
    assert_ptr_equal(capacity_lane_find(capacity, "k/1"), known);
    assert_int_equal(known->class, moved ? CAPACITY_UNTRIED : CAPACITY_QUICK);
    n = until_failure;
    until_failure = 0;
    queue(capacity, known, &waiter, 0);
    assert_starts(capacity, &waiter, 0);
    lane = scene_lane(capacity, "a/1", "p");
    queue(capacity, lane, &waits, 0);
    assert_starts(capacity, &waits, 0);
    capacity_free(capacity);
    return n > 0;
}

static void lane_without_memory_is_as_it_was(void **unused)
{
    long n = 1;

    (void)unused;
    while (!lane_with_failure(n))
        n++;
    assert_true(n > 10);
}

static void capacity_without_memory_is_null(void **unused)
{
    static const struct capacity_limits limits = {8, 8, 8, 8, 2, 2};
    struct capacity *capacity = NULL;
    long n;

    (void)unused;
    for (n = 1; !capacity; n++) {
        until_failure = n;
        capacity = capacity_new(&limits);
        until_failure = until_failure > 0 ? 0 : until_failure;
    }
    assert_true(n > 5);
    capacity_free(capacity);
}

/* --- names --- */

static void name_without_room_or_with_many_slashes(void **unused)
{
    struct capacity *capacity = scene_new(1);
    struct capacity_waiter holds = {0}, waiters[4] = {{0}};
    /* The rooms are nothing twice, "a/b", and "a". */
    static const char *const names[] = {"/:0123", "/:4567", "a/b/c", "a/b"};

    (void)unused;
    queue(capacity, scene_lane(capacity, "h/1", "o"), &holds, 0);
    assert_starts(capacity, &holds, 0);
    for (size_t i = 0; i < 4; i++) {
        struct capacity_lane *lane = scene_lane(capacity, names[i], "o");

        assert_string_equal(capacity_lane_name(lane), names[i]);
        queue(capacity, lane, &waiters[i], 0);
        assert_nothing(capacity, 0);
    }
    capacity_leave(capacity, &holds, CAPACITY_NO_NEWS, 0);
    for (size_t i = 0; i < 4; i++) {
        static const size_t order[] = {0, 2, 3, 1};

        assert_starts(capacity, &waiters[order[i]], 0);
        capacity_leave(capacity, &waiters[order[i]], CAPACITY_NO_NEWS, 0);
    }
    capacity_free(capacity);
}

static void longest_unused_are_forgotten(void **unused)
{
    struct capacity *capacity = scene_new(8);
    struct capacity_waiter waiter = {0}, both[2] = {{0}};
    struct capacity_lane *claims = scene_lane_of(capacity, "claims/1", "o", 10);
    struct capacity_lane *used = scene_lane_of(capacity, "used/1", "o", 10);
    struct capacity_lane *old = scene_lane_of(capacity, "old/1", "o", 10);
    struct capacity_lane *looked_at = scene_lane_of(capacity, "again/1", "o", 10);

    (void)unused;
    queue(capacity, used, &waiter, 0);
    assert_starts(capacity, &waiter, 0);
    for (size_t i = 0; i < 2; i++) {
        queue(capacity, claims, &both[i], 0);
        assert_starts(capacity, &both[i], 0);
    }
    capacity_set_backlog(capacity, claims, CAPACITY_BACKLOG_NOW);
    assert_claims(capacity, claims, 8, 0);
    for (size_t i = 0; i < 2; i++)
        capacity_leave(capacity, &both[i], CAPACITY_NO_NEWS, 0);
    capacity_hold(capacity, old, 1000);
    for (size_t i = 0; i < CAPACITY_LANES_MAX; i++) {
        char name[16];

        assert_ptr_equal(capacity_lane_find(capacity, "old/1"),
                         i < CAPACITY_LANES_MAX - 1 ? old : NULL);
        (void)snprintf(name, sizeof(name), "r%zu/1", i);
        (void)scene_lane(capacity, name, "o");
        if (i == 0)
            assert_ptr_equal(scene_lane(capacity, "again/1", "o"), looked_at);
    }
    assert_ptr_equal(capacity_lane_find(capacity, "used/1"), used);
    assert_ptr_equal(capacity_lane_find(capacity, "claims/1"), claims);
    capacity_claimed(capacity, claims, CAPACITY_BACKLOG_NONE);
    assert_ptr_equal(capacity_lane_find(capacity, "again/1"), looked_at);
    assert_null(capacity_lane_find(capacity, "old/1"));
    assert_null(capacity_lane_find(capacity, "r0/1"));
    assert_non_null(capacity_lane_find(capacity, "r1/1"));
    (void)capacity_tick(capacity, 2000);
    capacity_free(capacity);
}

static void limits_go_with_what_has_them(void **unused)
{
    struct capacity_limits limits = {8, 1, 1, 2, 2, 0};
    struct capacity *capacity = capacity_new(&limits);
    struct capacity_lane *lane = capacity_lane(capacity, "a/1", "o/1", "o");
    struct capacity_waiter waiters[2] = {{0}};

    (void)unused;
    capacity_learn_address(capacity, lane, "192.0.2.1");
    queue(capacity, lane, &waiters[0], 0);
    assert_starts(capacity, &waiters[0], 0);
    queue(capacity, lane, &waiters[1], 0);
    assert_nothing(capacity, 0);
    /* It waits no more, and the old attempt holds the old limits. */
    assert_ptr_equal(capacity_lane(capacity, "a/1", "p/1", "p"), lane);
    assert_starts(capacity, &waiters[1], 0);
    capacity_leave(capacity, &waiters[0], CAPACITY_SUCCESS, 0);
    capacity_leave(capacity, &waiters[1], CAPACITY_SUCCESS, 0);
    assert_nothing(capacity, 0);
    capacity_free(capacity);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lane_without_memory_is_as_it_was),
        cmocka_unit_test(capacity_without_memory_is_null),
        cmocka_unit_test(name_without_room_or_with_many_slashes),
        cmocka_unit_test(longest_unused_are_forgotten),
        cmocka_unit_test(limits_go_with_what_has_them),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
