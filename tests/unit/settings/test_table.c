#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "settings/table.h"

static void settings_table_rows_are_complete_and_named_once(void **unused)
{
    (void)unused;
    for (size_t i = 0; i < SETTINGS_COUNT; i++) {
        const struct setting *setting = &settings_table[i];

        assert_non_null(setting->group);
        assert_non_null(setting->name);
        assert_non_null(setting->kind);
        assert_non_null(setting->default_text);
        assert_non_null(setting->help);
        assert_true(setting->min <= setting->max);
        assert_ptr_equal(setting_find(bytes_of(setting->name)), setting);
    }
}

static void setting_find_unknown_is_null(void **unused)
{
    (void)unused;
    assert_null(setting_find(bytes_of("")));
    assert_null(setting_find(bytes_of("max-in-fligh")));
    assert_null(setting_find(bytes_of("Queue")));
    assert_null(setting_find(bytes_of("group")));
}

static void setting_nearest_finds_what_was_meant(void **unused)
{
    static const struct {
        const char *typed;
        const char *meant; /* NULL: nothing is near */
    } rows[] = {
        {"max-in-fligth", "max-in-flight"},
        {"max-in-flite", "max-in-flight"},
        {"max_in_flight", "max-in-flight"},
        {"maxinflight", "max-in-flight"},
        {"time-out", "timeout"},
        {"queu", "queue"},
        {"log-formats", "log-format"},
        {"loglevel", "log-level"},
        {"", NULL},
        {"x", NULL},
        {"concurrency", NULL},
        {"threads", NULL},
        {"a-name-that-is-longer-than-that-of-any-setting", NULL},
    };

    (void)unused;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct setting *nearest = setting_nearest(bytes_of(rows[i].typed));

        if (rows[i].meant) {
            assert_non_null(nearest);
            assert_string_equal(nearest->name, rows[i].meant);
        } else {
            assert_null(nearest);
        }
    }
}

static void setting_variable_is_the_name_in_capitals(void **unused)
{
    char variable[SETTING_VARIABLE_SIZE];

    (void)unused;
    assert_string_equal(setting_variable(setting_find(BYTES("redis")), variable), "ROOMHOOK_REDIS");
    assert_string_equal(setting_variable(setting_find(BYTES("max-in-flight")), variable),
                        "ROOMHOOK_MAX_IN_FLIGHT");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(settings_table_rows_are_complete_and_named_once),
        cmocka_unit_test(setting_find_unknown_is_null),
        cmocka_unit_test(setting_nearest_finds_what_was_meant),
        cmocka_unit_test(setting_variable_is_the_name_in_capitals),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
