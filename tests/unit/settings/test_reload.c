#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "settings/reload.h"
#include "settings/source.h"

static char path[] = "/tmp/reload.XXXXXX";
static struct settings settings;
static struct settings_changes changes;
static struct error_text why;

static void write_file(const char *text)
{
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static int begin(void **state)
{
    static struct settings_draft draft;
    (void)state;
    settings_draft_init(&draft);
    settings = draft.settings;
    memcpy(settings.config_file, path, sizeof(path));
    return 0;
}

/* Another valid value for each row: what is printed of it then differs from the default. */
static const char *const others[][2] = {
    {"redis", "redis://h:7/1"},
    {"redis-password-file", "/p"},
    {"queue", "other"},
    {"ca-file", "/other"},
    {"allow-address", "10.0.0.0/8"},
    {"https-only", "yes"},
    {"proxy", "http://proxy:3128"},
    {"proxy-password-file", "/p"},
    {"retry-schedule", "1s,2s"},
    {"retry-jitter", "3%"},
    {"success-status", "302"},
    {"permanent-status", "404,405"},
    {"processes", "3"},
    {"core-dumps", "yes"},
    {"log-level", "error"},
    {"log-format", "json"},
    {"connect-timeout", "4s"},
    {"max-event-bytes", "2k"},
    {"max-response-bytes", "2k"},
    {"dead-max-bytes", "2m"},
    {"alert-url", "https://a.example/"},
    {"alert-secret-file", "/p"},
    {"attempt-log", "failures"},
    {"attempt-log-max-bytes", "17m"},
    {"keep-delivered", "17d"},
    {"keep-delivered-max-bytes", "17m"},
    {"timeout", "17s"},
    {"retry-after-max", "17s"},
    {"max-age", "17d"},
    {"disable-after", "17s"},
    {"heartbeat-ttl", "17s"},
    {"drain-timeout", "17s"},
};

static const char *other_value(const char *name)
{
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        if (strcmp(others[i][0], name) == 0)
            return others[i][1];
    }
    return "17"; /* a whole number */
}

/* Each row: it is taken when it reloads, named when not; and not when a flag gave it. */
static void each_setting_is_taken_or_named(void **state)
{
    for (size_t i = 0; i < settings_count; i++) {
        const struct setting *setting = &settings_table[i];
        char line[200];
        char text[SETTING_TEXT_SIZE];
        if (strncmp(setting->name, "redis-", 6) == 0 &&
            strcmp(setting->name, "redis-password-file") != 0)
            continue; /* not without TLS, nor alone */
        begin(state);
        snprintf(line, sizeof(line), "%s = %s\n", setting->name, other_value(setting->name));
        write_file(line);
        assert_int_equal(settings_reload(&settings, &changes, &why), 0);
        assert_string_equal(changes.taken, setting->reloads ? setting->name : "");
        assert_string_equal(changes.later, setting->reloads ? "" : setting->name);
        setting_format(setting, &settings, 0, text);
        bool is_other =
            text[0] != '\0' && strncmp(other_value(setting->name), text, strlen(text)) == 0;
        assert_int_equal(is_other, setting->reloads);
        begin(state);
        settings.outranked = UINT64_C(1) << i;
        assert_int_equal(settings_reload(&settings, &changes, &why), 0);
        assert_string_equal(changes.taken, "");
        assert_string_equal(changes.later, "");
    }
}

static void lists_are_copied_whole(void **state)
{
    (void)state;
    write_file("retry-schedule = 1s,2s,3s\npermanent-status = none\n"
               "allow-address = 10.0.0.0/8, [fd00::/8]:80-90\n");
    assert_int_equal(settings_reload(&settings, &changes, &why), 0);
    assert_int_equal(settings.retry_schedule_len, 3);
    assert_int_equal(settings.retry_schedule_ms[2], 3000);
    assert_int_equal(settings.permanent_status_len, 0);
    assert_int_equal(settings.allow_address_len, 2);
    assert_int_equal(settings.allow_address[1].prefix_len, 8);
}

static void a_file_that_is_not_valid_changes_nothing(void **state)
{
    static const char *const files[] = {"dead-max = 7\nlane-max = none\n", "dead-max = 7\nx\n",
                                        "dead-max = 7\ntimeout = 1s\nconnect-timeout = 2s\n"};
    struct settings before = settings;
    (void)state;
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        write_file(files[i]);
        assert_int_equal(settings_reload(&settings, &changes, &why), -1);
        assert_memory_equal(&settings, &before, sizeof(settings));
    }
}

static void passwords_are_left_alone(void **state)
{
    (void)state;
    memcpy(settings.redis.password, "hunter2", 8);
    memcpy(settings.redis_password_file, "/run/credential", 16);
    write_file("dead-max = 7\n");
    assert_int_equal(settings_reload(&settings, &changes, &why), 0);
    assert_string_equal(changes.taken, "dead-max");
    assert_string_equal(changes.later, "");
    assert_string_equal(settings.redis.password, "hunter2");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(each_setting_is_taken_or_named, begin),
        cmocka_unit_test_setup(lists_are_copied_whole, begin),
        cmocka_unit_test_setup(a_file_that_is_not_valid_changes_nothing, begin),
        cmocka_unit_test_setup(passwords_are_left_alone, begin),
    };
    int file = mkstemp(path);
    int failed = file < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);

    (void)close(file);
    (void)unlink(path);
    return failed;
}
