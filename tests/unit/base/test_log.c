#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/log.h"

#define MAX_LINE 8192

/* stderr while a test runs: a file that is read back. */
struct capture {
    FILE *file;
    int stderr_fd;
};

static void capture_start(struct capture *capture)
{
    capture->file = tmpfile();
    assert_non_null(capture->file);
    capture->stderr_fd = dup(STDERR_FILENO);
    assert_true(capture->stderr_fd >= 0);
    assert_true(dup2(fileno(capture->file), STDERR_FILENO) >= 0);
}

/* What was written since capture_start; out holds 2 * MAX_LINE bytes. */
static void capture_end(struct capture *capture, char *out)
{
    size_t len;

    assert_true(dup2(capture->stderr_fd, STDERR_FILENO) >= 0);
    close(capture->stderr_fd);
    rewind(capture->file);
    len = fread(out, 1, 2 * MAX_LINE - 1, capture->file);
    out[len] = '\0';
    fclose(capture->file);
}

/* One line with one text field "v", without its time; in out. */
static const char *line_of(enum log_format format, struct bytes value, char *out)
{
    struct capture capture;
    size_t head = format == LOG_JSON ? sizeof("{\"time\":\"2022-11-04T08:28:57.257Z\",") - 1
                                     : sizeof("time=2022-11-04T08:28:57.257Z ") - 1;

    log_configure(LOG_INFO, format);
    capture_start(&capture);
    log_at(LOG_INFO, "m", log_bytes("v", value));
    capture_end(&capture, out);
    assert_true(strlen(out) > head);
    memmove(out, out + head, strlen(out + head) + 1);
    return out;
}

static void log_line_logfmt_has_time_level_msg_and_fields(void **unused)
{
    char out[2 * MAX_LINE];
    struct capture capture;

    (void)unused;
    log_configure(LOG_INFO, LOG_LOGFMT);
    capture_start(&capture);
    log_at(LOG_WARN, "redis lost", log_text("event", "msg_1-0"), log_int("status", -200));
    capture_end(&capture, out);
    assert_memory_equal(out, "time=20", 7);
    assert_string_equal(out + sizeof("time=2022-11-04T08:28:57.257Z") - 1,
                        " level=warn msg=\"redis lost\" event=msg_1-0 status=-200\n");
}

static void log_line_json_has_time_level_msg_and_fields(void **unused)
{
    char out[2 * MAX_LINE];
    struct capture capture;

    (void)unused;
    log_configure(LOG_INFO, LOG_JSON);
    capture_start(&capture);
    log_at(LOG_ERROR, "delivered", log_text("event", "msg_1-0"), log_int("n", INT64_MIN));
    capture_end(&capture, out);
    assert_memory_equal(out, "{\"time\":\"20", 11);
    assert_string_equal(out + sizeof("{\"time\":\"2022-11-04T08:28:57.257Z\"") - 1,
                        ",\"level\":\"error\",\"msg\":\"delivered\",\"event\":\"msg_1-0\","
                        "\"n\":-9223372036854775808}\n");
}

static void log_line_of_a_named_process_tells_it(void **unused)
{
    struct capture capture;
    char out[2 * MAX_LINE];

    (void)unused;
    log_configure(LOG_INFO, LOG_JSON);
    capture_start(&capture);
    log_name_process(3);
    log_at(LOG_INFO, "ready", log_text("queue", "q"));
    log_name_process(0);
    log_at(LOG_INFO, "ready", log_text("queue", "q"));
    capture_end(&capture, out);
    assert_non_null(strstr(out, "\"msg\":\"ready\",\"process\":3,\"queue\":\"q\"}\n"));
    assert_non_null(strstr(out, "\"msg\":\"ready\",\"queue\":\"q\"}\n"));
}

static void log_line_time_is_now(void **unused)
{
    char out[2 * MAX_LINE];
    char before[32];
    char after[32];
    struct capture capture;
    struct tm tm;
    time_t now = time(NULL);
    struct timespec then; /* time() may be some ms behind the clock of the log */

    (void)unused;
    log_configure(LOG_INFO, LOG_LOGFMT);
    capture_start(&capture);
    log_at(LOG_INFO, "m");
    capture_end(&capture, out);
    strftime(before, sizeof(before), "time=%Y-%m-%dT%H:%M:%S", gmtime_r(&now, &tm));
    clock_gettime(CLOCK_REALTIME, &then);
    strftime(after, sizeof(after), "time=%Y-%m-%dT%H:%M:%S", gmtime_r(&then.tv_sec, &tm));
    out[strlen(before)] = '\0';
    assert_true(strcmp(before, out) <= 0 && strcmp(out, after) <= 0);
}

