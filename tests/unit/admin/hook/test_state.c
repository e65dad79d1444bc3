#include "admin/hook/state.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
/* cmocka.h needs those above. */
#include <cmocka.h>

#include "cli/terminal/json_output.h"

#define LEN(array) (sizeof(array) / sizeof((array)[0]))
#define NOW_MS INT64_C(1667548137257) /* 2022-11-04T07:48:57.257Z */

static const char all[] =
    "{\"at\":1667548137257,\"until\":1667548200000,\"disabled\":true,\"reason\":\"failing\","
    "\"failing_since\":1667548000000,\"failures\":12,\"status\":503,\"error\":\"answered 503\","
    "\"opens\":3,\"probe_at\":1667548150000}";

static void every_member_is_read(void **state)
{
    struct stored_state read;

    (void)state;
    hook_state_parse(bytes_of(all), &read);
    assert_true(read.at_ms == NOW_MS);
    assert_true(read.until_ms == INT64_C(1667548200000));
    assert_true(read.disabled);
    assert_string_equal(read.reason, "failing");
    assert_true(read.failing_since_ms == INT64_C(1667548000000));
    assert_int_equal(read.failures, 12);
    assert_int_equal(read.status, 503);
    assert_string_equal(read.error, "answered 503");
    assert_int_equal(read.opens, 3);
    assert_true(read.probe_at_ms == INT64_C(1667548150000));
}

/* Anybody may have written it. */
static void what_cannot_be_read_says_nothing(void **state)
{
    static const char *const rows[] = {
        "",
        "nonsense",
        "[]",
        "7",
        "{",
        "{}",
        "{\"until\":\"1667548200000\",\"disabled\":1,\"reason\":7,\"failing_since\":null}",
        "{\"until\":-1,\"failures\":-5,\"failing_since\":1.5e12,\"error\":[],\"probe_at\":{}}",
    };
    static const struct stored_state nothing;

    (void)state;
    for (size_t i = 0; i < LEN(rows); i++) {
        struct stored_state read;

        memset(&read, 0x55, sizeof(read));
        hook_state_parse(bytes_of(rows[i]), &read);
        assert_int_equal(hook_state_condition(&read, NOW_MS), HOOK_FINE);
        assert_true(read.until_ms == 0 && read.failures == 0 && !read.disabled);
        assert_string_equal(read.reason, nothing.reason);
        assert_string_equal(read.error, nothing.error);
    }
    hook_state_parse((struct bytes){NULL, 0}, &(struct stored_state){.at_ms = 0});
}

static void words_are_cut_and_made_printable(void **state)
{
    struct stored_state read;
    char json[1024];

    (void)state;
    memset(json, 'x', sizeof(json));
    memcpy(json, "{\"error\":\"a\\u001b[2J", 20);
    memcpy(json + sizeof(json) - 3, "\"}", 3);
    hook_state_parse(bytes_of(json), &read);
    assert_memory_equal(read.error, "a?[2Jxxx", 8);
    assert_true(strlen(read.error) < sizeof(read.error));
}

