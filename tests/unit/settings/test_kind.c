#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "settings/settings.h"

/* How text looks after it was read as the only item of a setting; NULL when it is refused. */
static const char *reread(const char *name, const char *text, char out[SETTING_TEXT_SIZE])
{
    static struct settings settings; /* big, and only one item of it is looked at */
    const struct setting *setting = setting_find(bytes_of(name));
    struct error_text why;

    assert_non_null(setting);
    memset(&settings, 0, sizeof(settings));
    if (setting_parse(setting, bytes_of(text), &settings, &why)) {
        assert_true(strlen(why.text) > 0);
        return NULL;
    }
    return setting_format(setting, &settings, 0, out);
}

struct row {
    const char *name;
    const char *text;
    const char *shown; /* NULL: refused */
};

static void check_rows(const struct row *rows, size_t rows_len)
{
    char out[SETTING_TEXT_SIZE];

    for (size_t i = 0; i < rows_len; i++) {
        const char *shown = reread(rows[i].name, rows[i].text, out);

        if (!shown != !rows[i].shown)
            fail_msg("%s = %s", rows[i].name, rows[i].text);
        if (shown)
            assert_string_equal(shown, rows[i].shown);
    }
}

#define CHECK_ROWS(rows) check_rows((rows), sizeof(rows) / sizeof((rows)[0]))

static void numbers_are_read_within_their_range(void **unused)
{
    static const struct row rows[] = {
        {"max-in-flight", "1", "1"},
        {"max-in-flight", "65536", "65536"},
        {"max-in-flight", "0", NULL},
        {"max-in-flight", "65537", NULL},
        {"max-in-flight", "-1", NULL},
        {"max-in-flight", "", NULL},
        {"max-in-flight", "8 ", NULL},
        {"max-in-flight", "8k", NULL},
        {"max-in-flight", "99999999999999999999", NULL},
        {"max-in-flight", "auto", NULL},
        {"processes", "1", "1"},
        {"processes", "64", "64"},
        {"processes", "auto", "auto"},
        {"processes", "0", NULL},
        {"processes", "65", NULL},
        {"processes", "Auto", NULL},
        {"timeout", "100ms", "100ms"},
        {"timeout", "300s", "5m"},
        {"timeout", "99ms", NULL},
        {"timeout", "301s", NULL},
        {"timeout", "15", NULL},
        {"drain-timeout", "0", "0"},
        {"drain-timeout", "1h", "1h"},
        {"heartbeat-ttl", "3s", "3s"},
        {"heartbeat-ttl", "2999ms", NULL},
        {"max-age", "365d", "365d"},
        {"max-age", "366d", NULL},
        {"max-event-bytes", "1024", "1k"},
        {"max-event-bytes", "16m", "16m"},
        {"max-event-bytes", "17m", NULL},
        {"max-event-bytes", "1023", NULL},
        {"dead-max-bytes", "1024g", "1024g"},
        {"dead-max-bytes", "1025g", NULL},
        {"retry-jitter", "0%", "0%"},
        {"retry-jitter", "100%", "100%"},
        {"retry-jitter", "101%", NULL},
        {"retry-jitter", "20", NULL},
        {"retry-jitter", "%", NULL},
        {"retry-jitter", "", NULL},
        {"permanent-status", "300", "300"},
        {"success-status", "302", "302"},
        {"success-status", "200", NULL},
        {"permanent-status", "599", "599"},
        {"permanent-status", "299", NULL},
        {"permanent-status", "600", NULL},
    };

    (void)unused;
    CHECK_ROWS(rows);
}

static void words_are_read_as_they_are_listed(void **unused)
{
    static const struct row rows[] = {
        {"https-only", "yes", "yes"},    {"https-only", "true", "yes"},
        {"https-only", "off", "no"},     {"https-only", "maybe", NULL},
        {"https-only", "", NULL},        {"log-level", "debug", "debug"},
        {"log-level", "error", "error"}, {"log-level", "Error", NULL},
        {"log-level", "", NULL},         {"log-format", "json", "json"},
        {"log-format", "xml", NULL},
    };

    (void)unused;
    CHECK_ROWS(rows);
}

