#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "settings/read.h"

#define WORDS_MAX 8

/* What a run of the worker would read. */
struct run {
    const char *flags[WORDS_MAX];       /* behind the program's name; NULL ends them */
    const char *environment[WORDS_MAX]; /* "NAME=value" */
};

static struct settings settings;
static enum settings_action action;
static struct error_text why;

static int read_run(const struct run *run)
{
    static char program[] = "roomhook-worker";
    char *argv[WORDS_MAX + 2] = {program};
    char *environment[WORDS_MAX + 1] = {NULL};
    int argc = 1;

    memcpy(argv + 1, run->flags, sizeof(run->flags));
    memcpy(environment, run->environment, sizeof(run->environment));
    while (argv[argc])
        argc++;
    why.text[0] = '\0';
    return settings_read(argc, argv, environment, &settings, &action, &why);
}

#define READ_FLAGS(...) read_run(&(const struct run){.flags = {__VA_ARGS__}})

static void check_refused(const char *part)
{
    if (!strstr(why.text, part))
        fail_msg("\"%s\" does not have \"%s\"", why.text, part);
}

/* A folder for the files of a test. */
struct folder {
    char path[64];
    char file[96]; /* the one written last */
};

static int folder_setup(void **state)
{
    struct folder *folder = calloc(1, sizeof(*folder));

    if (!folder)
        return -1;
    snprintf(folder->path, sizeof(folder->path), "/tmp/settings-XXXXXX");
    *state = folder;
    return mkdtemp(folder->path) ? 0 : -1;
}

static int folder_teardown(void **state)
{
    struct folder *folder = *state;

    unlink(folder->file);
    rmdir(folder->path);
    free(folder);
    return 0;
}

static char *folder_write(struct folder *folder, const char *name, const char *text, size_t len)
{
    FILE *file;

    snprintf(folder->file, sizeof(folder->file), "%s/%s", folder->path, name);
    file = fopen(folder->file, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, len, file), len);
    assert_int_equal(fclose(file), 0);
    return folder->file;
}

/* --- flags --- */

static void flags_take_a_value_in_either_form(void **state)
{
    (void)state;
    assert_int_equal(READ_FLAGS("--max-in-flight", "10", "--queue=a"), 0);
    assert_int_equal(settings.max_in_flight, 10);
    assert_string_equal(settings.queue, "a");
    assert_int_equal(action, SETTINGS_RUN);
    assert_int_equal(READ_FLAGS("--queue=--a", "--redis", "redis://:p=q@h"), 0);
    assert_string_equal(settings.queue, "--a");
    assert_string_equal(settings.redis.password, "p=q");
}

static void flag_of_a_switch_needs_no_value(void **state)
{
    (void)state;
    assert_int_equal(READ_FLAGS("--https-only"), 0);
    assert_true(settings.https_only);
    assert_int_equal(READ_FLAGS("--https-only", "--queue", "a"), 0);
    assert_true(settings.https_only);
    assert_int_equal(READ_FLAGS("--https-only", "no"), 0);
    assert_false(settings.https_only);
    assert_int_equal(READ_FLAGS("--https-only=no"), 0);
    assert_false(settings.https_only);
}

static void flag_of_a_list_given_again_adds_to_it(void **state)
{
    (void)state;
    assert_int_equal(READ_FLAGS("--allow-address", "10.0.0.0/8", "--allow-address=fd00::/8"), 0);
    assert_int_equal(settings.allow_address_len, 2);
}

