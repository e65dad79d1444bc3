#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../contract/room_of.h"
#include "contract/lane.h"
#include "delivery/rates.h"

static void what_was_noted_is_found(void **unused)
{
    struct rates rates = {.table = NULL};

    (void)unused;
    assert_int_equal(rates_find(&rates, "438/:0123456789abcdef"), 0);
    rates_note(&rates, "438/:0123456789abcdef", 100000);
    rates_note(&rates, "/:0123456789abcdef", 200000);
    assert_int_equal(rates_find(&rates, "438/:0123456789abcdef"), 100000);
    assert_int_equal(rates_find(&rates, "/:0123456789abcdef"), 200000);
    assert_int_equal(rates_find(&rates, "438/:0123456789abcde0"), 0);
    rates_release(&rates);
    assert_null(rates.table);
}

static void the_latest_rate_counts(void **unused)
{
    struct rates rates = {.table = NULL};

    (void)unused;
    rates_note(&rates, "438/:0123456789abcdef", 100000);
    rates_note(&rates, "438/:0123456789abcdef", 7);
    assert_int_equal(rates_find(&rates, "438/:0123456789abcdef"), 7);
    rates_note(&rates, "438/:0123456789abcdef", 0); /* it has none any more */
    assert_int_equal(rates_find(&rates, "438/:0123456789abcdef"), 0);
    rates_release(&rates);
}

static void only_so_many_are_kept_the_latest(void **unused)
{
    struct rates rates = {.table = NULL};
    char lane[LANE_SIZE];

    (void)unused;
    for (int64_t i = 1; i <= RATES_MAX + 10; i++) {
        struct room_id room = room_of_int(i);

        rates_note(&rates, lane_of(&room, "main", lane), i);
    }
    for (int64_t i = 1; i <= RATES_MAX + 10; i++) {
        struct room_id room = room_of_int(i);

        assert_int_equal(rates_find(&rates, lane_of(&room, "main", lane)), i <= 10 ? 0 : i);
    }
    rates_release(&rates);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_noted_is_found),
        cmocka_unit_test(the_latest_rate_counts),
        cmocka_unit_test(only_so_many_are_kept_the_latest),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