static void log_line_below_the_level_is_not_written(void **unused)
{
    char out[2 * MAX_LINE];
    struct capture capture;

    (void)unused;
    log_configure(LOG_WARN, LOG_LOGFMT);
    assert_false(log_is_on(LOG_INFO));
    assert_true(log_is_on(LOG_WARN));
    capture_start(&capture);
    log_at(LOG_DEBUG, "one");
    log_at(LOG_INFO, "two");
    log_at(LOG_WARN, "three");
    log_at(LOG_ERROR, "four");
    capture_end(&capture, out);
    assert_null(strstr(out, "one"));
    assert_null(strstr(out, "two"));
    assert_non_null(strstr(out, "msg=three\n"));
    assert_non_null(strstr(out, "msg=four\n"));
}

static void log_line_quotes_logfmt_only_when_needed(void **unused)
{
    static const struct {
        const char *value;
        const char *line;
    } rows[] = {
        {"plain-1.2/3:4%", "level=info msg=m v=plain-1.2/3:4%\n"},
        {"", "level=info msg=m v=\"\"\n"},
        {"two words", "level=info msg=m v=\"two words\"\n"},
        {"a=b", "level=info msg=m v=\"a=b\"\n"},
        {"say \"hi\"", "level=info msg=m v=\"say \\\"hi\\\"\"\n"},
        {"back\\slash", "level=info msg=m v=\"back\\\\slash\"\n"},
        {"h\xc3\xa9", "level=info msg=m v=\"h\xc3\xa9\"\n"},
    };
    char out[2 * MAX_LINE];

    (void)unused;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        assert_string_equal(line_of(LOG_LOGFMT, bytes_of(rows[i].value), out), rows[i].line);
}

static void log_line_escapes_what_could_forge_a_line(void **unused)
{
    static const struct {
        struct bytes value;
        const char *quoted;
    } rows[] = {
        {{"x\nlevel=error", 13}, "\"x\\nlevel=error\""},
        {{"\r\t", 2}, "\"\\r\\t\""},
        {{"\0\x1b[31m\x7f", 7}, "\"\\u0000\\u001b[31m\\u007f\""},
        {{"\xc2\x85\xc2\x9b", 4}, "\"\\u0085\\u009b\""},         /* C1 controls */
        {{"\xe2\x80\xa8\xe2\x80\xae", 6}, "\"\\u2028\\u202e\""}, /* line end, right to left */
        {{"\xff\xc3(", 3}, "\"\xef\xbf\xbd\xef\xbf\xbd(\""},     /* not UTF-8 */
        {{"\xed\xa0\x80", 3}, "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\""}, /* a surrogate */
        {{"\xf0\x9f\x98\x80", 4}, "\"\xf0\x9f\x98\x80\""},
        {{"\xf0\x9f\x98", 3}, "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\""}, /* cut off */
    };
    char expected[256];
    char out[2 * MAX_LINE];

    (void)unused;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        snprintf(expected, sizeof(expected), "level=info msg=m v=%s\n", rows[i].quoted);
        assert_string_equal(line_of(LOG_LOGFMT, rows[i].value, out), expected);
        snprintf(expected, sizeof(expected), "\"level\":\"info\",\"msg\":\"m\",\"v\":%s}\n",
                 rows[i].quoted);
        assert_string_equal(line_of(LOG_JSON, rows[i].value, out), expected);
    }
}

static void log_line_escapes_msg_too(void **unused)
{
    char out[2 * MAX_LINE];
    struct capture capture;

    (void)unused;
    log_configure(LOG_INFO, LOG_LOGFMT);
    capture_start(&capture);
    log_at(LOG_INFO, "a\nb");
    capture_end(&capture, out);
    assert_non_null(strstr(out, " msg=\"a\\nb\"\n"));
}