static void flags_that_are_wrong_are_named(void **state)
{
    (void)state;
    assert_int_equal(READ_FLAGS("--max-in-fligth", "10"), -1);
    assert_string_equal(
        why.text,
        "unknown flag --max-in-fligth, did you mean --max-in-flight? (see roomhook-worker --help)");
    assert_int_equal(READ_FLAGS("--colour=red"), -1);
    assert_string_equal(why.text, "unknown flag --colour (see roomhook-worker --help)");
    assert_int_equal(READ_FLAGS("--max-in-flight"), -1);
    assert_string_equal(why.text,
                        "--max-in-flight needs a value: --max-in-flight=N, must be a whole "
                        "number from 1 to 65536 (see roomhook-worker --help)");
    assert_int_equal(READ_FLAGS("--queue", "--max-in-flight", "10"), -1);
    check_refused("--queue needs a value: --queue=NAME, must be 1 to 64 letters");
    assert_int_equal(READ_FLAGS("--config"), -1);
    check_refused("--config needs a value: --config=FILE (see");
    assert_int_equal(READ_FLAGS("--check=yes"), -1);
    assert_string_equal(why.text, "--check takes no value (see roomhook-worker --help)");
    assert_int_equal(READ_FLAGS("--queue", "a", "--queue=b"), -1);
    assert_string_equal(why.text, "--queue is given twice (see roomhook-worker --help)");
    assert_int_equal(READ_FLAGS("--"), -1);
    assert_int_equal(READ_FLAGS("-q"), -1);
}

static void stray_argument_is_not_repeated(void **state)
{
    (void)state;
    assert_int_equal(READ_FLAGS("--check", "redis://:hunter2@h"), -1);
    assert_string_equal(
        why.text, "argument 2 is not a flag: --NAME VALUE is allowed (see roomhook-worker --help)");
    assert_int_equal(READ_FLAGS("--redsi=redis://:hunter2@h"), -1);
    assert_string_equal(why.text,
                        "unknown flag --redsi, did you mean --redis? (see roomhook-worker --help)");
}

static void commands_are_actions(void **state)
{
    static const struct {
        const char *flag;
        enum settings_action action;
    } rows[] = {
        {"--check", SETTINGS_CHECK},
        {"--print-settings", SETTINGS_PRINT},
        {"--print-settings-table", SETTINGS_PRINT_MARKDOWN},
        {"--help", SETTINGS_HELP},
        {"-h", SETTINGS_HELP},
        {"--version", SETTINGS_VERSION},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_int_equal(READ_FLAGS("--queue", "a", rows[i].flag), 0);
        assert_int_equal(action, rows[i].action);
    }
}

static void alive_names_its_file_and_no_setting_matters(void **state)
{
    (void)state;
    assert_int_equal(READ_FLAGS("--alive", "/run/alive", "--queue=?"), 0);
    assert_int_equal(action, SETTINGS_ALIVE);
    assert_string_equal(settings.alive_file, "/run/alive");
    assert_int_equal(READ_FLAGS("--alive"), -1);
    assert_int_equal(READ_FLAGS("--alive", ""), -1);
    assert_string_equal(why.text, "alive must be a path of 1 to 511 bytes");
}

static void help_is_given_whatever_else_is_wrong(void **state)
{
    const struct run run = {
        .flags = {"--queue=?", "--help", "--colour"},
        .environment = {"ROOMHOOK_MAX_IN_FLIGHT=many", "ROOMHOOK_CONFIG=/does/not/exist"},
    };

    (void)state;
    assert_int_equal(read_run(&run), 0);
    assert_int_equal(action, SETTINGS_HELP);
}

static void check_reads_everything(void **state)
{
    const struct run run = {
        .flags = {"--check"},
        .environment = {"ROOMHOOK_MAX_IN_FLIGHT=many"},
    };

    (void)state;
    assert_int_equal(read_run(&run), -1);
    assert_string_equal(why.text,
                        "max-in-flight \"many\" (environment ROOMHOOK_MAX_IN_FLIGHT): must "
                        "be a whole number from 1 to 65536");
}

static void failure_leaves_the_outputs_alone(void **state)
{
    (void)state;
    assert_int_equal(READ_FLAGS("--queue", "before", "--check"), 0);
    assert_int_equal(READ_FLAGS("--queue", "after", "--print-settings", "--max-age=x"), -1);
    assert_string_equal(settings.queue, "before");
    assert_int_equal(action, SETTINGS_CHECK);
}

/* --- precedence --- */

