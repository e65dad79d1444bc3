#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "admin/task/task.h"

#define ID "1667548137257-0"

/* All members at their largest. */
static const struct task whole = {
    .id = ID,
    .state = TASK_RUNNING,
    .what = "replay",
    .by = "operate",
    .room = {3, "438"},
    .hook = "main",
    .reason = "exhausted",
    .from = "1667548130000",
    .until = "1667548137000-3",
    .cursor = "(1667548136000-1",
    .rate = 50,
    .total = 402,
    .done = 120,
    .skipped = 2,
    .failed = 1,
    .made_at = 1667548137257,
    .next_at = 1667548137300,
    .lease_until = 1667548152300,
    .fence = 7,
    .error = "Redis answered: OOM",
    .error_at = 1667548137299,
};

static struct task parse(const char *id, const char *record)
{
    struct task task;

    task_parse(bytes_of(id), bytes_of(record), &task);
    return task;
}

static void a_record_is_read_as_it_was_written(void **state)
{
    (void)state;
    struct buffer record;
    struct buffer again;

    buffer_init(&record, TASK_RECORD_MAX);
    buffer_init(&again, TASK_RECORD_MAX);
    task_put_record(&record, &whole);
    struct task task = parse(ID, record.data);
    assert_int_equal(task.state, TASK_RUNNING);
    assert_string_equal(task.id, ID);
    assert_string_equal(task.cursor, whole.cursor);
    task_put_record(&again, &task);
    assert_string_equal(again.data, record.data);

    struct task little = whole;
    little.room.len = 0;
    little.hook[0] = little.reason[0] = little.error[0] = '\0';
    little.total = TASK_TOTAL_UNKNOWN;
    buffer_clear(&record);
    task_put_record(&record, &little);
    task = parse(ID, record.data);
    assert_int_equal(task.state, TASK_RUNNING);
    assert_int_equal(task.total, TASK_TOTAL_UNKNOWN);
    assert_int_equal(task.room.len, 0);
    assert_string_equal(task.error, "");
    buffer_release(&record);
    buffer_release(&again);
}

/* The record with one member replaced, as somebody may do by hand. */
static enum task_state state_with(const char *from, const char *to)
{
    struct buffer record;
    struct buffer changed;

    buffer_init(&record, TASK_RECORD_MAX);
    buffer_init(&changed, 2 * TASK_RECORD_MAX);
    task_put_record(&record, &whole);
    const char *at = strstr(record.data, from);
    if (at == NULL)
        fail_msg("%s is not in %s", from, record.data);
    buffer_append(&changed, record.data, (size_t)(at - record.data));
    buffer_append_text(&changed, to);
    buffer_append_text(&changed, at + strlen(from));
    enum task_state state = parse(ID, changed.data).state;
    buffer_release(&record);
    buffer_release(&changed);
    return state;
}

static void what_cannot_be_is_invalid(void **state)
{
    (void)state;
    static const char *const changes[][2] = {
        {"\"state\":\"running\"", "\"state\":\"walking\""},
        {"\"state\":\"running\"", "\"state\":null"},
        {"\"what\":\"replay\"", "\"what\":\"\""},
        {"\"what\":\"replay\"", "\"what\":\"re\\u0000play\""},
        {"\"what\":\"replay\"", "\"what\":\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\""},
        {"\"room\":\"438\"", "\"room\":\"4 8\""},
        {"\"hook\":\"main\"", "\"hook\":\"ma in\""},
        {"\"reason\":\"exhausted\"", "\"reason\":\"\\u00fcber\""},
        {"\"from\":\"1667548130000\"", "\"from\":\"+\""},
        {"\"cursor\":\"(1667548136000-1\"", "\"cursor\":\"(\""},
        {"\"cursor\":\"(1667548136000-1\"", "\"cursor\":\"nowhere\""},
        {"\"cursor\":\"(1667548136000-1\",", ""},
        {"\"until\":\"1667548137000-3\"", "\"until\":\"+\""},
        {"\"rate\":50", "\"rate\":-1"},
        {"\"rate\":50", "\"rate\":1000001"},
        {"\"rate\":50", "\"rate\":1.5"},
        {"\"total\":402", "\"total\":\"402\""},
        {"\"done\":120", "\"done\":null"},
        {"\"fence\":7", "\"fence\":9007199254740993"},
        {"\"fence\":7", "\"fence\":7,\"fence\":8"},
        {"\"lease_until\":1667548152300", "\"lease_until\":true"},
        {"\"error\":\"", "\"error\":\"\\u001b[31m"},
    };

    assert_int_equal(state_with("\"done\":120", "\"done\":121"), TASK_RUNNING);
    assert_int_equal(state_with("\"state\":\"running\"", "\"state\":\"cancelled\""),
                     TASK_CANCELLED);
    for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
        if (state_with(changes[i][0], changes[i][1]) != TASK_INVALID)
            fail_msg("%s is taken", changes[i][1]);
    }
    static const char *const others[] = {"", "no JSON", "[]", "7", "null", "{}", "\"x\"", "{"};
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
        assert_int_equal(parse(ID, others[i]).state, TASK_INVALID);
}

static void the_id_of_what_is_invalid_is_told(void **state)
{
    (void)state;
    struct buffer record;

    buffer_init(&record, TASK_RECORD_MAX);
    task_put_record(&record, &whole);
    struct task task = parse("no\nid", record.data);
    assert_int_equal(task.state, TASK_INVALID);
    assert_string_equal(task.id, "no?id");
    assert_int_equal(parse("18446744073709551615-18446744073709551615", record.data).state,
                     TASK_RUNNING);
    buffer_release(&record);
}

static void a_lease_is_told_as_long_as_it_lasts(void **state)
{
    (void)state;
    struct buffer json;

    buffer_init(&json, TASK_RECORD_MAX);
    task_put_json(&json, &whole, whole.lease_until - 1);
    assert_non_null(strstr(json.data, "\"leased\":true"));
    assert_non_null(strstr(json.data, "\"room\":438,"));
    assert_null(strstr(json.data, "fence"));
    buffer_clear(&json);
    task_put_json(&json, &whole, whole.lease_until);
    assert_non_null(strstr(json.data, "\"leased\":false"));
    buffer_release(&json);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_record_is_read_as_it_was_written),
        cmocka_unit_test(what_cannot_be_is_invalid),
        cmocka_unit_test(the_id_of_what_is_invalid_is_told),
        cmocka_unit_test(a_lease_is_told_as_long_as_it_lasts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
