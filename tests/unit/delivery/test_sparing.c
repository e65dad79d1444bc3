#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "delivery/sparing.h"

static void a_few_at_once_then_one_now_and_then(void **unused)
{
    struct sparing sparing = {0};
    int64_t unlogged = -1;
    int64_t now = 1000;

    (void)unused;
    for (int i = 0; i < SPARING_BURST; i++) {
        assert_true(sparing_allows(&sparing, now++, &unlogged));
        assert_int_equal(unlogged, 0);
    }
    for (; now < 1000 + SPARING_EVERY_MS; now++)
        assert_false(sparing_allows(&sparing, now, &unlogged));
    assert_true(sparing_allows(&sparing, now, &unlogged));
    assert_int_equal(unlogged, SPARING_EVERY_MS - SPARING_BURST);
    assert_false(sparing_allows(&sparing, now, &unlogged));
}

static void what_is_steady_is_no_more(void **unused)
{
    struct sparing sparing = {0};
    int64_t unlogged = 0;
    int64_t written = 0;
    int64_t left_out = 0;

    (void)unused;
    for (int64_t now = 0; now < 100 * SPARING_EVERY_MS; now += 100) {
        if (sparing_allows(&sparing, now, &unlogged)) {
            written++;
            left_out += unlogged;
        }
    }
    assert_int_equal(written, SPARING_BURST + 99);
    assert_int_equal(written + left_out + sparing.unlogged, SPARING_EVERY_MS);
}

static void quiet_times_give_all_back(void **unused)
{
    struct sparing sparing = {0};
    int64_t unlogged = 0;

    (void)unused;
    for (int i = 0; i < 2 * SPARING_BURST; i++)
        (void)sparing_allows(&sparing, 5, &unlogged);
    for (int i = 0; i < SPARING_BURST; i++)
        assert_true(sparing_allows(&sparing, 5 + SPARING_BURST * SPARING_EVERY_MS, &unlogged));
    assert_false(sparing_allows(&sparing, 5 + SPARING_BURST * SPARING_EVERY_MS, &unlogged));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_few_at_once_then_one_now_and_then),
        cmocka_unit_test(what_is_steady_is_no_more),
        cmocka_unit_test(quiet_times_give_all_back),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
