#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "settings/print.h"
#include "settings/source.h"

/* What is printed, NUL-terminated; free() it. settings may be NULL for the other two. */
static char *printed(const struct settings *settings, void (*print)(FILE *out))
{
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);

    assert_non_null(out);
    if (settings)
        settings_print(settings, out);
    else
        print(out);
    assert_int_equal(fclose(out), 0);
    return text;
}

/* Takes lines of a settings file on top of the defaults. */
static void draft_of(const char *lines, struct settings_draft *draft)
{
    struct error_text why = {""};

    settings_draft_init(draft);
    if (settings_file_parse(bytes_of(lines), "test.ini", draft, &why))
        fail_msg("%s", why.text);
}

static void print_is_a_file_that_reads_back_the_same(void **unused)
{
    static const char *const files[] = {
        "",
        "redis = unix:///run/redis.sock?db=7\nqueue = q-1\nmax-in-flight = 1\nhttps-only = yes\n",
        "allow-address = 10.0.0.0/8,[fd00::/8]:8080-8090,127.0.0.1/32:80\nhttps-only = on\n",
        ("permanent-status = none\nsuccess-status = 302,303\n"
         "retry-schedule = 1ms,90s,36h\nretry-jitter = 0%\nmax-event-bytes = 1025\n"),
        "ca-file = /my certs/a.pem\nredis-password-file = /run/secret\nlog-format = json\n",
    };
    struct settings_draft draft;

    (void)unused;
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        struct settings_draft again;
        char *first;
        char *second;

        draft_of(files[i], &draft);
        first = printed(&draft.settings, NULL);
        draft_of(first, &again);
        second = printed(&again.settings, NULL);
        assert_string_equal(first, second);
        assert_int_equal(draft.settings.retry_schedule_len, again.settings.retry_schedule_len);
        assert_int_equal(draft.settings.allow_address_len, again.settings.allow_address_len);
        free(first);
        free(second);
    }
}

static void print_has_every_setting_and_its_value(void **unused)
{
    struct settings_draft draft;
    char line[64];
    char *text;

    (void)unused;
    draft_of("max-in-flight = 77\n", &draft);
    text = printed(&draft.settings, NULL);
    for (size_t i = 0; i < settings_count; i++) {
        snprintf(line, sizeof(line), "\n%s =", settings_table[i].name);
        assert_non_null(strstr(text, line));
    }
    assert_non_null(strstr(text, "\nmax-in-flight = 77\n"));
    assert_non_null(strstr(text, "\nredis-password-file =\n"));
    assert_non_null(strstr(text, "\nallow-address = none\n"));
    free(text);
}

static void print_leaves_the_password_out(void **unused)
{
    struct settings_draft draft;
    char *text;

    (void)unused;
    draft_of("redis = redis://ana:hunter2@db.example:7000/3\n", &draft);
    assert_string_equal(draft.settings.redis.password, "hunter2");
    text = printed(&draft.settings, NULL);
    assert_null(strstr(text, "hunter2"));
    assert_non_null(strstr(text, "\nredis = redis://db.example:7000/3\n"));
    free(text);
}

static void print_breaks_a_long_list_into_lines(void **unused)
{
    struct settings_draft draft;
    struct settings_draft again;
    char *text;

    (void)unused;
    draft_of("", &draft);
    draft.settings.retry_schedule_len = RETRY_SCHEDULE_MAX;
    for (size_t i = 0; i < RETRY_SCHEDULE_MAX; i++)
        draft.settings.retry_schedule_ms[i] = 1000000001 + (int64_t)i;
    text = printed(&draft.settings, NULL);
    draft_of(text, &again);
    assert_int_equal(again.settings.retry_schedule_len, RETRY_SCHEDULE_MAX);
    assert_memory_equal(again.settings.retry_schedule_ms, draft.settings.retry_schedule_ms,
                        sizeof(draft.settings.retry_schedule_ms));
    free(text);
}

static void print_comments_out_what_no_file_can_hold(void **unused)
{
    struct settings_draft draft;
    struct settings_draft again;
    char *text;

    (void)unused;
    draft_of("", &draft);
    memset(draft.settings.ca_file, 'p', sizeof(draft.settings.ca_file) - 1);
    text = printed(&draft.settings, NULL);
    assert_non_null(strstr(text, "# too long for a settings file"));
    assert_non_null(strstr(text, "\n# ca-file = pppp"));
    draft_of(text, &again);
    free(text);
}

static void help_lists_every_setting_in_80_columns(void **unused)
{
    char flag[64];
    char *text = printed(NULL, settings_help);

    (void)unused;
    for (size_t i = 0; i < settings_count; i++) {
        const char *default_text = settings_table[i].default_text;

        snprintf(flag, sizeof(flag), "\n  --%s ", settings_table[i].name);
        assert_non_null(strstr(text, flag));
        snprintf(flag, sizeof(flag), "[%s]", default_text);
        assert_true(default_text[0] == '\0' || strstr(text, flag));
    }
    for (const char *line = text; *line != '\0'; line += strcspn(line, "\n") + 1) {
        size_t len = strcspn(line, "\n");

        if (len > 80)
            fail_msg("%.*s", (int)len, line);
        assert_true(len == 0 || line[len - 1] != ' ');
    }
    free(text);
}

static void markdown_has_one_row_of_five_cells_for_each_setting(void **unused)
{
    char *text = printed(NULL, settings_print_markdown);
    const char *line = text;
    size_t rows = 0;

    (void)unused;
    for (; *line != '\0'; line += strcspn(line, "\n") + 1) {
        size_t bars = 0;

        for (const char *c = line; *c != '\n'; c++)
            bars += *c == '|';
        assert_int_equal(bars, 6);
        rows++;
    }
    assert_int_equal(rows, 2 + settings_count);
    assert_non_null(strstr(text, "| `max-in-flight` | `512` | a whole number from 1 to 65536 | "));
    assert_non_null(strstr(text, "| `redis-password-file` |  | "));
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(print_is_a_file_that_reads_back_the_same),
        cmocka_unit_test(print_has_every_setting_and_its_value),
        cmocka_unit_test(print_leaves_the_password_out),
        cmocka_unit_test(print_breaks_a_long_list_into_lines),
        cmocka_unit_test(print_comments_out_what_no_file_can_hold),
        cmocka_unit_test(help_lists_every_setting_in_80_columns),
        cmocka_unit_test(markdown_has_one_row_of_five_cells_for_each_setting),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
