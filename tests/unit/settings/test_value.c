#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "settings/value.h"

static int parse(const char *name, const char *text, struct settings *settings,
                 struct error_text *why)
{
    return setting_parse(setting_find(bytes_of(name)), bytes_of(text), settings, why);
}

static void list_items_are_separated_by_commas_and_blanks(void **unused)
{
    struct settings settings = {.retry_schedule_len = 0};
    struct error_text why;

    (void)unused;
    assert_int_equal(parse("retry-schedule", "5s, 1m ,\t2h", &settings, &why), 0);
    assert_int_equal(settings.retry_schedule_len, 3);
    assert_int_equal(settings.retry_schedule_ms[0], 5000);
    assert_int_equal(settings.retry_schedule_ms[1], 60000);
    assert_int_equal(settings.retry_schedule_ms[2], 7200000);
    assert_int_equal(setting_items(setting_find(BYTES("retry-schedule")), &settings), 3);
}

static void list_parsed_again_grows(void **unused)
{
    struct settings settings = {.permanent_status_len = 0};
    struct error_text why;

    (void)unused;
    assert_int_equal(parse("permanent-status", "400,404", &settings, &why), 0);
    assert_int_equal(parse("permanent-status", "501", &settings, &why), 0);
    assert_int_equal(settings.permanent_status_len, 3);
    assert_int_equal(settings.permanent_status[2], 501);
    setting_clear(setting_find(BYTES("permanent-status")), &settings);
    assert_int_equal(settings.permanent_status_len, 0);
}

static void list_may_be_none_where_it_may_be_empty(void **unused)
{
    struct settings settings = {.permanent_status_len = 0};
    struct error_text why;

    (void)unused;
    assert_int_equal(parse("allow-address", "none", &settings, &why), 0);
    assert_int_equal(parse("allow-address", "", &settings, &why), 0);
    assert_int_equal(settings.allow_address_len, 0);
    assert_int_equal(parse("retry-schedule", "none", &settings, &why), -1);
    assert_int_equal(parse("retry-schedule", "", &settings, &why), -1);
}

static void list_with_a_bad_item_names_it(void **unused)
{
    struct settings settings = {.retry_schedule_len = 0};
    struct error_text why;

    (void)unused;
    assert_int_equal(parse("retry-schedule", "5s,soon,5m", &settings, &why), -1);
    assert_non_null(strstr(why.text, "\"soon\""));
    assert_non_null(strstr(why.text, "a time from 1ms to 30d"));
    assert_int_equal(parse("retry-schedule", "5s,", &settings, &why), -1);
    assert_int_equal(parse("retry-schedule", ",5s", &settings, &why), -1);
    assert_int_equal(parse("retry-schedule", "5s,,5s", &settings, &why), -1);
    assert_int_equal(settings.retry_schedule_len, 0);
}

static void list_holds_its_maximum_and_no_more(void **unused)
{
    struct settings settings = {.retry_schedule_len = 0};
    struct error_text why;
    char text[RETRY_SCHEDULE_MAX * 3 + 3];

    (void)unused;
    for (size_t i = 0; i <= RETRY_SCHEDULE_MAX; i++)
        memcpy(text + 3 * i, "1s,", 3);
    text[RETRY_SCHEDULE_MAX * 3 - 1] = '\0';
    assert_int_equal(parse("retry-schedule", text, &settings, &why), 0);
    assert_int_equal(settings.retry_schedule_len, RETRY_SCHEDULE_MAX);
    settings.retry_schedule_len = 0;
    text[RETRY_SCHEDULE_MAX * 3 - 1] = ',';
    text[RETRY_SCHEDULE_MAX * 3 + 2] = '\0';
    assert_int_equal(parse("retry-schedule", text, &settings, &why), -1);
    assert_non_null(strstr(why.text, "more than 64 items"));
}

static void bad_value_says_what_is_allowed(void **unused)
{
    struct settings settings = {.retry_schedule_len = 0};
    struct error_text why;

    (void)unused;
    assert_int_equal(parse("max-in-flight", "many", &settings, &why), -1);
    assert_string_equal(why.text, "must be a whole number from 1 to 65536");
    assert_int_equal(parse("log-level", "loud", &settings, &why), -1);
    assert_string_equal(why.text, "must be debug, info, warn or error");
}

static void allowed_describes_lists(void **unused)
{
    char out[SETTING_TEXT_SIZE];

    (void)unused;
    assert_string_equal(setting_allowed(setting_find(BYTES("retry-schedule")), out),
                        "1 to 64, separated by commas, each a time from 1ms to 30d "
                        "(units ms, s, m, h, d)");
    assert_string_equal(setting_allowed(setting_find(BYTES("permanent-status")), out),
                        "none, or up to 64, separated by commas, each an HTTP status from 400 to "
                        "599");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(list_items_are_separated_by_commas_and_blanks),
        cmocka_unit_test(list_parsed_again_grows),
        cmocka_unit_test(list_may_be_none_where_it_may_be_empty),
        cmocka_unit_test(list_with_a_bad_item_names_it),
        cmocka_unit_test(list_holds_its_maximum_and_no_more),
        cmocka_unit_test(bad_value_says_what_is_allowed),
        cmocka_unit_test(allowed_describes_lists),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
