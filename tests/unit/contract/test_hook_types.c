#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
/* cmocka.h needs those above. */
#include <cmocka.h>

#include "contract/hook.h"

#define LEN(array) (sizeof(array) / sizeof((array)[0]))
#define START "{\"url\":\"https://a.example/\""

static struct hook *hook_of(const char *types)
{
    struct hook *hook = NULL;
    struct error_text why;
    struct buffer json;

    buffer_init(&json, HOOK_JSON_MAX);
    buffer_append_format(&json, START ",\"types\":%s}", types);
    if (hook_parse(BYTES("main"), buffer_bytes(&json), &hook, &why))
        fail_msg("%s: %s", types, why.text);
    buffer_release(&json);
    return hook;
}

static void a_hook_without_types_takes_all(void **state)
{
    struct hook *hook = NULL;
    struct error_text why;

    (void)state;
    assert_int_equal(hook_parse(BYTES("main"), BYTES(START "}"), &hook, &why), HOOK_OK);
    assert_true(hook_takes_type(hook, BYTES("message.created")));
    assert_true(hook_takes_type(hook, BYTES("x")));
    hook_free(hook);
}

static void types_are_taken_exactly_or_below_a_name(void **state)
{
    static const struct {
        const char *type;
        bool taken;
    } rows[] = {
        {"message.created", true},
        {"message.create", false},
        {"message.created2", false},
        {"message.created.x", false},
        {"Message.created", false},
        {"message", false},
        {"reaction.added", true},
        {"reaction.added.twice", true},
        {"reaction..", true},
        {"reaction.", true},
        {"reaction", false},
        {"reactions.added", false},
        {"x.reaction.added", false},
        {"a.b.c", true},
        {"a.b", false},
        {"a.bb", false},
    };
    struct hook *hook = hook_of("[\"message.created\",\"reaction.*\",\"a.b.*\"]");

    (void)state;
    for (size_t i = 0; i < LEN(rows); i++) {
        if (hook_takes_type(hook, bytes_of(rows[i].type)) != rows[i].taken)
            fail_msg("%s", rows[i].type);
    }
    hook_free(hook);
}

static void others_are_refused(void **state)
{
    static const char *const rows[] = {
        "null",         "\"a\"",           "{}",          "[]",         "[1]",
        "[\"\"]",       "[\"*\"]",         "[\".*\"]",    "[\"a.**\"]", "[\"a*\"]",
        "[\"*.a\"]",    "[\"a\",\"b c\"]", "[\"a.*.b\"]", "[\"a-b\"]",  "[\"\xc3\xa4\"]",
        "[\"a\",null]", "[[\"a\"]]",
    };
    struct error_text why;
    struct buffer json;

    (void)state;
    buffer_init(&json, HOOK_JSON_MAX);
    for (size_t i = 0; i < LEN(rows); i++) {
        struct hook *hook = NULL;

        buffer_clear(&json);
        buffer_append_format(&json, START ",\"types\":%s}", rows[i]);
        if (hook_parse(BYTES("main"), buffer_bytes(&json), &hook, &why) != HOOK_BAD ||
            strncmp(why.text, "types: must be a list of 1 to 32 event types", 44) != 0)
            fail_msg("%s: %s", rows[i], why.text);
    }
    buffer_release(&json);
}

static void their_number_and_length_are_limited(void **state)
{
    (void)state;
    for (int extra = 0; extra <= 1; extra++) {
        int expected = extra ? HOOK_BAD : HOOK_OK;
        struct hook *hook = NULL;
        struct error_text why;
        struct buffer json;

        buffer_init(&json, HOOK_JSON_MAX);
        buffer_append_text(&json, START ",\"types\":[\"a\"");
        for (int i = 1; i < HOOK_TYPES_MAX + extra; i++)
            buffer_append_format(&json, ",\"a.b%d\"", i);
        buffer_append_text(&json, "]}");
        assert_int_equal(hook_parse(BYTES("main"), buffer_bytes(&json), &hook, &why), expected);
        hook_free(hook);
        hook = NULL;
        buffer_clear(&json);
        buffer_append_text(&json, START ",\"types\":[\"");
        for (int i = 0; i < 126 + extra; i++)
            buffer_append_char(&json, 'a');
        buffer_append_text(&json, ".*\"]}");
        assert_int_equal(hook_parse(BYTES("main"), buffer_bytes(&json), &hook, &why), expected);
        hook_free(hook);
        buffer_release(&json);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_hook_without_types_takes_all),
        cmocka_unit_test(types_are_taken_exactly_or_below_a_name),
        cmocka_unit_test(others_are_refused),
        cmocka_unit_test(their_number_and_length_are_limited),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
