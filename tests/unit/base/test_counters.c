#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/counters.h"

static void counters_add_counts_in_total_and_unsent(void **unused)
{
    struct counters counters = {0};

    (void)unused;
    counters_add(&counters, COUNTER_ATTEMPTS, 3);
    counters.unsent[COUNTER_ATTEMPTS] = 0; /* as after a batch was sent */
    counters_add(&counters, COUNTER_ATTEMPTS, 4);
    assert_int_equal(counters.total[COUNTER_ATTEMPTS], 7);
    assert_int_equal(counters.unsent[COUNTER_ATTEMPTS], 4);
    for (int i = 0; i < COUNTERS; i++) {
        if (i != COUNTER_ATTEMPTS)
            assert_true(counters.total[i] == 0 && counters.unsent[i] == 0);
    }
}

static void counters_that_were_refused_are_unsent_again(void **unused)
{
    struct counters counters = {0};

    (void)unused;
    counters_add(&counters, COUNTER_EVENTS, 5);
    counters_send(&counters);
    counters_add(&counters, COUNTER_EVENTS, 2);
    assert_int_equal(counters.unsent[COUNTER_EVENTS], 2);
    counters_send(&counters); /* nobody looks after these two */
    counters_add(&counters, COUNTER_EVENTS, 1);
    counters_sent(&counters, false);
    assert_int_equal(counters.unsent[COUNTER_EVENTS], 6);
    counters_send(&counters);
    counters_sent(&counters, true);
    assert_int_equal(counters.unsent[COUNTER_EVENTS], 0);
    assert_int_equal(counters.total[COUNTER_EVENTS], 8);
}

static void counter_name_is_the_field_in_redis(void **unused)
{
    (void)unused;
    assert_string_equal(counter_name(COUNTER_EVENTS), "events");
    assert_string_equal(counter_name(COUNTER_DEAD_DROPPED), "dead_dropped");
    assert_string_equal(counter_name(COUNTER_RECLAIMED_DEAD), "reclaimed_dead");
}

static void counter_name_is_another_for_each(void **unused)
{
    (void)unused;
    for (int i = 0; i < COUNTERS; i++) {
        assert_non_null(counter_name((enum counter)i));
        for (int j = 0; j < i; j++)
            assert_string_not_equal(counter_name((enum counter)i), counter_name((enum counter)j));
    }
}

static void counters_of_a_dead_process_are_sent_by_the_next(void **unused)
{
    struct counters counters = {0};

    (void)unused;
    counters_add(&counters, COUNTER_EVENTS, 5);
    counters_send(&counters); /* on its way when the process died */
    counters_add(&counters, COUNTER_EVENTS, 2);
    counters.unsent[COUNTER_DEAD] = INT64_MIN;
    counters_inherit(&counters);
    assert_int_equal(counters.unsent[COUNTER_EVENTS], 2);
    assert_int_equal(counters.unsent[COUNTER_DEAD], 0);
    assert_int_equal(counters.total[COUNTER_EVENTS], 0);
    counters_send(&counters);
    counters_sent(&counters, false);
    assert_int_equal(counters.unsent[COUNTER_EVENTS], 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counters_add_counts_in_total_and_unsent),
        cmocka_unit_test(counters_that_were_refused_are_unsent_again),
        cmocka_unit_test(counter_name_is_the_field_in_redis),
        cmocka_unit_test(counter_name_is_another_for_each),
        cmocka_unit_test(counters_of_a_dead_process_are_sent_by_the_next),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