static void flag_overrides_environment_overrides_file_overrides_default(void **state)
{
    static const char lines[] = "queue = file\nmax-per-origin = 1\nmax-per-endpoint = 1\n"
                                "retry-schedule = 1s,2s,3s\n";
    struct run run = {
        .flags = {"--queue", "flag"},
        .environment = {"ROOMHOOK_QUEUE=environment", "ROOMHOOK_MAX_PER_ORIGIN=2",
                        "ROOMHOOK_RETRY_SCHEDULE=9s", "ROOMHOOK_BIN=/somewhere"},
    };
    char variable[128];

    snprintf(variable, sizeof(variable), "ROOMHOOK_CONFIG=%s",
             folder_write(*state, "worker.ini", lines, strlen(lines)));
    run.environment[4] = variable;
    assert_int_equal(read_run(&run), 0);
    assert_string_equal(settings.queue, "flag");
    assert_int_equal(settings.max_per_origin, 2);
    assert_int_equal(settings.max_per_endpoint, 1);
    assert_int_equal(settings.max_in_flight, 512);
    assert_int_equal(settings.retry_schedule_len, 1);
    assert_int_equal(settings.retry_schedule_ms[0], 9000);
}

static void config_flag_overrides_config_variable(void **state)
{
    static const char lines[] = "queue = file\n";
    const struct run run = {
        .flags = {"--queue=a", "--config", folder_write(*state, "a.ini", lines, strlen(lines))},
        .environment = {"ROOMHOOK_CONFIG=/does/not/exist"},
    };

    assert_int_equal(read_run(&run), 0);
    assert_int_equal(read_run(&(const struct run){.environment = {run.environment[0]}}), -1);
    check_refused("config \"/does/not/exist\": cannot be read");
}

static void file_error_reaches_the_caller(void **state)
{
    static const char lines[] = "\nmax-in-flight = 0\n";
    char expected[256];
    char *path = folder_write(*state, "a.ini", lines, strlen(lines));

    assert_int_equal(READ_FLAGS("--config", path), -1);
    snprintf(expected, sizeof(expected),
             "max-in-flight \"0\" (%s:2): must be a whole number from 1 to 65536", path);
    assert_string_equal(why.text, expected);
}

static void empty_variable_counts_as_absent(void **state)
{
    const struct run run = {
        .environment = {"ROOMHOOK_QUEUE=", "ROOMHOOK_CONFIG=", "ROOMHOOK_QUEUES=x", "QUEUE=y"},
    };

    (void)state;
    assert_int_equal(read_run(&run), 0);
    assert_string_equal(settings.queue, "webhooks");
}

static void cross_check_is_made(void **state)
{
    (void)state;
    assert_int_equal(READ_FLAGS("--timeout", "10s", "--connect-timeout", "11s"), -1);
    assert_int_equal(READ_FLAGS("--timeout", "1s"), 0);
    assert_int_equal(settings.connect_timeout_ms, 1000);
    assert_int_equal(READ_FLAGS("--max-in-flight", "1"), 0); /* below max-per-origin: fine */
}

/* --- password --- */

static void password_file_gives_the_password(void **state)
{
    static const struct {
        const char *text;
        size_t len;
        const char *password; /* NULL: refused */
    } rows[] = {
        {"hunter2", 7, "hunter2"}, {"hunter2\n", 8, "hunter2"}, {"hunter2\r\n", 9, "hunter2"},
        {" a b \n", 6, " a b "},   {"a\n\n", 3, "a\n"},         {"", 0, NULL},
        {"\n", 1, NULL},           {"a\0b", 3, NULL},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char *path = folder_write(*state, "secret", rows[i].text, rows[i].len);
        int rc = READ_FLAGS("--redis-password-file", path);

        assert_int_equal(rc, rows[i].password ? 0 : -1);
        if (rows[i].password)
            assert_string_equal(settings.redis.password, rows[i].password);
        else
            check_refused("must hold a password of 1 to 511 bytes");
    }
}

