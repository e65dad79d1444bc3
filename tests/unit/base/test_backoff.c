#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/backoff.h"

#define SEEDS 20000

static void random_known_seed_gives_published_sequence(void **unused)
{
    /* The reference implementation of splitmix64 with seed 1234567. */
    static const uint64_t expected[] = {
        UINT64_C(6457827717110365317),  UINT64_C(3203168211198807973),
        UINT64_C(9817491932198370423),  UINT64_C(4593380528125082431),
        UINT64_C(16408922859458223821),
    };
    uint64_t state = 1234567;

    (void)unused;
    for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++)
        assert_true(backoff_random(&state) == expected[i]);
}

static void jitter_stays_inside_and_fills_its_range(void **unused)
{
    static const struct {
        int64_t base_ms;
        int percent;
        int64_t low_ms, high_ms;
    } rows[] = {
        {5000, 20, 4000, 6000},
        {5000, 0, 5000, 5000},
        {5000, -7, 5000, 5000},
        {5000, 100, 0, 10000},
        {5000, 1000, 0, 10000},
        {86400000, 20, 69120000, 103680000},
        {7, 50, 4, 10},
        {1, 50, 1, 1},
        {0, 50, 0, 0},
        {-5, 50, 0, 0},
        {INT64_MIN, 100, 0, 0},
        {INT64_MAX, 0, INT64_MAX, INT64_MAX},
        {INT64_MAX, 100, 0, INT64_MAX},
    };

    (void)unused;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        int64_t width = rows[i].high_ms - rows[i].low_ms;
        int64_t least = INT64_MAX;
        int64_t most = 0;

        for (uint64_t seed = 0; seed < SEEDS; seed++) {
            int64_t delay = backoff_jitter(rows[i].base_ms, rows[i].percent, seed);

            assert_true(delay >= rows[i].low_ms && delay <= rows[i].high_ms);
            least = delay < least ? delay : least;
            most = delay > most ? delay : most;
        }
        assert_true(least - rows[i].low_ms <= width / 100);
        assert_true(rows[i].high_ms - most <= width / 100);
    }
}

static void jitter_is_uniform_even_for_counted_seeds(void **unused)
{
    int64_t buckets[10] = {0};

    (void)unused;
    for (uint64_t seed = 0; seed < SEEDS; seed++)
        buckets[(backoff_jitter(1000000, 50, seed) - 500000) * 10 / 1000001]++;
    for (size_t i = 0; i < 10; i++)
        assert_true(buckets[i] > SEEDS / 10 * 9 / 10 && buckets[i] < SEEDS / 10 * 11 / 10);
}

static void exponential_doubles_up_to_its_limit(void **unused)
{
    static const struct {
        int64_t first_ms, max_ms;
        int n;
        int64_t centre_ms;
    } rows[] = {
        {1000, 60000, INT_MIN, 1000},
        {1000, 60000, -1, 1000},
        {1000, 60000, 0, 1000},
        {1000, 60000, 1, 2000},
        {1000, 60000, 5, 32000},
        {1000, 60000, 6, 60000},
        {1000, 60000, 1000, 60000},
        {1000, 60000, INT_MAX, 60000},
        {1000, 64000, 6, 64000},
        {90000, 60000, 0, 60000},
        {0, 60000, INT_MAX, 0},
        {-1, 60000, 3, 0},
        {1000, -1, 3, 0},
        {1, INT64_MAX / 2, 61, INT64_C(1) << 61},
        {1, INT64_MAX / 2, INT_MAX, INT64_MAX / 2},
    };

    (void)unused;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        int64_t half = rows[i].centre_ms / 2;

        for (uint64_t seed = 0; seed < 1000; seed++) {
            int64_t delay = backoff_exponential(rows[i].first_ms, rows[i].max_ms, rows[i].n, seed);

            assert_true(delay >= rows[i].centre_ms - half);
            assert_true(delay - rows[i].centre_ms <= half);
        }
    }
}

static void exponential_huge_limit_saturates(void **unused)
{
    (void)unused;
    for (uint64_t seed = 0; seed < 1000; seed++)
        assert_true(backoff_exponential(1, INT64_MAX, INT_MAX, seed) >= INT64_MAX / 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_known_seed_gives_published_sequence),
        cmocka_unit_test(jitter_stays_inside_and_fills_its_range),
        cmocka_unit_test(jitter_is_uniform_even_for_counted_seeds),
        cmocka_unit_test(exponential_doubles_up_to_its_limit),
        cmocka_unit_test(exponential_huge_limit_saturates),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
