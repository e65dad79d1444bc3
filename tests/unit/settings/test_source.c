#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "settings/source.h"

static const struct setting_source file_line_12 = {
    .origin = SETTING_FILE, .file = "worker.ini", .line = 12};
static const struct setting_source environment = {.origin = SETTING_ENVIRONMENT};
static const struct setting_source flag = {.origin = SETTING_FLAG};

static int set(struct settings_draft *draft, const char *name, const char *text,
               const struct setting_source *source, struct error_text *why)
{
    return settings_draft_set(draft, setting_find(bytes_of(name)), bytes_of(text), source, why);
}

static void draft_starts_with_the_defaults(void **unused)
{
    struct settings_draft draft;
    const struct settings *settings = &draft.settings;

    (void)unused;
    settings_draft_init(&draft);
    assert_string_equal(settings->redis.host.name, "127.0.0.1");
    assert_int_equal(settings->redis.host.port, 6379);
    assert_string_equal(settings->redis_password_file, "");
    assert_string_equal(settings->queue, "webhooks");
    assert_int_equal(settings->max_in_flight, 512);
    assert_int_equal(settings->max_per_origin, 64);
    assert_int_equal(settings->max_per_endpoint, 16);
    assert_int_equal(settings->timeout_ms, 15000);
    assert_int_equal(settings->connect_timeout_ms, 5000);
    assert_int_equal(settings->allow_address_len, 0);
    assert_false(settings->https_only);
    assert_int_equal(settings->retry_schedule_len, 9);
    assert_int_equal(settings->retry_schedule_ms[0], 5000);
    assert_int_equal(settings->retry_schedule_ms[8], 86400000);
    assert_int_equal(settings->retry_jitter_percent, 20);
    assert_int_equal(settings->permanent_status_len, 9);
    assert_int_equal(settings->permanent_status[8], 501);
    assert_int_equal(settings->max_age_ms, 432000000);
    assert_int_equal(settings->retry_after_max_ms, 86400000);
    assert_int_equal(settings->dead_max, 100000);
    assert_int_equal(settings->dead_max_bytes, 1073741824);
    assert_int_equal(settings->max_event_bytes, 262144);
    assert_int_equal(settings->max_response_bytes, 65536);
    assert_int_equal(settings->heartbeat_ttl_ms, 15000);
    assert_int_equal(settings->poison_after, 5);
    assert_int_equal(settings->drain_timeout_ms, 30000);
    assert_int_equal(settings->log_level, LOG_INFO);
    assert_int_equal(settings->log_format, LOG_LOGFMT);
    assert_string_equal(settings->ca_file, "/etc/ssl/certs/ca-certificates.crt");
}

static void list_of_a_later_source_replaces_and_of_the_same_grows(void **unused)
{
    struct settings_draft draft;
    struct error_text why;

    (void)unused;
    settings_draft_init(&draft);
    assert_int_equal(set(&draft, "retry-schedule", "1s", &file_line_12, &why), 0);
    assert_int_equal(set(&draft, "retry-schedule", "2s,3s", &file_line_12, &why), 0);
    assert_int_equal(draft.settings.retry_schedule_len, 3);
    assert_int_equal(set(&draft, "retry-schedule", "7s", &flag, &why), 0);
    assert_int_equal(draft.settings.retry_schedule_len, 1);
    assert_int_equal(draft.settings.retry_schedule_ms[0], 7000);
    assert_int_equal(set(&draft, "allow-address", "10.0.0.0/8", &environment, &why), 0);
    assert_int_equal(set(&draft, "allow-address", "none", &flag, &why), 0);
    assert_int_equal(draft.settings.allow_address_len, 0);
}

static void value_twice_in_a_file_is_refused(void **unused)
{
    struct settings_draft draft;
    struct error_text why;

    (void)unused;
    settings_draft_init(&draft);
    assert_int_equal(set(&draft, "queue", "a", &file_line_12, &why), 0);
    assert_int_equal(set(&draft, "queue", "b", &file_line_12, &why), -1);
    assert_string_equal(why.text, "queue \"b\" (worker.ini:12): is given twice in this file");
    assert_int_equal(set(&draft, "queue", "c", &flag, &why), 0);
    assert_string_equal(draft.settings.queue, "c");
}

static void error_names_setting_value_source_and_what_is_allowed(void **unused)
{
    struct settings_draft draft;
    struct error_text why;

    (void)unused;
    settings_draft_init(&draft);
    assert_int_equal(set(&draft, "max-in-flight", "0", &file_line_12, &why), -1);
    assert_string_equal(why.text,
                        "max-in-flight \"0\" (worker.ini:12): must be a whole number from "
                        "1 to 65536");
    assert_int_equal(set(&draft, "max-in-flight", "0", &environment, &why), -1);
    assert_non_null(strstr(why.text, "(environment ROOMHOOK_MAX_IN_FLIGHT)"));
    assert_int_equal(set(&draft, "max-in-flight", "0", &flag, &why), -1);
    assert_non_null(strstr(why.text, "(flag)"));
}

