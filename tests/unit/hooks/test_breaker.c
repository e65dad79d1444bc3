#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "hooks/breaker.h"

static struct breaker breaker_at(int64_t now_ms)
{
    struct breaker breaker;

    breaker_init(&breaker, now_ms);
    return breaker;
}

static void failures_in_a_row_open_it(void **unused)
{
    struct breaker breaker = breaker_at(1000);

    (void)unused;
    for (int i = 1; i < BREAKER_ROW; i++)
        assert_false(breaker_failed(&breaker, false, 1000000 * i)); /* however far apart */
    assert_true(breaker_failed(&breaker, false, 9000000));
    assert_false(breaker_failed(&breaker, false, 9000001)); /* counted anew */
}

static void two_timeouts_in_a_row_open_it(void **unused)
{
    struct breaker breaker = breaker_at(0);

    (void)unused;
    assert_false(breaker_failed(&breaker, true, 10000));
    breaker_succeeded(&breaker, 10001);
    assert_false(breaker_failed(&breaker, true, 20000));
    assert_true(breaker_failed(&breaker, true, 30000));
}

static void success_ends_a_row(void **unused)
{
    struct breaker breaker = breaker_at(0);

    (void)unused;
    for (int64_t now = 0; now < 100 * BREAKER_WINDOW_MS; now += BREAKER_WINDOW_MS) {
        for (int i = 1; i < BREAKER_ROW; i++)
            assert_false(breaker_failed(&breaker, false, now));
        breaker_succeeded(&breaker, now);
    }
}

static void half_of_many_failing_opens_it(void **unused)
{
    struct breaker breaker = breaker_at(0);
    int i;

    (void)unused;
    for (i = 0; i < BREAKER_RESULTS / 2 - 1; i++) {
        breaker_succeeded(&breaker, i);
        assert_false(breaker_failed(&breaker, false, i));
    }
    breaker_succeeded(&breaker, i);
    assert_true(breaker_failed(&breaker, false, i));
}

static void less_than_half_does_not(void **unused)
{
    struct breaker breaker = breaker_at(0);

    (void)unused;
    for (int i = 0; i < 1000; i++) {
        breaker_succeeded(&breaker, i);
        breaker_succeeded(&breaker, i);
        assert_false(breaker_failed(&breaker, false, i));
    }
}

static void results_of_long_ago_do_not_count(void **unused)
{
    struct breaker breaker = breaker_at(0);
    int64_t later = 2 * BREAKER_WINDOW_MS;

    (void)unused;
    for (int i = 0; i < BREAKER_RESULTS / 2 - 1; i++) {
        breaker_succeeded(&breaker, 1);
        assert_false(breaker_failed(&breaker, false, 1));
    }
    for (int i = 0; i < BREAKER_RESULTS / 2 - 1; i++) {
        breaker_succeeded(&breaker, later);
        assert_false(breaker_failed(&breaker, false, later));
    }
}

static void results_of_the_last_window_count(void **unused)
{
    struct breaker breaker = breaker_at(0);

    (void)unused;
    for (int i = 0; i < BREAKER_RESULTS / 2 - 1; i++) {
        breaker_succeeded(&breaker, BREAKER_WINDOW_MS - 1);
        assert_false(breaker_failed(&breaker, false, BREAKER_WINDOW_MS - 1));
    }
    breaker_succeeded(&breaker, BREAKER_WINDOW_MS + 1);
    assert_true(breaker_failed(&breaker, false, BREAKER_WINDOW_MS + 1));
}

static void quiet_when_nothing_failed_lately(void **unused)
{
    struct breaker breaker = breaker_at(0);

    (void)unused;
    breaker_failed(&breaker, false, 0);
    assert_false(breaker_is_quiet(&breaker, 100 * BREAKER_WINDOW_MS)); /* a row has no end */
    breaker_succeeded(&breaker, 1);
    assert_false(breaker_is_quiet(&breaker, BREAKER_WINDOW_MS));
    assert_true(breaker_is_quiet(&breaker, 2 * BREAKER_WINDOW_MS));
}

static void quiet_while_successes_go_on(void **unused)
{
    struct breaker breaker = breaker_at(0);

    (void)unused;
    breaker_failed(&breaker, false, 0);
    breaker_succeeded(&breaker, BREAKER_WINDOW_MS);
    assert_false(breaker_is_quiet(&breaker, BREAKER_WINDOW_MS));
    breaker_succeeded(&breaker, 2 * BREAKER_WINDOW_MS);
    assert_true(breaker_is_quiet(&breaker, 2 * BREAKER_WINDOW_MS));
}

static void probes_come_less_and_less_often(void **unused)
{
    static const int64_t expected[] = {1000, 2000, 4000, 8000, 16000, 32000, 60000, 60000};

    (void)unused;
    for (int opens = 1; opens <= 8; opens++) {
        int64_t ms = expected[opens - 1];

        for (uint64_t seed = 0; seed < 100; seed++)
            assert_in_range(breaker_probe_ms(opens, seed), ms * 8 / 10, ms * 12 / 10);
    }
    assert_in_range(breaker_probe_ms(INT32_MAX, 1), 48000, 72000);
    assert_in_range(breaker_probe_ms(0, 1), 800, 1200);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(failures_in_a_row_open_it),
        cmocka_unit_test(two_timeouts_in_a_row_open_it),
        cmocka_unit_test(success_ends_a_row),
        cmocka_unit_test(half_of_many_failing_opens_it),
        cmocka_unit_test(less_than_half_does_not),
        cmocka_unit_test(results_of_long_ago_do_not_count),
        cmocka_unit_test(results_of_the_last_window_count),
        cmocka_unit_test(quiet_when_nothing_failed_lately),
        cmocka_unit_test(quiet_while_successes_go_on),
        cmocka_unit_test(probes_come_less_and_less_often),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
