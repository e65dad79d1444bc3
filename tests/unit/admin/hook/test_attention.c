#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "admin/hook/attention.h"

static struct attention attention;

static void add(const char *lane, enum hook_condition condition, int64_t since_ms)
{
    struct attention_hook hook = {.condition = condition, .since_ms = since_ms};

    (void)snprintf(hook.lane, sizeof(hook.lane), "%s", lane);
    attention_add(&attention, &hook);
}

static void the_worst_comes_first(void **state)
{
    (void)state;
    attention = (struct attention){.most = 10};
    add("1/paused", HOOK_PAUSED, 1);
    add("2/failing", HOOK_FAILING, 1);
    add("3/young", HOOK_OPEN, 20);
    add("4/disabled", HOOK_DISABLED, 1);
    add("5/old", HOOK_OPEN, 10);
    add("6/slow", HOOK_SLOW, 1);
    assert_int_equal(attention.len, 6);
    assert_string_equal(attention.list[0].lane, "5/old");
    assert_string_equal(attention.list[1].lane, "3/young");
    assert_string_equal(attention.list[2].lane, "2/failing");
    assert_string_equal(attention.list[3].lane, "4/disabled");
    assert_string_equal(attention.list[4].lane, "1/paused");
    assert_string_equal(attention.list[5].lane, "6/slow");
    assert_int_equal(attention.counts[HOOK_OPEN], 2);
}

static void only_the_worst_are_kept(void **state)
{
    (void)state;
    attention = (struct attention){.most = 2};
    for (int64_t i = 9; i >= 1; i--) {
        char lane[LANE_SIZE];
        (void)snprintf(lane, sizeof(lane), "%d/main", (int)i);
        add(lane, HOOK_FAILING, i);
    }
    assert_int_equal(attention.len, 2);
    assert_string_equal(attention.list[0].lane, "1/main");
    assert_string_equal(attention.list[1].lane, "2/main");
    assert_int_equal(attention.counts[HOOK_FAILING], 9);
    add("0/late", HOOK_PAUSED, 0);
    assert_string_equal(attention.list[1].lane, "2/main");
}

static void of_one_state_alone(void **state)
{
    (void)state;
    attention = (struct attention){.most = 10, .only = HOOK_PAUSED};
    add("1/open", HOOK_OPEN, 1);
    add("2/paused", HOOK_PAUSED, 2);
    assert_int_equal(attention.len, 1);
    assert_string_equal(attention.list[0].lane, "2/paused");
    assert_int_equal(attention.counts[HOOK_OPEN], 1);
}

static void one_that_is_met_twice_counts_once(void **state)
{
    (void)state;
    attention = (struct attention){.most = 10};
    add("1/main", HOOK_OPEN, 5);
    add("2/main", HOOK_OPEN, 5);
    add("1/main", HOOK_OPEN, 5);
    assert_int_equal(attention.len, 2);
    assert_int_equal(attention.counts[HOOK_OPEN], 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_worst_comes_first),
        cmocka_unit_test(only_the_worst_are_kept),
        cmocka_unit_test(of_one_state_alone),
        cmocka_unit_test(one_that_is_met_twice_counts_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
