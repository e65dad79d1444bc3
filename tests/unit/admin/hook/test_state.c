#include "admin/hook/state.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
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
    hook_state_read(bytes_of(all), BYTES(""), NULL, &read);
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
        hook_state_read(bytes_of(rows[i]), BYTES(""), NULL, &read);
        assert_int_equal(hook_state_condition(&read, NOW_MS), HOOK_FINE);
        assert_true(read.until_ms == 0 && read.failures == 0 && !read.disabled);
        assert_string_equal(read.reason, nothing.reason);
        assert_string_equal(read.error, nothing.error);
    }
    hook_state_read((struct bytes){NULL, 0}, BYTES(""), NULL, &(struct stored_state){.at_ms = 0});
}

static void words_are_cut_and_made_printable(void **state)
{
    struct stored_state read;
    char json[1024];

    (void)state;
    memset(json, 'x', sizeof(json));
    memcpy(json, "{\"error\":\"a\\u001b[2J", 20);
    memcpy(json + sizeof(json) - 3, "\"}", 3);
    hook_state_read(bytes_of(json), BYTES(""), NULL, &read);
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

        hook_state_read(bytes_of(rows[i].json), BYTES(""), NULL, &read);
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

        hook_state_read(bytes_of(rows[i].json), BYTES(""), NULL, &read);
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
    hook_state_read(BYTES("{\"at\":5,\"until\":6}"), BYTES(""), NULL, &read);
    hook_state_put_json(&line, &read, HOOK_FINE);
    assert_string_equal(line.data, "{\"state\":\"healthy\"");
    buffer_clear(&line);
    object_begin(&line);
    hook_state_read(BYTES("{\"at\":5,\"disabled\":true,\"reason\":\"gone\"}"), BYTES(""), NULL,
                    &read);
    hook_state_put_json(&line, &read, HOOK_DISABLED);
    assert_string_equal(line.data, "{\"state\":\"disabled\",\"at\":5,\"reason\":\"gone\"");
    buffer_clear(&line);
    object_begin(&line);
    hook_state_read(bytes_of(all), BYTES(""), NULL, &read);
    hook_state_put_json(&line, &read, HOOK_DISABLED);
    assert_string_equal(line.data,
                        "{\"state\":\"disabled\",\"at\":1667548137257,\"until\":1667548200000,"
                        "\"reason\":\"failing\",\"failing_since\":1667548000000,\"failures\":12,"
                        "\"status\":503,\"error\":\"answered 503\",\"opens\":3,"
                        "\"probe_at\":1667548150000");
    buffer_release(&line);
}

static void read_attempts(const char *attempts, struct stored_state *ret_state)
{
    char json[256];

    (void)snprintf(json, sizeof(json),
                   "{\"fingerprint\":\"0a1b2c3d\",\"attempts\":\"%s\",\"since\":7,"
                   "\"status\":0,\"error\":\"blocked\"}",
                   attempts);
    hook_state_read(BYTES(""), bytes_of(json), "0a1b2c3d", ret_state);
}

static void its_newest_attempts_count(void **state)
{
    static const struct {
        const char *attempts;
        enum hook_condition condition;
    } rows[] = {
        {"f", HOOK_FAILING}, /* none was delivered */
        {"fff", HOOK_FAILING},
        {"ddddddddff", HOOK_FINE},
        {"dddddddfff", HOOK_FAILING},
        {"fdfdfd", HOOK_FAILING},
        {"fdddddffdd", HOOK_FAILING},
        {"fffffffffd", HOOK_FINE}, /* over */
        {"dfffd", HOOK_FINE},
        {"fffdfffd", HOOK_FAILING}, /* again and again */
        {"ss", HOOK_FINE},          /* too few */
        {"sss", HOOK_SLOW},
        {"dddsss", HOOK_FINE},
        {"ddssss", HOOK_SLOW},
        {"fffss", HOOK_FINE},
        {"fffsss", HOOK_SLOW},
        {"fsfsfs", HOOK_FAILING},
        {"", HOOK_FINE},
        {"ffx", HOOK_FINE}, /* by hand, like the next */
        {"fffffffffff", HOOK_FINE},
    };

    (void)state;
    for (size_t i = 0; i < LEN(rows); i++) {
        struct stored_state read;

        read_attempts(rows[i].attempts, &read);
        if (hook_state_condition(&read, NOW_MS) != rows[i].condition)
            fail_msg("%s is %s", rows[i].attempts,
                     hook_condition_name(hook_state_condition(&read, NOW_MS)));
    }
}