static void a_proxys_password_is_read(void **state)
{
    char *path = folder_write(*state, "secret", "top secret\n", 11);

    assert_int_equal(READ_FLAGS("--proxy", "http://ana@proxy:3128", "--proxy-password-file", path),
                     0);
    assert_string_equal(settings.proxy.user, "ana");
    assert_string_equal(settings.proxy_password, "top secret");
    assert_int_equal(READ_FLAGS("--proxy", "http://ana@proxy:3128"), -1);
    assert_non_null(strstr(why.text, "proxy-password-file is not given"));
    assert_int_equal(READ_FLAGS("--proxy", "http://proxy:3128", "--proxy-password-file", path), -1);
    assert_non_null(strstr(why.text, "proxy names no user"));
    assert_int_equal(READ_FLAGS("--proxy", "http://ana:hidden@proxy:3128"), -1);
    assert_null(strstr(why.text, "hidden"));
}

static void password_file_is_bounded(void **state)
{
    char text[2000];

    memset(text, 'p', sizeof(text));
    text[511] = '\n';
    assert_int_equal(READ_FLAGS("--redis-password-file", folder_write(*state, "s", text, 512)), 0);
    assert_int_equal(strlen(settings.redis.password), 511);
    text[511] = 'p';
    assert_int_equal(READ_FLAGS("--redis-password-file", folder_write(*state, "s", text, 512)), -1);
    assert_int_equal(READ_FLAGS("--redis-password-file", folder_write(*state, "s", text, 2000)),
                     -1);
    assert_null(strstr(why.text, "ppp"));
}

static void password_file_that_cannot_be_read_is_refused(void **state)
{
    (void)state;
    assert_int_equal(READ_FLAGS("--redis-password-file", "/does/not/exist"), -1);
    assert_string_equal(why.text,
                        "redis-password-file \"/does/not/exist\": cannot be read: No such "
                        "file or directory");
}

static void password_in_url_and_file_is_refused(void **state)
{
    char *path = folder_write(*state, "secret", "hunter2", 7);

    assert_int_equal(READ_FLAGS("--redis-password-file", path, "--redis=redis://:other@h"), -1);
    check_refused("redis-password-file");
    assert_null(strstr(why.text, "other"));
}

static void credential_is_taken_when_no_password_is_given(void **state)
{
    struct folder *folder = *state;
    char variable[128];
    struct run run = {.environment = {variable}};

    snprintf(variable, sizeof(variable), "CREDENTIALS_DIRECTORY=%s", folder->path);
    assert_int_equal(read_run(&run), 0); /* no such file there: no password */
    assert_string_equal(settings.redis.password, "");
    folder_write(folder, "redis-password", "hunter2\n", 8);
    assert_int_equal(read_run(&run), 0);
    assert_string_equal(settings.redis.password, "hunter2");
    assert_string_equal(settings.redis_password_file, folder->file);
    run.flags[0] = "--redis=redis://:other@h";
    assert_int_equal(read_run(&run), 0);
    assert_string_equal(settings.redis.password, "other");
    assert_string_equal(settings.redis_password_file, "");
}

#define WITH_FOLDER(test) cmocka_unit_test_setup_teardown(test, folder_setup, folder_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(flags_take_a_value_in_either_form),
        cmocka_unit_test(flag_of_a_switch_needs_no_value),
        cmocka_unit_test(flag_of_a_list_given_again_adds_to_it),
        cmocka_unit_test(flags_that_are_wrong_are_named),
        cmocka_unit_test(stray_argument_is_not_repeated),
        cmocka_unit_test(commands_are_actions),
        cmocka_unit_test(alive_names_its_file_and_no_setting_matters),
        cmocka_unit_test(help_is_given_whatever_else_is_wrong),
        cmocka_unit_test(check_reads_everything),
        cmocka_unit_test(failure_leaves_the_outputs_alone),
        cmocka_unit_test(empty_variable_counts_as_absent),
        cmocka_unit_test(cross_check_is_made),
        cmocka_unit_test(password_file_that_cannot_be_read_is_refused),
        WITH_FOLDER(flag_overrides_environment_overrides_file_overrides_default),
        WITH_FOLDER(config_flag_overrides_config_variable),
        WITH_FOLDER(file_error_reaches_the_caller),
        WITH_FOLDER(password_file_gives_the_password),
        WITH_FOLDER(password_file_is_bounded),
        WITH_FOLDER(a_proxys_password_is_read),
        WITH_FOLDER(password_in_url_and_file_is_refused),
        WITH_FOLDER(credential_is_taken_when_no_password_is_given),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