static void the_condition_is_what_counts_most(void **state)
{
    static const struct {
        const char *json;
        enum hook_condition condition;
        int64_t since_ms;
        int64_t next_ms;
        const char *text;
    } rows[] = {
        {"{\"at\":5}", HOOK_FINE, 0, 0, ""},
        {"{\"at\":5,\"until\":1667548137257}", HOOK_FINE, 0, 0, ""}, /* over */
        {"{\"at\":5,\"until\":1667548137258,\"reason\":\"retry-after\"}", HOOK_PAUSED, 5,
         INT64_C(1667548137258), "paused until 2022-11-04T07:48:57.258Z: retry-after"},
        {"{\"at\":5,\"until\":1667548137258,\"reason\":\"retry-after\",\"failing_since\":3,"
         "\"failures\":1,\"error\":\"answered 429\"}",
         HOOK_PAUSED, 3, INT64_C(1667548137258),
         "paused until 2022-11-04T07:48:57.258Z, failing since 1970-01-01T00:00:00.003Z, 1 "
         "failure: retry-after: answered 429"},
        {"{\"at\":5,\"failing_since\":3,\"failures\":2,\"error\":\"no connection\"}", HOOK_FAILING,
         3, 0, "failing since 1970-01-01T00:00:00.003Z, 2 failures: no connection"},
        {"{\"at\":5,\"failing_since\":3}", HOOK_FAILING, 3, 0,
         "failing since 1970-01-01T00:00:00.003Z, 0 failures"},
        {"{\"at\":5,\"failing_since\":3,\"failures\":9,\"opens\":2,\"probe_at\":7,\"error\":\"e\"}",
         HOOK_OPEN, 3, 7,
         "open, next probe 1970-01-01T00:00:00.007Z, failing since 1970-01-01T00:00:00.003Z, 9 "
         "failures: e"},
        /* the pause is longer than the breaker's */
        {"{\"at\":5,\"probe_at\":7,\"until\":1667548137258,\"reason\":\"retry-after\"}", HOOK_OPEN,
         5, INT64_C(1667548137258), "open, next probe 2022-11-04T07:48:57.258Z"},
        {"{\"at\":5,\"disabled\":true,\"reason\":\"gone\"}", HOOK_DISABLED, 5, 0, "disabled: gone"},
        {"{\"at\":5,\"disabled\":true,\"reason\":\"gone\",\"until\":1667548137258}", HOOK_DISABLED,
         5, 0, "disabled: gone"},
        {"{\"at\":5,\"disabled\":true,\"reason\":\"failing\",\"failing_since\":3,\"failures\":99,"
         "\"probe_at\":7,\"error\":\"answered 503\"}",
         HOOK_DISABLED, 3, 0,
         "disabled, failing since 1970-01-01T00:00:00.003Z, 99 failures: answered 503"},
        {"{\"disabled\":true}", HOOK_DISABLED, 0, 0, "disabled"},
    };

    (void)state;
    for (size_t i = 0; i < LEN(rows); i++) {
        struct stored_state read;
        struct buffer text;

        hook_state_parse(bytes_of(rows[i].json), &read);
        enum hook_condition condition = hook_state_condition(&read, NOW_MS);
        assert_int_equal(condition, rows[i].condition);
        if (condition != HOOK_FINE)
            assert_true(hook_state_since_ms(&read, condition) == rows[i].since_ms);
        assert_true(hook_state_next_ms(&read, condition) == rows[i].next_ms);
        buffer_init(&text, 1024);
        hook_state_put_text(&text, &read, condition);
        assert_string_equal(text.data ? text.data : "", rows[i].text);
        buffer_release(&text);
    }
}

static void an_error_tells_more_than_that_it_fails(void **state)
{
    static const struct {
        const char *json;
        const char *why;
    } rows[] = {
        {"{\"disabled\":true,\"reason\":\"failing\"}", "failing"},
        {"{\"disabled\":true,\"reason\":\"failing\",\"error\":\"e\"}", "e"},
        {"{\"disabled\":true,\"reason\":\"gone\",\"error\":\"e\"}", "gone: e"},
        {"{\"failing_since\":1,\"reason\":\"retry-after\",\"error\":\"e\"}", "e"}, /* it is over */
    };

    (void)state;
    for (size_t i = 0; i < LEN(rows); i++) {
        struct stored_state read;
        struct buffer why;

        hook_state_parse(bytes_of(rows[i].json), &read);
        buffer_init(&why, 256);
        hook_state_put_why(&why, &read, hook_state_condition(&read, NOW_MS));
        assert_string_equal(why.data, rows[i].why);
        buffer_release(&why);
    }
}

static void json_has_what_applies(void **state)
{
    struct stored_state read;
    struct buffer line;

    (void)state;
    buffer_init(&line, 1024);
    object_begin(&line);
    hook_state_parse(BYTES("{\"at\":5,\"until\":6}"), &read);
    hook_state_put_json(&line, &read, HOOK_FINE);
    assert_string_equal(line.data, "{");
    hook_state_parse(BYTES("{\"at\":5,\"disabled\":true,\"reason\":\"gone\"}"), &read);
    hook_state_put_json(&line, &read, HOOK_DISABLED);
    assert_string_equal(line.data, "{\"state\":\"disabled\",\"at\":5,\"reason\":\"gone\"");
    buffer_clear(&line);
    object_begin(&line);
    hook_state_parse(bytes_of(all), &read);
    hook_state_put_json(&line, &read, HOOK_DISABLED);
    assert_string_equal(line.data,
                        "{\"state\":\"disabled\",\"at\":1667548137257,\"until\":1667548200000,"
                        "\"reason\":\"failing\",\"failing_since\":1667548000000,\"failures\":12,"
                        "\"status\":503,\"error\":\"answered 503\",\"opens\":3,"
                        "\"probe_at\":1667548150000");
    buffer_release(&line);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_member_is_read),
        cmocka_unit_test(what_cannot_be_read_says_nothing),
        cmocka_unit_test(words_are_cut_and_made_printable),
        cmocka_unit_test(the_condition_is_what_counts_most),
        cmocka_unit_test(an_error_tells_more_than_that_it_fails),
        cmocka_unit_test(json_has_what_applies),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
