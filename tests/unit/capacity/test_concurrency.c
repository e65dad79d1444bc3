#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "capacity/concurrency.h"

static struct concurrency concurrency_of(size_t first)
{
    struct concurrency concurrency;

    concurrency_init(&concurrency, first);
    return concurrency;
}

/* A round: as many successes as the limit allows at a time. */
static void succeed_for_a_round(struct concurrency *concurrency, size_t max)
{
    size_t limit = concurrency_limit(concurrency);

    for (size_t i = 0; i < limit; i++)
        concurrency_grow(concurrency, concurrency_limit(concurrency), max);
}

static void doubles_with_each_round_until_the_maximum(void **unused)
{
    struct concurrency concurrency = concurrency_of(2);

    (void)unused;
    assert_int_equal(concurrency_limit(&concurrency), 2);
    succeed_for_a_round(&concurrency, 14);
    assert_int_equal(concurrency_limit(&concurrency), 4);
    succeed_for_a_round(&concurrency, 14);
    assert_int_equal(concurrency_limit(&concurrency), 8);
    succeed_for_a_round(&concurrency, 14);
    assert_int_equal(concurrency_limit(&concurrency), 14);
}

static void limit_that_is_not_used_does_not_grow(void **unused)
{
    struct concurrency concurrency = concurrency_of(4);

    (void)unused;
    for (size_t i = 0; i < 100; i++)
        concurrency_grow(&concurrency, 3, 16);
    assert_int_equal(concurrency_limit(&concurrency), 4);
}

static void failure_halves_once_for_each_round(void **unused)
{
    struct concurrency concurrency = concurrency_of(16);

    (void)unused;
    for (int64_t began = 1; began <= 16; began++)
        concurrency_cut(&concurrency, began, 20); /* all under way when the first one failed */
    assert_int_equal(concurrency_limit(&concurrency), 8);
    concurrency_cut(&concurrency, 21, 30);
    assert_int_equal(concurrency_limit(&concurrency), 4);
    for (int64_t now = 31; now < 40; now++)
        concurrency_cut(&concurrency, now, now);
    assert_int_equal(concurrency_limit(&concurrency), 1); /* never 0 */
    assert_true(concurrency.has_failed);
}

static void grows_by_one_for_each_round_after_a_failure(void **unused)
{
    struct concurrency concurrency = concurrency_of(16);

    (void)unused;
    concurrency_cut(&concurrency, 1, 1);
    for (size_t expected = 9; expected <= 12; expected++) {
        succeed_for_a_round(&concurrency, 16);
        succeed_for_a_round(&concurrency, 16); /* the sum of 1/limit falls short of 1 */
        assert_in_range(concurrency_limit(&concurrency), expected - 1, expected + 3);
    }
    for (size_t i = 0; i < 1000; i++)
        concurrency_grow(&concurrency, 16, 16);
    assert_int_equal(concurrency_limit(&concurrency), 16);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(doubles_with_each_round_until_the_maximum),
        cmocka_unit_test(limit_that_is_not_used_does_not_grow),
        cmocka_unit_test(failure_halves_once_for_each_round),
        cmocka_unit_test(grows_by_one_for_each_round_after_a_failure),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
