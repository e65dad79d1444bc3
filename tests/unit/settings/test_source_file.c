#include <errno.h>
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

static int parse(const char *text, struct settings_draft *draft, struct error_text *why)
{
    settings_draft_init(draft);
    return settings_file_parse(bytes_of(text), "worker.ini", draft, why);
}

static void file_lines_are_settings(void **unused)
{
    static const char text[] =
        "# a comment, however long it is: it may even have more bytes than a "
        "line of a setting may have, for nobody reads it but people; that is "
        "what comments are for, and this one has just passed the limit\n"
        "; another\n"
        "\n"
        "max-in-flight = 10\n"
        "  queue=rooms  ; behind a value\r\n"
        "\tlog-level: debug\n"
        "https-only =   yes";
    struct settings_draft draft;
    struct error_text why;

    (void)unused;
    assert_int_equal(parse(text, &draft, &why), 0);
    assert_int_equal(draft.settings.max_in_flight, 10);
    assert_string_equal(draft.settings.queue, "rooms");
    assert_int_equal(draft.settings.log_level, LOG_DEBUG);
    assert_true(draft.settings.https_only);
    assert_int_equal(draft.origins[offsetof(struct settings, queue)], SETTING_FILE);
    assert_int_equal(draft.origins[offsetof(struct settings, redis)], SETTING_DEFAULT);
}

static void file_may_be_empty_or_start_with_a_byte_order_mark(void **unused)
{
    struct settings_draft draft;
    struct error_text why;

    (void)unused;
    assert_int_equal(parse("", &draft, &why), 0);
    assert_int_equal(parse("\n\n", &draft, &why), 0);
    assert_int_equal(parse("\xef\xbb\xbfqueue = a\n", &draft, &why), 0);
    assert_string_equal(draft.settings.queue, "a");
    assert_int_equal(parse("\xef\xbb\xbf[a]\n", &draft, &why), -1);
}

static void file_list_may_take_several_lines(void **unused)
{
    struct settings_draft draft;
    struct error_text why;

    (void)unused;
    assert_int_equal(parse("allow-address = 10.0.0.0/8, fd00::/8\n"
                           "queue = a\n"
                           "allow-address = 127.0.0.1/32:8080\n",
                           &draft, &why),
                     0);
    assert_int_equal(draft.settings.allow_address_len, 3);
    assert_int_equal(draft.settings.allow_address[2].port_from, 8080);
}

static void file_error_names_file_and_line(void **unused)
{
    static const struct {
        const char *text;
        const char *why;
    } rows[] = {
        {"queue = a\n\n[worker]\n",
         "worker.ini:3: a section is [transport NAME], of A-Z a-z 0-9 _ -"},
        {"  [worker\n", "worker.ini:1: a section ends with ]"},
        {"#\nmax-in-fligth = 3\n",
         "worker.ini:2: unknown setting \"max-in-fligth\", did you mean \"max-in-flight\"?"},
        {"colour = red\n", "worker.ini:1: unknown setting \"colour\", see --help"},
        {"= red\n", "worker.ini:1: unknown setting \"\", see --help"},
        {"queue\n", "worker.ini:1: not \"name = value\""},
        {"queue\ncolour = red\n", "worker.ini:1: not \"name = value\""},
        {"colour = red\nqueue\n", "worker.ini:1: unknown setting \"colour\", see --help"},
        {"queue = a\nqueue = b\n", "queue \"b\" (worker.ini:2): is given twice in this file"},
        {"queue = a\n  max-per-origin = 0\n",
         "max-per-origin \"0\" (worker.ini:2): must be a whole number from 1 to 65536"},
    };
    struct settings_draft draft;
    struct error_text why;

    (void)unused;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_int_equal(parse(rows[i].text, &draft, &why), -1);
        assert_string_equal(why.text, rows[i].why);
    }
}

