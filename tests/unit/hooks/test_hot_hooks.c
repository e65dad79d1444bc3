#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "hooks/hot_hooks.h"

static void hook_is_noted_once_and_stays_for_a_while(void **unused)
{
    struct hot_hooks hot = {.len = 0};

    (void)unused;
    hot_hooks_note(&hot, 438, "main", 1000);
    hot_hooks_note(&hot, 438, "main", 2000);
    hot_hooks_note(&hot, 438, "audit", 1000);
    hot_hooks_note(&hot, 439, "main", 1000);
    assert_int_equal(hot.len, 3);
    hot_hooks_forget_old(&hot, 1000 + HOT_FOR_MS);
    assert_int_equal(hot.len, 1);
    assert_int_equal(hot.hooks[0].room_id, 438);
    assert_string_equal(hot.hooks[0].hook_id, "main");
    hot_hooks_forget_old(&hot, 2000 + HOT_FOR_MS);
    assert_int_equal(hot.len, 0);
}

static void full_list_forgets_the_oldest(void **unused)
{
    struct hot_hooks hot = {.len = 0};

    (void)unused;
    for (int64_t room = 0; room < HOT_HOOKS_MAX; room++)
        hot_hooks_note(&hot, room, "main", 100 + room);
    hot_hooks_note(&hot, 0, "main", 1000);
    hot_hooks_note(&hot, 9999, "main", 1000);
    assert_int_equal(hot.len, HOT_HOOKS_MAX);
    assert_int_equal(hot.hooks[0].room_id, 0);
    assert_int_equal(hot.hooks[1].room_id, 9999);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hook_is_noted_once_and_stays_for_a_while),
        cmocka_unit_test(full_list_forgets_the_oldest),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