static void error_shows_a_strangers_value_printable_and_bounded(void **unused)
{
    char value[1000];
    struct settings_draft draft;
    struct error_text why;

    (void)unused;
    settings_draft_init(&draft);
    assert_int_equal(set(&draft, "queue", "a\033[31m\nb", &flag, &why), -1);
    assert_non_null(strstr(why.text, "queue \"a?[31m?b\" (flag)"));
    memset(value, 'x', sizeof(value));
    value[sizeof(value) - 1] = '\0';
    assert_int_equal(set(&draft, "queue", value, &flag, &why), -1);
    assert_non_null(strstr(why.text, "must be 1 to 64 letters"));
}

static void error_shows_the_end_of_a_long_path(void **unused)
{
    char path[200];
    const struct setting_source source = {.origin = SETTING_FILE, .file = path, .line = 7};
    struct settings_draft draft;
    struct error_text why;

    (void)unused;
    memset(path, 'd', sizeof(path));
    memcpy(path + sizeof(path) - 13, "/\tworker.ini", 13);
    settings_draft_init(&draft);
    assert_int_equal(set(&draft, "queue", "?", &source, &why), -1);
    assert_non_null(strstr(why.text, "queue \"?\" (…dd"));
    assert_non_null(strstr(why.text, "dd/?worker.ini:7): must be"));
}

static void error_never_shows_a_password(void **unused)
{
    static const char *const urls[] = {
        "redis://:hunter2",           "redis://:hunter2@h:99999",    "rediss://:hunter2@h/y",
        "redis://hunter2@h/x",        "http://:hunter2@h",           "redis://:hunter2@h/x",
        "redis://:hunter2 2@h",       "unix://x?password=hunter2",   "hunter2",
        "unix:///s?passwort=hunter2", "redis+sentinel://:hunter2@h",
    };
    struct settings_draft draft;
    struct error_text why;

    (void)unused;
    settings_draft_init(&draft);
    for (size_t i = 0; i < sizeof(urls) / sizeof(urls[0]); i++) {
        assert_int_equal(set(&draft, "redis", urls[i], &flag, &why), -1);
        assert_memory_equal(why.text, "redis (flag): ", 14);
        assert_null(strstr(why.text, "hunter2"));
    }
}

static void connect_timeout_must_fit_into_timeout(void **unused)
{
    struct settings_draft draft;
    struct error_text why;

    (void)unused;
    settings_draft_init(&draft);
    assert_int_equal(set(&draft, "connect-timeout", "15s", &flag, &why), 0);
    assert_int_equal(settings_draft_check(&draft, &why), 0);
    assert_int_equal(set(&draft, "connect-timeout", "15001ms", &flag, &why), 0);
    assert_int_equal(settings_draft_check(&draft, &why), -1);
    assert_string_equal(why.text, "connect-timeout \"15001ms\" must be at most timeout, which is "
                                  "\"15s\"");
}

static void connect_timeout_by_default_follows_a_short_timeout(void **unused)
{
    struct settings_draft draft;
    struct error_text why;

    (void)unused;
    settings_draft_init(&draft);
    assert_int_equal(set(&draft, "timeout", "2s", &environment, &why), 0);
    assert_int_equal(settings_draft_check(&draft, &why), 0);
    assert_int_equal(draft.settings.connect_timeout_ms, 2000);
}

static void files_for_tls_need_tls_and_each_other(void **unused)
{
    static const struct {
        const char *redis;
        const char *cert;
        const char *key;
        const char *ca;
        const char *why; /* NULL: accepted */
    } rows[] = {
        {"rediss://h", "", "", "/ca", NULL},
        {"rediss://h", "/cert", "/key", "", NULL},
        {"rediss+sentinel://h/m", "/cert", "/key", "/ca", NULL},
        {"rediss://h", "/cert", "", "", "must be given together"},
        {"rediss://h", "", "/key", "", "must be given together"},
        {"redis://h", "", "", "/ca", "are for rediss://"},
        {"unix:///s", "/cert", "/key", "", "are for rediss://"},
    };

    (void)unused;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct settings_draft draft;
        struct error_text why = {""};

        settings_draft_init(&draft);
        assert_int_equal(set(&draft, "redis", rows[i].redis, &flag, &why), 0);
        if (rows[i].cert[0])
            assert_int_equal(set(&draft, "redis-cert", rows[i].cert, &flag, &why), 0);
        if (rows[i].key[0])
            assert_int_equal(set(&draft, "redis-key", rows[i].key, &flag, &why), 0);
        if (rows[i].ca[0])
            assert_int_equal(set(&draft, "redis-ca", rows[i].ca, &flag, &why), 0);
        assert_int_equal(settings_draft_check(&draft, &why), rows[i].why ? -1 : 0);
        if (rows[i].why)
            assert_non_null(strstr(why.text, rows[i].why));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(draft_starts_with_the_defaults),
        cmocka_unit_test(list_of_a_later_source_replaces_and_of_the_same_grows),
        cmocka_unit_test(value_twice_in_a_file_is_refused),
        cmocka_unit_test(error_names_setting_value_source_and_what_is_allowed),
        cmocka_unit_test(error_shows_a_strangers_value_printable_and_bounded),
        cmocka_unit_test(error_shows_the_end_of_a_long_path),
        cmocka_unit_test(error_never_shows_a_password),
        cmocka_unit_test(files_for_tls_need_tls_and_each_other),
        cmocka_unit_test(connect_timeout_must_fit_into_timeout),
        cmocka_unit_test(connect_timeout_by_default_follows_a_short_timeout),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
