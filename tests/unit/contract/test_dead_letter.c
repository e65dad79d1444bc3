#include "contract/dead_letter.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka.h needs those above. */
#include <cmocka.h>

static void every_reason_has_its_name(void **state)
{
    static const struct {
        enum dead_reason reason;
        const char *name;
    } rows[] = {
        {DEAD_EXHAUSTED, "exhausted"},
        {DEAD_EXPIRED, "expired"},
        {DEAD_REJECTED, "rejected"},
        {DEAD_GONE, "gone"},
        {DEAD_BLOCKED, "blocked"},
        {DEAD_BAD_URL, "bad-url"},
        {DEAD_BAD_HOOK, "bad-hook"},
        {DEAD_MALFORMED, "malformed"},
        {DEAD_TOO_LARGE, "too-large"},
        {DEAD_POISON, "poison"},
        {DEAD_LOOP, "loop"},
        {DEAD_HOOK_REMOVED, "hook-removed"},
        {DEAD_HOOK_DISABLED, "hook-disabled"},
        {DEAD_OVERFLOW, "overflow"},
        {DEAD_DROPPED, "dropped"},
    };

    (void)state;
    assert_int_equal(sizeof(rows) / sizeof(rows[0]), DEAD_REASONS);
    for (int i = 0; i < DEAD_REASONS; i++) {
        enum dead_reason reason = DEAD_REASONS;

        assert_string_equal(dead_reason_name(rows[i].reason), rows[i].name);
        assert_int_equal(dead_reason_parse(bytes_of(rows[i].name), &reason), 0);
        assert_int_equal(reason, rows[i].reason);
    }
}

static void other_words_are_no_reason(void **state)
{
    enum dead_reason reason = DEAD_LOOP;

    (void)state;
    assert_int_equal(dead_reason_parse(BYTES(""), &reason), -1);
    assert_int_equal(dead_reason_parse(BYTES("Gone"), &reason), -1);
    assert_int_equal(dead_reason_parse(BYTES("gone "), &reason), -1);
    assert_int_equal(dead_reason_parse(BYTES("gon"), &reason), -1);
    assert_int_equal(reason, DEAD_LOOP);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_reason_has_its_name),
        cmocka_unit_test(other_words_are_no_reason),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
