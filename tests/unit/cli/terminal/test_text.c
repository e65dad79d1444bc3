#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cli/terminal/text.h"

static void assert_shown(const char *text, bool is_utf8, const char *expected)
{
    char *shown = text_shown(bytes_of(text), is_utf8);

    assert_non_null(shown);
    assert_string_equal(shown, expected);
    free(shown);
}

static void utf8_is_shown_where_it_is_understood(void **unused)
{
    (void)unused;
    assert_shown("Gr\u00fc\u00dfe, \u4e16\u754c \U0001f600", true,
                 "Gr\u00fc\u00dfe, \u4e16\u754c \U0001f600");
    assert_shown("Gr\u00fc\u00dfe, \u4e16\u754c \U0001f600", false, "Gr??e, ?? ?");
    assert_shown("e\u0301", true, "e\u0301"); /* combining */
    assert_shown("plain ~", false, "plain ~");
    assert_shown("", true, "");
}

static void what_a_terminal_would_obey_is_not_shown(void **unused)
{
    (void)unused;
    assert_shown("a\x1b[2J\n\x7f", true, "a?[2J??");
    assert_shown("\xc2\x9b"
                 "2J",
                 true, "?2J"); /* C1: begins an escape sequence */
    assert_shown("a\u202eb\u2066c\u200fd\u061c", true, "a?b?c?d?"); /* bidirectional text */
    assert_shown("a\u2028b", true, "a?b");                          /* ends a line */
    assert_shown("\ufffe", true, "?");                              /* no width is known */
}

static void what_is_not_utf8_is_shown_byte_by_byte(void **unused)
{
    char *shown = text_shown(BYTES("a\0\xe9z\xc3"), true);

    (void)unused;
    assert_non_null(shown);
    assert_string_equal(shown, "a??z?");
    free(shown);
    assert_shown("\xed\xa0\x80", true, "???"); /* a surrogate */
}

static void assert_fits(const char *text, size_t columns, size_t len, size_t width)
{
    size_t taken;

    assert_int_equal(text_fitting(text, columns, &taken), len);
    assert_int_equal(taken, width);
}

static void characters_take_none_one_or_two_columns(void **unused)
{
    (void)unused;
    assert_int_equal(text_width(""), 0);
    assert_int_equal(text_width("abc"), 3);
    assert_int_equal(text_width("Gr\u00fc\u00dfe"), 5);
    assert_int_equal(text_width("\u4e16\u754c"), 4);
    assert_int_equal(text_width("e\u0301x"), 2);
}

static void what_fits_ends_between_characters(void **unused)
{
    (void)unused;
    assert_fits("abc", 2, 2, 2);
    assert_fits("abc", 3, 3, 3);
    assert_fits("abc", 4, 3, 3);
    assert_fits("a\u4e16b", 1, 1, 1);
    assert_fits("a\u4e16b", 2, 1, 1); /* half a character is none */
    assert_fits("a\u4e16b", 3, 4, 3);
    assert_fits("ab\u0301", 2, 4, 2); /* with its accent */
    assert_fits("abc\u4e16", 2, 2, 2);
    assert_fits("abc", 0, 0, 0);
}

static void the_locale_says_whether_it_is_utf8(void **unused)
{
    (void)unused;
    assert_int_equal(setenv("LC_ALL", "C.UTF-8", 1), 0);
    assert_true(text_locale_is_utf8());
    assert_int_equal(setenv("LC_ALL", "C", 1), 0);
    assert_false(text_locale_is_utf8());
    assert_int_equal(setenv("LC_ALL", "there-is-none.UTF-8", 1), 0);
    assert_false(text_locale_is_utf8());
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(utf8_is_shown_where_it_is_understood),
        cmocka_unit_test(what_a_terminal_would_obey_is_not_shown),
        cmocka_unit_test(what_is_not_utf8_is_shown_byte_by_byte),
        cmocka_unit_test(characters_take_none_one_or_two_columns),
        cmocka_unit_test(what_fits_ends_between_characters),
        cmocka_unit_test(the_locale_says_whether_it_is_utf8),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
