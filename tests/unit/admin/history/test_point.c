#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "admin/history/point.h"

static void what_grew_is_the_difference(void **state)
{
    (void)state;
    struct history_snapshot before = {.at_ms = 60000, .backlog = 9};
    struct history_snapshot after = {.at_ms = 120000, .backlog = 4};
    struct history_snapshot difference;

    before.counters[HISTORY_DELIVERED] = 100;
    after.counters[HISTORY_DELIVERED] = 700;
    before.counters[HISTORY_DEAD] = 50; /* the queue was emptied in between */
    after.counters[HISTORY_DEAD] = 3;
    before.buckets[2] = 10;
    after.buckets[2] = 12;
    history_difference(&before, &after, &difference);
    assert_int_equal(difference.counters[HISTORY_DELIVERED], 600);
    assert_int_equal(difference.counters[HISTORY_DEAD], 3);
    assert_int_equal(difference.buckets[2], 2);
    assert_int_equal(difference.backlog, 4);
}

static void quantiles_lie_in_their_bucket(void **state)
{
    (void)state;
    int64_t buckets[HISTORY_BUCKETS] = {0};

    assert_int_equal(history_quantile_ms(buckets, 500), -1);
    buckets[3] = 100; /* over 25 ms, up to 50 */
    assert_int_equal(history_quantile_ms(buckets, 500), 37);
    assert_int_equal(history_quantile_ms(buckets, 1000), 50);
    buckets[7] = 100; /* over 500 ms, up to 1 s */
    assert_int_equal(history_quantile_ms(buckets, 250), 37);
    assert_int_equal(history_quantile_ms(buckets, 750), 750);
    buckets[HISTORY_BUCKETS - 1] = 10000; /* it has no end */
    assert_int_equal(history_quantile_ms(buckets, 990), 3600000);
}

static void a_point_says_how_long_it_is(void **state)
{
    (void)state;
    struct history_snapshot before = {.at_ms = 60000};
    struct history_snapshot after = {.at_ms = 180000, .oldest_ms = 179000, .backlog = 1};
    struct buffer out;

    after.counters[HISTORY_OPENED] = 2;
    buffer_init(&out, 4096);
    history_put_point(&out, &before, &after);
    buffer_append_char(&out, '\0');
    assert_string_equal(
        out.data, "{\"at_ms\":180000,\"span_ms\":120000,\"events\":0,\"delivered\":0,"
                  "\"retries\":0,\"dead\":0,\"opened\":2,\"p50_ms\":null,\"p99_ms\":null,"
                  "\"backlog\":1,\"oldest_ms\":1000,\"waiting\":0,\"lanes\":0,\"letters\":0}");
    buffer_release(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_grew_is_the_difference),
        cmocka_unit_test(quantiles_lie_in_their_bucket),
        cmocka_unit_test(a_point_says_how_long_it_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