/* Workers learn nothing from an address that is not allowed. */
static void what_is_not_learnt_is_known_from_attempts(void **state)
{
    struct stored_state read;

    (void)state;
    read_attempts("dfff", &read);
    assert_int_equal(read.failing_since_ms, 7);
    assert_int_equal(read.failures, 3);
    assert_string_equal(read.error, "blocked");
    assert_int_equal(hook_state_recent_failures(&read), 3);
    hook_state_read(BYTES("{\"fingerprint\":\"0a1b2c3d\",\"failing_since\":5,\"failures\":9,"
                          "\"error\":\"answered 503\"}"),
                    BYTES("{\"fingerprint\":\"0a1b2c3d\",\"attempts\":\"fff\",\"since\":7}"),
                    "0a1b2c3d", &read);
    assert_int_equal(read.failing_since_ms, 5);
    assert_int_equal(read.failures, 9);
    assert_string_equal(read.error, "answered 503");
}

/* A queue that logs no attempts, or whose log is behind. */
static void what_is_learnt_counts_without_attempts(void **state)
{
    static const char fff[] = "{\"fingerprint\":\"0a1b2c3d\",\"failing_since\":5,\"failures\":3}";
    static const char f[] = "{\"fingerprint\":\"0a1b2c3d\",\"failing_since\":5,\"failures\":1}";
    static const struct {
        const char *learnt;
        const char *attempts;
        enum hook_condition condition;
    } rows[] = {
        {fff, "", HOOK_FAILING},    {f, "", HOOK_FAILING},   {f, "ddf", HOOK_FINE},
        {fff, "ddf", HOOK_FAILING}, {fff, "dfd", HOOK_FINE},
    };

    (void)state;
    for (size_t i = 0; i < LEN(rows); i++) {
        struct stored_state read;
        char recent[128];

        (void)snprintf(recent, sizeof(recent), "{\"fingerprint\":\"0a1b2c3d\",\"attempts\":\"%s\"}",
                       rows[i].attempts);
        hook_state_read(bytes_of(rows[i].learnt), bytes_of(recent), NULL, &read);
        assert_int_equal(hook_state_condition(&read, NOW_MS), rows[i].condition);
    }
}

static void what_is_of_another_hook_says_nothing(void **state)
{
    static const char learnt[] = "{\"fingerprint\":\"0a1b2c3d\",\"disabled\":true}";
    static const char recent[] = "{\"fingerprint\":\"ffffffff\",\"attempts\":\"fff\"}";
    struct stored_state read;

    (void)state;
    hook_state_read(bytes_of(learnt), bytes_of(recent), "00000000", &read);
    assert_int_equal(hook_state_condition(&read, NOW_MS), HOOK_FINE);
    hook_state_read(bytes_of(learnt), bytes_of(recent), "ffffffff", &read);
    assert_int_equal(hook_state_condition(&read, NOW_MS), HOOK_FAILING);
    hook_state_read(bytes_of(learnt), bytes_of(recent), "0a1b2c3d", &read);
    assert_int_equal(hook_state_condition(&read, NOW_MS), HOOK_DISABLED);
    assert_string_equal(read.recent, "");
    hook_state_read(bytes_of(learnt), bytes_of(recent), NULL, &read);
    assert_int_equal(hook_state_condition(&read, NOW_MS), HOOK_DISABLED);
    assert_string_equal(read.recent, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(its_newest_attempts_count),
        cmocka_unit_test(what_is_not_learnt_is_known_from_attempts),
        cmocka_unit_test(what_is_learnt_counts_without_attempts),
        cmocka_unit_test(what_is_of_another_hook_says_nothing),
        cmocka_unit_test(every_member_is_read),
        cmocka_unit_test(what_cannot_be_read_says_nothing),
        cmocka_unit_test(words_are_cut_and_made_printable),
        cmocka_unit_test(the_condition_is_what_counts_most),
        cmocka_unit_test(an_error_tells_more_than_that_it_fails),
        cmocka_unit_test(json_has_what_applies),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