static void log_line_writes_null_as_empty(void **unused)
{
    char out[2 * MAX_LINE];
    struct capture capture;

    (void)unused;
    log_configure(LOG_INFO, LOG_JSON);
    capture_start(&capture);
    log_at(LOG_INFO, "m", log_text("a", NULL), log_bytes("b", (struct bytes){NULL, 0}));
    capture_end(&capture, out);
    assert_non_null(strstr(out, ",\"a\":\"\",\"b\":\"\"}\n"));
}

static void log_line_cuts_a_long_text_between_characters(void **unused)
{
    const size_t head = strlen("level=info msg=m v=");
    char value[600];
    char out[2 * MAX_LINE];

    (void)unused;
    memset(value, 'a', sizeof(value));
    line_of(LOG_LOGFMT, (struct bytes){value, 512}, out);
    assert_int_equal(strlen(out), head + 512 + strlen("\n"));
    line_of(LOG_LOGFMT, (struct bytes){value, 513}, out);
    assert_int_equal(strlen(out), head + 512 + strlen("\"…\"\n"));
    assert_non_null(strstr(out, "a…\"\n"));
    memcpy(value + 510, "\xf0\x9f\x98\x80", 4); /* would be cut behind its second byte */
    line_of(LOG_LOGFMT, (struct bytes){value, sizeof(value)}, out);
    assert_int_equal(strlen(out), head + 510 + strlen("\"…\"\n"));
    assert_null(strstr(out, "\xef\xbf\xbd"));
}

static bool ends_with(const char *text, const char *end)
{
    return strlen(text) >= strlen(end) && strcmp(text + strlen(text) - strlen(end), end) == 0;
}

static void log_line_too_long_keeps_whole_fields_and_says_so(void **unused)
{
    char value[512];
    char out[2 * MAX_LINE];
    struct bytes text = {value, sizeof(value)};
    struct capture capture;

    (void)unused;
    memset(value, 1, sizeof(value)); /* 3072 bytes escaped: two fit into a line */
    log_configure(LOG_INFO, LOG_JSON);
    capture_start(&capture);
    log_at(LOG_INFO, "m", log_bytes("a", text), log_bytes("b", text), log_bytes("c", text),
           log_int("d", 1));
    capture_end(&capture, out);
    assert_non_null(strstr(out, "\",\"b\":\"\\u0001"));
    assert_null(strstr(out, "\"c\":"));
    assert_null(strstr(out, "\"d\":"));
    assert_true(ends_with(out, "\\u0001\",\"truncated\":true}\n"));
    log_configure(LOG_INFO, LOG_LOGFMT);
    capture_start(&capture);
    log_at(LOG_INFO, "m", log_bytes("a", text), log_bytes("b", text), log_bytes("c", text));
    capture_end(&capture, out);
    assert_true(ends_with(out, "\\u0001\" truncated=true\n"));
}

static void log_line_every_length_stays_in_bounds(void **unused)
{
    char value[512];
    char out[2 * MAX_LINE];

    (void)unused;
    memset(value, 'x', sizeof(value));
    log_configure(LOG_INFO, LOG_JSON);
    for (size_t len = 0; len <= sizeof(value); len++) {
        struct log_field fields[17];
        struct capture capture;

        for (size_t i = 0; i < 17; i++)
            fields[i] = log_bytes("key", (struct bytes){value, i < 15 ? sizeof(value) : len});
        capture_start(&capture);
        log_line(LOG_INFO, "m", fields, 17);
        capture_end(&capture, out);
        assert_true(strlen(out) <= MAX_LINE);
        assert_true(ends_with(out, "}\n"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(log_line_logfmt_has_time_level_msg_and_fields),
        cmocka_unit_test(log_line_json_has_time_level_msg_and_fields),
        cmocka_unit_test(log_line_of_a_named_process_tells_it),
        cmocka_unit_test(log_line_time_is_now),
        cmocka_unit_test(log_line_below_the_level_is_not_written),
        cmocka_unit_test(log_line_quotes_logfmt_only_when_needed),
        cmocka_unit_test(log_line_escapes_what_could_forge_a_line),
        cmocka_unit_test(log_line_escapes_msg_too),
        cmocka_unit_test(log_line_writes_null_as_empty),
        cmocka_unit_test(log_line_cuts_a_long_text_between_characters),
        cmocka_unit_test(log_line_too_long_keeps_whole_fields_and_says_so),
        cmocka_unit_test(log_line_every_length_stays_in_bounds),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