static void choice_is_the_enum_of_its_word(void **unused)
{
    static struct settings settings;
    struct error_text why;

    (void)unused;
    assert_int_equal(
        setting_parse(setting_find(BYTES("log-level")), BYTES("warn"), &settings, &why), 0);
    assert_int_equal(settings.log_level, LOG_WARN);
    assert_int_equal(
        setting_parse(setting_find(BYTES("log-format")), BYTES("json"), &settings, &why), 0);
    assert_int_equal(settings.log_format, LOG_JSON);
}

static void texts_hold_only_what_a_file_can_hold(void **unused)
{
    static const struct row rows[] = {
        {"queue", "a_Z-9", "a_Z-9"},
        {"queue", "", NULL},
        {"queue", "a b", NULL},
        {"queue", "1234567890123456789012345678901234567890123456789012345678901234",
         "1234567890123456789012345678901234567890123456789012345678901234"},
        {"queue", "12345678901234567890123456789012345678901234567890123456789012345", NULL},
        {"ca-file", "/etc/my certificates/h\xc3\xa9.crt", "/etc/my certificates/h\xc3\xa9.crt"},
        {"ca-file", "", NULL},
        {"ca-file", " /a", NULL},
        {"ca-file", "/a ", NULL},
        {"ca-file", "/a ;b", NULL},
        {"ca-file", "/a\nqueue = x", NULL},
        {"redis-password-file", "", ""},
        {"redis-password-file", "/run/secret", "/run/secret"},
    };

    (void)unused;
    CHECK_ROWS(rows);
}

static void path_fills_its_field_and_no_more(void **unused)
{
    char path[513];
    char out[SETTING_TEXT_SIZE];

    (void)unused;
    memset(path, 'p', sizeof(path));
    path[511] = '\0';
    assert_string_equal(reread("ca-file", path, out), path);
    path[511] = 'p';
    path[512] = '\0';
    assert_null(reread("ca-file", path, out));
}

static void addresses_are_shown_as_they_are_read(void **unused)
{
    static const struct row rows[] = {
        {"allow-address", "10.0.0.0/8", "10.0.0.0/8"},
        {"allow-address", "192.168.1.7", "192.168.1.7/32"},
        {"allow-address", "10.0.0.0/8:8080", "10.0.0.0/8:8080"},
        {"allow-address", "10.0.0.0/8:8080-8090", "10.0.0.0/8:8080-8090"},
        {"allow-address", "fd00::/8", "fd00::/8"},
        {"allow-address", "[fd00::/8]:8080-8090", "[fd00::/8]:8080-8090"},
        {"allow-address", "10.0.0.0/33", NULL},
        {"allow-address", "example.com", NULL},
        {"redis", "redis://h", "redis://h:6379/0"},
        {"redis", "redis://:secret@[::1]:7000/3", "redis://[::1]:7000/3"},
        {"redis", "unix:///run/redis.sock?db=2", "unix:///run/redis.sock?db=2"},
        {"redis", "rediss://h", "rediss://h:6379/0"},
        {"redis", "redis+sentinel://a,b:1/main", "redis+sentinel://a:26379,b:1/main/0"},
        {"redis", "http://h", NULL},
        {"redis", "unix:///run/my redis", NULL},
        {"redis", "unix:///a\nqueue=x", NULL},
        {"redis", "redis://:h\xc3\xa9@h", NULL},
        {"redis", "", NULL},
    };

    (void)unused;
    CHECK_ROWS(rows);
}

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
                        "none, or up to 64, separated by commas, each an HTTP status from 300 to "
                        "599");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_are_read_within_their_range),
        cmocka_unit_test(words_are_read_as_they_are_listed),
        cmocka_unit_test(choice_is_the_enum_of_its_word),
        cmocka_unit_test(texts_hold_only_what_a_file_can_hold),
        cmocka_unit_test(path_fills_its_field_and_no_more),
        cmocka_unit_test(addresses_are_shown_as_they_are_read),
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
