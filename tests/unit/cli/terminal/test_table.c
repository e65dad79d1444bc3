#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cli/terminal/table.h"

static const struct table_column columns[] = {
    {.title = "ID"},
    {.title = "HOOK", .least = 6},
    {.title = "A", .is_optional = true},
    {.title = "B", .is_optional = true},
    {.title = "WHY", .least = 4},
};

static char *written(const struct table *table, size_t width, bool has_colour)
{
    const struct screen screen = {.columns = width, .has_colour = has_colour};
    char *text = NULL;
    size_t len;
    FILE *out = open_memstream(&text, &len);

    assert_non_null(out);
    assert_int_equal(table_write(table, out, &screen), 0);
    assert_int_equal(fclose(out), 0);
    return text;
}

static void fill(struct table *table)
{
    static const char *const cells[] = {"12345", "hook-name", "aaa", "bbb", "because of it"};

    table_init(table, columns, 5);
    for (size_t i = 0; i < 5; i++)
        table_add(table, bytes_of(cells[i]));
}

static void assert_written(size_t width, const char *expected)
{
    struct table table;
    char *text;

    fill(&table);
    text = written(&table, width, false);
    assert_string_equal(text, expected);
    free(text);
    table_release(&table);
}

static void elsewhere_than_on_a_terminal_all_is_there(void **unused)
{
    (void)unused;
    assert_written(0, "ID     HOOK       A    B    WHY\n"
                      "12345  hook-name  aaa  bbb  because of it\n");
    assert_written(41, "ID     HOOK       A    B    WHY\n"
                       "12345  hook-name  aaa  bbb  because of it\n");
}

static void the_widest_column_is_cut(void **unused)
{
    (void)unused;
    assert_written(40, "ID     HOOK       A    B    WHY\n"
                       "12345  hook-name  aaa  bbb  because of..\n");
    assert_written(36, "ID     HOOK       A    B    WHY\n"
                       "12345  hook-name  aaa  bbb  becaus..\n");
    assert_written(25, "ID     HOOK      WHY\n"
                       "12345  hook-n..  becaus..\n");
    assert_written(21, "ID     HOOK    WHY\n"
                       "12345  hook..  beca..\n");
}

static void optional_columns_are_left_out_the_last_first(void **unused)
{
    (void)unused;
    assert_written(32, "ID     HOOK       A    WHY\n"
                       "12345  hook-name  aaa  because..\n");
    assert_written(28, "ID     HOOK       WHY\n"
                       "12345  hook-name  because ..\n");
}

static void no_line_is_longer_than_the_terminal(void **unused)
{
    (void)unused;
    for (size_t width = 1; width < 50; width++) {
        struct table table;
        char *text;

        fill(&table);
        text = written(&table, width, false);
        size_t title_len = strcspn(text, "\n");
        assert_true(title_len <= width);
        assert_true(strcspn(text + title_len + 1, "\n") <= width);
        free(text);
        table_release(&table);
    }
}

static void colour_takes_no_room(void **unused)
{
    struct table table;
    char *text;

    (void)unused;
    table_init(&table, columns, 5);
    table_add_toned(&table, BYTES("bad"), TONE_ERROR);
    table_add_toned(&table, BYTES("warn"), TONE_WARNING);
    table_add_toned(&table, BYTES("x"), TONE_OK);
    table_add(&table, BYTES(""));
    table_add_number(&table, -7);
    text = written(&table, 80, true);
    assert_string_equal(text, "ID   HOOK  A  B  WHY\n"
                              "\033[31mbad\033[0m  \033[33mwarn\033[0m  \033[32mx\033[0m  -  -7\n");
    free(text);
    text = written(&table, 80, false);
    assert_null(strchr(text, '\033'));
    free(text);
    table_release(&table);
}

static void what_a_terminal_would_obey_is_not_printed(void **unused)
{
    struct table table;
    char *text;

    (void)unused;
    table_init(&table, columns, 5);
    for (size_t i = 0; i < 5; i++)
        table_add(&table, BYTES("a\033[2J\u202e\u00e4"));
    text = written(&table, 0, false);
    assert_null(strchr(text, '\033'));
    assert_non_null(strstr(text, "a?[2J??"));
    free(text);
    table_release(&table);
}

/* By columns, not by bytes or characters: each of these characters takes two. */
static void columns_are_those_of_the_terminal(void **unused)
{
    static const char *const cells[] = {"1", "\u4e16\u754c\u4e16\u754c", "\u00e4", "b", "e\u0301"};
    struct table table;
    char *text;

    (void)unused;
    assert_int_equal(setenv("LC_ALL", "C.UTF-8", 1), 0);
    table_init(&table, columns, 5);
    for (size_t i = 0; i < 5; i++)
        table_add(&table, bytes_of(cells[i]));
    text = written(&table, 0, false);
    assert_string_equal(text, "ID  HOOK      A  B  WHY\n"
                              "1   \u4e16\u754c\u4e16\u754c  \u00e4  b  e\u0301\n");
    free(text);
    text = written(&table, 16, false);
    assert_string_equal(text, "ID  HOOK     WHY\n"
                              "1   \u4e16\u754c..   e\u0301\n");
    free(text);
    table_release(&table);
    assert_int_equal(setenv("LC_ALL", "C", 1), 0);
}

int main(void)
{
    if (setenv("LC_ALL", "C", 1) != 0)
        return 1;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(elsewhere_than_on_a_terminal_all_is_there),
        cmocka_unit_test(the_widest_column_is_cut),
        cmocka_unit_test(optional_columns_are_left_out_the_last_first),
        cmocka_unit_test(no_line_is_longer_than_the_terminal),
        cmocka_unit_test(colour_takes_no_room),
        cmocka_unit_test(what_a_terminal_would_obey_is_not_printed),
        cmocka_unit_test(columns_are_those_of_the_terminal),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
