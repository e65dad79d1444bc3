/* Small scenes for tests of the capacity module. */
#ifndef TESTS_CAPACITY_SCENE_H
#define TESTS_CAPACITY_SCENE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "inside.h"

/* Everything but the origin is wide. */
static inline struct capacity *scene_new(size_t per_origin)
{
    struct capacity_limits limits = {.in_flight = 100,
                                     .per_address = 100,
                                     .per_origin = per_origin,
                                     .per_endpoint = 16,
                                     .first = 2};
    struct capacity *capacity = capacity_new(&limits);

    assert_non_null(capacity);
    return capacity;
}

/* The lane of name at its own URL of origin. */
static inline struct capacity_lane *scene_lane(struct capacity *capacity, const char *name,
                                               const char *origin)
{
    char url[64];
    struct capacity_lane *lane;

    (void)snprintf(url, sizeof(url), "%s/%s", origin, name);
    lane = capacity_lane(capacity, name, url, origin);
    assert_non_null(lane);
    return lane;
}

static inline void queue(struct capacity *capacity, struct capacity_lane *lane,
                         struct capacity_waiter *waiter, int64_t now_ms)
{
    waiter->claimed = true;
    capacity_queue(capacity, lane, waiter, now_ms);
    assert_int_equal(waiter->state, CAPACITY_IN_LINE);
}

/* A failure names the line that asks. */
#define assert_nothing(capacity, now_ms) \
    assert_int_equal(capacity_next(capacity, now_ms).what, CAPACITY_NOTHING)

#define assert_starts(capacity, expected, now_ms)                     \
    do {                                                              \
        struct capacity_step step_ = capacity_next(capacity, now_ms); \
                                                                      \
        assert_int_equal(step_.what, CAPACITY_START);                 \
        assert_ptr_equal(step_.waiter, expected);                     \
        assert_ptr_equal(step_.lane, (expected)->lane);               \
        assert_int_equal((expected)->state, CAPACITY_IN_FLIGHT);      \
    } while (0)

#define assert_claims(capacity, expected, many, now_ms)               \
    do {                                                              \
        struct capacity_step step_ = capacity_next(capacity, now_ms); \
                                                                      \
        assert_int_equal(step_.what, CAPACITY_CLAIM);                 \
        assert_ptr_equal(step_.lane, expected);                       \
        assert_int_equal(step_.most, many);                           \
    } while (0)

/* One attempt of a lane, alone: from now_ms, for so long. */
static inline void attempt(struct capacity *capacity, struct capacity_lane *lane,
                           enum capacity_news news, int64_t now_ms, int64_t held_ms)
{
    struct capacity_waiter waiter = {0};

    queue(capacity, lane, &waiter, now_ms);
    assert_starts(capacity, &waiter, now_ms);
    capacity_leave(capacity, &waiter, news, now_ms + held_ms);
    assert_int_equal(waiter.state, CAPACITY_OUT);
}

/* A lane of the class that attempts of so long make. */
static inline struct capacity_lane *scene_lane_of(struct capacity *capacity, const char *name,
                                                  const char *origin, int64_t held_ms)
{
    struct capacity_lane *lane = scene_lane(capacity, name, origin);

    attempt(capacity, lane, CAPACITY_ANSWER, 0, held_ms);
    return lane;
}

#endif
