#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "settings/source.h"

static void settings_table_rows_are_complete_and_named_once(void **unused)
{
    (void)unused;
    for (size_t i = 0; i < settings_count; i++) {
        const struct setting *setting = &settings_table[i];

        assert_non_null(setting->group);
        assert_non_null(setting->name);
        assert_true(setting_value_name(setting)[0] != '\0');
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
        const char *nearest = setting_nearest(bytes_of(rows[i].typed));

        if (rows[i].meant) {
            assert_non_null(nearest);
            assert_string_equal(nearest, rows[i].meant);
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

static const char certificate[] =
    "-----BEGIN CERTIFICATE-----\n"
    "MIIBbjCCARWgAwIBAgIUSCqSA6q/GQy2hOILkl6FgnkA27wwCgYIKoZIzj0EAwIw\n"
    "DDEKMAgGA1UEAwwBYTAgFw0yNjExMjkyMDM5MjRaGA8yMTI2MTEwNTIwMzkyNFow\n"
    "DDEKMAgGA1UEAwwBYTBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABJvsHLiposda\n"
    "4qfrSJts0NXHaVvqXmyPdVb81lgF5zlrekk2NbhTZWrEiqYwwWjzwswFVuIjdRJS\n"
    "NSB5jfa9lC6jUzBRMB0GA1UdDgQWBBSvs7rcs9zRxE4cHb5l1gh04FYcYzAfBgNV\n"
    "HSMEGDAWgBSvs7rcs9zRxE4cHb5l1gh04FYcYzAPBgNVHRMBAf8EBTADAQH/MAoG\n"
    "CCqGSM49BAMCA0cAMEQCIGfe4YLsR84xO5xWr1hC/KszTW4jzUURb4X0wIIQl3Kp\n"
    "AiAR1vt5noiVoYmh0s5vy645qwc5OLVJcuqnbtmmd9N3iw==\n"
    "-----END CERTIFICATE-----\n";

/* Writes a file of trusted certificates; its name. */
static const char *write_ca_file(const char *first, const char *second)
{
    static char path[] = "/tmp/roomhook-ca-XXXXXX";
    int fd;

    memcpy(path + sizeof(path) - 7, "XXXXXX", 6);
    fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_true(dprintf(fd, "%s%s", first, second) >= 0);
    close(fd);
    return path;
}

static char ca_file[64];

static int make_ca_file(void **unused)
{
    (void)unused;
    return bytes_copy_text(bytes_of(write_ca_file(certificate, "")), ca_file, sizeof(ca_file)) ? 0
                                                                                               : -1;
}

static int remove_ca_file(void **unused)
{
    (void)unused;
    return unlink(ca_file);
}

/* Defaults but for a ca-file of our own, so that nothing is to warn of. */
static void settings_of(const char *lines, struct settings *ret_settings)
{
    struct settings_draft draft;
    struct error_text why = {""};

    settings_draft_init(&draft);
    assert_true(
        bytes_copy_text(bytes_of(ca_file), draft.settings.ca_file, sizeof(draft.settings.ca_file)));
    if (settings_file_parse(bytes_of(lines), "test.ini", &draft, &why))
        fail_msg("%s", why.text);
    *ret_settings = draft.settings;
}

static void check_only_warning(const char *lines, const char *part)
{
    struct settings settings;
    struct error_text storage;
    const char *text;

    settings_of(lines, &settings);
    text = settings_warning(&settings, 0, &storage);
    if (!text)
        fail_msg("no warning for %s", lines);
    else if (!strstr(text, part))
        fail_msg("%s", text);
    assert_null(settings_warning(&settings, 1, &storage));
}

static void check_no_warning(const char *lines)
{
    struct settings settings;
    struct error_text storage;
    const char *text;

    settings_of(lines, &settings);
    text = settings_warning(&settings, 0, &storage);
    if (text)
        fail_msg("%s: %s", lines, text);
}

static void defaults_have_no_warning(void **unused)
{
    (void)unused;
    check_no_warning("");
}

static void schedule_longer_than_max_age_is_warned_of(void **unused)
{
    (void)unused;
    check_only_warning("max-age = 3d\n",
                       "retry-schedule adds up to 75h or more, but max-age ends a "
                       "delivery after 3d");
    check_only_warning("retry-schedule = 600ms,401ms\nmax-age = 1s\n",
                       "adds up to 1001ms or more, but max-age ends a delivery after 1s");
    check_no_warning("retry-schedule = 600ms,400ms\nmax-age = 1s\n");
}

static void password_over_a_network_in_clear_is_warned_of(void **unused)
{
    (void)unused;
    check_only_warning("redis = redis://:hunter2@db.example\n",
                       "the Redis password goes over the network in clear to "
                       "redis://db.example:6379/0");
    check_only_warning("redis = redis://:hunter2@[2001:db8::1]\n", "in clear");
    check_no_warning("redis = redis://db.example\n");
    check_no_warning("redis = redis://:hunter2@127.0.0.1\n");
    check_no_warning("redis = redis://:hunter2@localhost\n");
    check_no_warning("redis = redis://:hunter2@[::1]\n");
    check_no_warning("redis = unix:///run/redis.sock?password=hunter2\n");
}

static void allow_address_of_everything_is_warned_of(void **unused)
{
    (void)unused;
    check_only_warning("allow-address = 10.0.0.0/8,0.0.0.0/0\n", "allow-address holds 0.0.0.0/0");
    check_only_warning("allow-address = [::/0]:8080\n", "allow-address holds ::/0");
    check_no_warning("allow-address = 10.0.0.0/8,fc00::/7\n");
}

static void check_ca_file(const char *first, const char *second, const char *part)
{
    const char *path = write_ca_file(first, second);
    char line[80];

    snprintf(line, sizeof(line), "ca-file = %s\n", path);
    if (part)
        check_only_warning(line, part);
    else
        check_no_warning(line);
    unlink(path);
}

static void ca_file_that_is_of_no_use_is_warned_of(void **unused)
{
    (void)unused;
    check_ca_file(certificate, "", NULL);
    check_ca_file("a comment\n", certificate, NULL);
    check_ca_file(certificate, certificate, NULL);
    check_ca_file("", "", "holds no certificates");
    check_ca_file("hello\n", "", "holds no certificates");
    check_ca_file(certificate, "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n",
                  "or one that is not valid");
    check_only_warning("ca-file = /tmp\n", "ca-file \"/tmp\" ");
    check_only_warning("ca-file = /does/not/exist\n", "ca-file \"/does/not/exist\" cannot be read");
}

static void several_warnings_come_one_by_one(void **unused)
{
    struct settings settings;
    struct error_text storage;

    (void)unused;
    settings_of("max-age = 3d\nallow-address = ::/0\n", &settings);
    assert_non_null(strstr(settings_warning(&settings, 0, &storage), "retry-schedule"));
    assert_non_null(strstr(settings_warning(&settings, 1, &storage), "allow-address"));
    assert_null(settings_warning(&settings, 2, &storage));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(settings_table_rows_are_complete_and_named_once),
        cmocka_unit_test(setting_find_unknown_is_null),
        cmocka_unit_test(setting_nearest_finds_what_was_meant),
        cmocka_unit_test(setting_variable_is_the_name_in_capitals),
        cmocka_unit_test(defaults_have_no_warning),
        cmocka_unit_test(schedule_longer_than_max_age_is_warned_of),
        cmocka_unit_test(password_over_a_network_in_clear_is_warned_of),
        cmocka_unit_test(allow_address_of_everything_is_warned_of),
        cmocka_unit_test(ca_file_that_is_of_no_use_is_warned_of),
        cmocka_unit_test(several_warnings_come_one_by_one),
    };

    return cmocka_run_group_tests(tests, make_ca_file, remove_ca_file);
}
