#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cli/terminal/screen.h"

typedef void (*put_fn)(FILE *out, const struct screen *screen, const char *text);

static void put_wrapped(FILE *out, const struct screen *screen, const char *text)
{
    screen_put_wrapped(out, screen, 4, text);
}

static void assert_put(put_fn put, struct screen screen, const char *text, const char *expected)
{
    char *written = NULL;
    size_t len;
    FILE *out = open_memstream(&written, &len);

    assert_non_null(out);
    put(out, &screen, text);
    assert_int_equal(fclose(out), 0);
    assert_string_equal(written, expected);
    free(written);
}

static void text_is_broken_at_spaces(void **unused)
{
    const struct screen screen = {.columns = 24}; /* 20 behind the column */

    (void)unused;
    assert_put(put_wrapped, screen, "12345678 12345678901", "12345678 12345678901\n");
    assert_put(put_wrapped, screen, "12345678 123456789012", "12345678\n    123456789012\n");
    assert_put(put_wrapped, screen, "1234567890123456789 12 34",
               "1234567890123456789\n    12 34\n");
    assert_put(put_wrapped, screen, "12345678901234567890 12", "12345678901234567890\n    12\n");
    assert_put(put_wrapped, screen, "123456789012345678901 12", "123456789012345678901\n    12\n");
    assert_put(put_wrapped, screen, "", "\n");
}

static void lines_are_as_wide_as_their_characters(void **unused)
{
    const struct screen screen = {.columns = 24};

    (void)unused;
    assert_put(put_wrapped, screen, "\u4e16\u754c\u4e16\u754c \u00fc234567 9012",
               "\u4e16\u754c\u4e16\u754c \u00fc234567\n    9012\n");
    assert_put(put_wrapped, screen, "\u00fc2345678 12345678901 x",
               "\u00fc2345678 12345678901\n    x\n");
}

static void text_is_not_broken_elsewhere_than_on_a_terminal(void **unused)
{
    const char *text = "one two three four five six seven";

    (void)unused;
    assert_put(put_wrapped, (struct screen){0}, text, "one two three four five six seven\n");
    assert_put(put_wrapped, (struct screen){.columns = 19}, text,
               "one two three four five six seven\n");
}

static void the_top_stays(void **unused)
{
    const char *text = "1\n2\n3\n4\n5\n";

    (void)unused;
    assert_put(screen_put_top, (struct screen){0}, text, text);
    assert_put(screen_put_top, (struct screen){.rows = 6}, text, text);
    assert_put(screen_put_top, (struct screen){.rows = 5}, text, "1\n2\n3\n... 2 more lines\n");
    assert_put(screen_put_top, (struct screen){.rows = 3}, text, "1\n... 4 more lines\n");
    assert_put(screen_put_top, (struct screen){.rows = 1}, text, "... 5 more lines\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_is_broken_at_spaces),
        cmocka_unit_test(lines_are_as_wide_as_their_characters),
        cmocka_unit_test(text_is_not_broken_elsewhere_than_on_a_terminal),
        cmocka_unit_test(the_top_stays),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
