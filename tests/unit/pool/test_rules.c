#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "pool/rules.h"

static void who_cannot_run_ends_the_pool_and_who_crashed_does_not(void **unused)
{
    static const struct {
        struct pool_end end;
        bool gives_up;
    } rows[] = {
        {{.number = 1}, true},                                      /* cannot start */
        {{.number = 2}, true},                                      /* bad settings */
        {{.number = 1, .refused = true}, true},                     /* another contract */
        {{.number = 1, .refused = true, .restarts = 7}, true},      /* since it was started again */
        {{.number = 1, .restarts = 1}, false},                      /* short of memory, perhaps */
        {{.number = 1, .was_ready = true}, false},                  /* has worked */
        {{.number = 1, .refused = true, .was_ready = true}, false}, /* the next one is asked too */
        {{.number = 0}, false},                                     /* told to stop by somebody */
        {{.by_signal = true, .number = 9}, false},                  /* at its start */
        {{.by_signal = true, .number = 11, .restarts = 3}, false},
        {{.by_signal = true, .number = 11, .refused = true}, false},
    };

    (void)unused;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (pool_gives_up(&rows[i].end) != rows[i].gives_up)
            fail_msg("row %zu", i);
    }
}

static void status_of_a_pool_is_the_worst(void **unused)
{
    const struct pool_end well = {.number = 0};
    const struct pool_end left_behind = {.number = 1};
    const struct pool_end unusable = {.number = 2};
    const struct pool_end killed = {.by_signal = true, .number = 9};

    (void)unused;
    assert_int_equal(pool_worse(0, &well), 0);
    assert_int_equal(pool_worse(0, &left_behind), 1);
    assert_int_equal(pool_worse(1, &well), 1);
    assert_int_equal(pool_worse(1, &unusable), 2);
    assert_int_equal(pool_worse(0, &killed), 1);
    assert_int_equal(pool_worse(2, &killed), 2);
}

static void failures_count_until_one_lived_well(void **unused)
{
    (void)unused;
    assert_int_equal(pool_failures(0, 0), 1);
    assert_int_equal(pool_failures(4, POOL_LIVED_WELL_MS - 1), 5);
    assert_int_equal(pool_failures(4, POOL_LIVED_WELL_MS), 1);
    assert_int_equal(pool_failures(INT_MAX, 0), INT_MAX);
}

static void first_restart_is_at_once_later_ones_wait_longer_and_longer(void **unused)
{
    static const int64_t centres_ms[] = {100, 200, 400, 800, 1600, 3200, 6400, 10000, 10000};

    (void)unused;
    for (uint64_t seed = 0; seed < 1000; seed++) {
        assert_int_equal(pool_restart_delay_ms(0, seed), 0);
        assert_int_equal(pool_restart_delay_ms(1, seed), 0);
        for (int i = 0; i < (int)(sizeof(centres_ms) / sizeof(centres_ms[0])); i++) {
            int64_t delay_ms = pool_restart_delay_ms(i + 2, seed);
            assert_true(delay_ms >= centres_ms[i] / 2 && delay_ms <= centres_ms[i] * 3 / 2);
            assert_true(delay_ms <= 10000);
        }
        assert_true(pool_restart_delay_ms(INT_MAX, seed) >= 5000);
        assert_true(pool_restart_delay_ms(INT_MAX, seed) <= 10000);
    }
    assert_true(pool_restart_delay_ms(5, 1) != pool_restart_delay_ms(5, 2));
}

static void pool_is_ready_when_each_worker_was(void **unused)
{
    const struct pool_worker_state working = {.state = PROCESS_WORKING, .was_ever_ready = true};
    const struct pool_worker_state away = {.state = PROCESS_AWAY, .was_ever_ready = true};
    const struct pool_worker_state starting = {.state = PROCESS_STARTING};
    const struct pool_worker_state again = {.state = PROCESS_STARTING, .was_ever_ready = true};
    const struct pool_worker_state crashed = {.state = PROCESS_ENDED, .was_ever_ready = true};

    (void)unused;
    assert_int_equal(pool_condition(&starting, 1), PROCESS_STARTING);
    assert_int_equal(pool_condition((struct pool_worker_state[]){working, starting}, 2),
                     PROCESS_STARTING);
    assert_int_equal(pool_condition((struct pool_worker_state[]){working, working}, 2),
                     PROCESS_WORKING);
    assert_int_equal(pool_condition((struct pool_worker_state[]){working, away}, 2),
                     PROCESS_WORKING);
    assert_int_equal(pool_condition((struct pool_worker_state[]){away, away}, 2), PROCESS_AWAY);
    assert_int_equal(pool_condition((struct pool_worker_state[]){away, crashed}, 2), PROCESS_AWAY);
    assert_int_equal(pool_condition((struct pool_worker_state[]){again, crashed}, 2), PROCESS_AWAY);
    assert_int_equal(pool_condition((struct pool_worker_state[]){crashed, crashed}, 2),
                     PROCESS_WORKING);
}

static void silence_of_half_a_watchdog_is_standing_still(void **unused)
{
    struct pool_worker_state worker = {.state = PROCESS_WORKING, .silent_ms = 15000};

    (void)unused;
    assert_int_equal(pool_pulse_ms(0), 1000);
    assert_int_equal(pool_pulse_ms(30000), 1000);
    assert_int_equal(pool_pulse_ms(600), 101);
    assert_false(pool_worker_stalled(&worker, 30000));
    worker.silent_ms = 15001;
    assert_true(pool_worker_stalled(&worker, 30000));
    assert_true(pool_worker_stalled(&worker, 600));
    worker.state = PROCESS_ENDED;
    assert_false(pool_worker_stalled(&worker, 30000));
    /* A pulse that comes in time never means a hang, however short the watchdog. */
    for (int64_t watchdog_ms = 1; watchdog_ms < 5000; watchdog_ms++) {
        worker = (struct pool_worker_state){PROCESS_WORKING,
                                            .silent_ms = pool_pulse_ms(watchdog_ms) + 1};
        assert_false(pool_worker_stalled(&worker, watchdog_ms));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_cannot_run_ends_the_pool_and_who_crashed_does_not),
        cmocka_unit_test(status_of_a_pool_is_the_worst),
        cmocka_unit_test(failures_count_until_one_lived_well),
        cmocka_unit_test(first_restart_is_at_once_later_ones_wait_longer_and_longer),
        cmocka_unit_test(pool_is_ready_when_each_worker_was),
        cmocka_unit_test(silence_of_half_a_watchdog_is_standing_still),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
