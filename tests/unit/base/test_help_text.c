#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/help_text.h"

static void assert_row(size_t column, const char *name, const char *text, const char *expected)
{
    char *printed = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&printed, &len);

    assert_non_null(out);
    help_put_row(out, column, name, text);
    assert_int_equal(fclose(out), 0);
    assert_string_equal(printed, expected);
    free(printed);
}

static void rows_end_at_80_columns(void **unused)
{
    (void)unused;
    assert_row(
        70, "name", "12345 1234", /* the last column is used */
        "  name                                                                12345 1234\n");
    assert_row(70, "name", "12345 12345",
               "  name                                                                12345\n"
               "                                                                      12345\n");
    assert_row(
        70, "name", "123456789012",
        "  name                                                                123456789012\n");
}

static void line_ends_are_spaces(void **unused)
{
    (void)unused;
    assert_row(8, "a", " b\nc  d\n", "  a     b c d\n");
    assert_row(8, "a", "", "  a     \n");
}

static void a_long_name_has_a_line_of_its_own(void **unused)
{
    (void)unused;
    assert_row(8, "12345", "text", "  12345 text\n");
    assert_row(8, "123456", "text", "  123456\n        text\n");
}

static void flags_have_their_values(void **unused)
{
    static const struct flag_spec specs[] = {
        {"room", "ROOM", "which", false},
        {"all", NULL, "each", true},
        {NULL, NULL, NULL, false},
    };
    char *printed = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&printed, &len);

    (void)unused;
    assert_non_null(out);
    help_put_flags(out, specs);
    assert_int_equal(fclose(out), 0);
    assert_string_equal(printed, "  --room ROOM                    which\n"
                                 "  --all                          each; repeatable\n");
    free(printed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_end_at_80_columns),
        cmocka_unit_test(line_ends_are_spaces),
        cmocka_unit_test(a_long_name_has_a_line_of_its_own),
        cmocka_unit_test(flags_have_their_values),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