static void file_line_is_taken_whole_or_refused(void **unused)
{
    struct settings_draft draft;
    struct error_text why;
    char text[SETTINGS_FILE_LINE_MAX + 3];
    size_t name_len = strlen("ca-file = ");

    (void)unused;
    memset(text, 'p', sizeof(text));
    memcpy(text, "ca-file = ", name_len);
    text[SETTINGS_FILE_LINE_MAX] = '\n';
    text[SETTINGS_FILE_LINE_MAX + 1] = '\0';
    assert_int_equal(parse(text, &draft, &why), 0);
    assert_int_equal(strlen(draft.settings.ca_file), SETTINGS_FILE_LINE_MAX - name_len);
    text[SETTINGS_FILE_LINE_MAX] = 'p';
    text[SETTINGS_FILE_LINE_MAX + 1] = '\n';
    text[SETTINGS_FILE_LINE_MAX + 2] = '\0';
    assert_int_equal(parse(text, &draft, &why), -1);
    assert_string_equal(why.text, "worker.ini:1: the line is longer than 197 bytes; a list may be "
                                  "given in several lines");
}

static void file_with_nul_is_refused(void **unused)
{
    static const struct {
        char text[16];
        size_t len;
    } rows[] = {
        {"queue = a\0b\n", 12},
        {"\0queue = a\n", 11},
        {"queue = a\n\0", 11},
        {"\0", 1},
    };
    struct settings_draft draft;
    struct error_text why;

    (void)unused;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        settings_draft_init(&draft);
        assert_int_equal(settings_file_parse((struct bytes){rows[i].text, rows[i].len},
                                             "worker.ini", &draft, &why),
                         -1);
        assert_non_null(strstr(why.text, "the line holds a NUL byte"));
    }
}

/* A file in a folder for temporary ones with len times c, and text behind it; path is 32 bytes. */
static void write_file(char *path, size_t len, char c, const char *text)
{
    FILE *file;
    int fd;

    snprintf(path, 32, "/tmp/settings-XXXXXX");
    fd = mkstemp(path);
    assert_true(fd >= 0);
    file = fdopen(fd, "w");
    assert_non_null(file);
    while (len-- > 0)
        fputc(c, file);
    fputs(text, file);
    assert_int_equal(fclose(file), 0);
}

static void file_read_takes_a_file_up_to_its_limit(void **unused)
{
    static const char setting[] = "\nqueue = a\n";
    struct settings_draft draft;
    struct error_text why;
    char path[32];

    (void)unused;
    settings_draft_init(&draft);
    write_file(path, SETTINGS_FILE_MAX - strlen(setting), '#', setting);
    assert_int_equal(settings_file_read(path, &draft, &why), 0);
    assert_string_equal(draft.settings.queue, "a");
    unlink(path);
    write_file(path, SETTINGS_FILE_MAX + 1 - strlen(setting), '#', setting);
    assert_int_equal(settings_file_read(path, &draft, &why), -1);
    assert_non_null(strstr(why.text, "larger than 65536 bytes"));
    unlink(path);
}

static void file_read_that_fails_says_why(void **unused)
{
    struct settings_draft draft;
    struct error_text why;

    (void)unused;
    settings_draft_init(&draft);
    assert_int_equal(settings_file_read("/does/not/exist.ini", &draft, &why), -1);
    assert_string_equal(why.text, "config \"/does/not/exist.ini\": cannot be read: No such file or "
                                  "directory");
    assert_int_equal(settings_file_read("/", &draft, &why), -1);
    assert_string_equal(why.text, "config \"/\": cannot be read: Is a directory");
}

static void file_read_start_stops_at_the_size(void **unused)
{
    char path[32];
    char out[8] = "-------";

    (void)unused;
    write_file(path, 6, 'x', "y");
    assert_int_equal(file_read_start(path, out, 4), 4);
    assert_string_equal(out, "xxxx---");
    assert_int_equal(file_read_start(path, out, sizeof(out)), 7);
    assert_memory_equal(out, "xxxxxxy", 7);
    unlink(path);
    errno = 0;
    assert_int_equal(file_read_start(path, out, sizeof(out)), -1);
    assert_int_equal(errno, ENOENT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(file_lines_are_settings),
        cmocka_unit_test(file_may_be_empty_or_start_with_a_byte_order_mark),
        cmocka_unit_test(file_list_may_take_several_lines),
        cmocka_unit_test(file_error_names_file_and_line),
        cmocka_unit_test(file_line_is_taken_whole_or_refused),
        cmocka_unit_test(file_with_nul_is_refused),
        cmocka_unit_test(file_read_takes_a_file_up_to_its_limit),
        cmocka_unit_test(file_read_that_fails_says_why),
        cmocka_unit_test(file_read_start_stops_at_the_size),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
