#include "cli/options.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
/* cmocka.h needs those above. */
#include <cmocka.h>

#define ARGS_MAX 80

static const struct option_spec specs[] = {
    {"room", "N", "", false},
    {"header", "TEXT", "", true},
    {"all", NULL, "", false},
    {NULL, NULL, NULL, false},
};

static const struct option_spec more_specs[] = {
    {"json", NULL, "", false},
    {NULL, NULL, NULL, false},
};

/* A copy of the NULL-ended words that the parser may compact. */
static int copy(const char *const *words, char *argv[ARGS_MAX])
{
    int argc = 0;

    for (; words[argc]; argc++)
        argv[argc] = (char *)(uintptr_t)words[argc];
    return argc;
}

static int parse(struct options *options, const char *const *words, struct error_text *why)
{
    static char *argv[ARGS_MAX];
    int argc = copy(words, argv);

    *options = (struct options){0};
    return options_parse(options, specs, more_specs, argc, argv, why);
}

static void flags_and_operands_mix(void **state)
{
    static const char *const words[] = {"a", "--room", "7", "-", "--all", "b", "--json", NULL};
    struct options options;
    struct error_text why;

    (void)state;
    assert_int_equal(parse(&options, words, &why), 0);
    assert_string_equal(options_value(&options, "room"), "7");
    assert_true(options_has(&options, "all"));
    assert_true(options_has(&options, "json"));
    assert_false(options_has(&options, "header"));
    assert_null(options_value(&options, "header"));
    assert_int_equal(options.operands_len, 3);
    assert_string_equal(options.operands[0], "a");
    assert_string_equal(options.operands[1], "-");
    assert_string_equal(options.operands[2], "b");
}

static void values_may_be_attached(void **state)
{
    static const char *const words[] = {"--room=-7", "--header=--x=y", "--header",
                                        "-z",        "--header=",      NULL};
    struct options options;
    struct error_text why;

    (void)state;
    assert_int_equal(parse(&options, words, &why), 0);
    assert_string_equal(options_value(&options, "room"), "-7");
    assert_string_equal(options_value_at(&options, "header", 0), "--x=y");
    assert_string_equal(options_value_at(&options, "header", 1), "-z");
    assert_string_equal(options_value_at(&options, "header", 2), "");
    assert_null(options_value_at(&options, "header", 3));
}

static void two_dashes_end_the_flags(void **state)
{
    static const char *const words[] = {"--all", "--", "--room", "-x", "--", NULL};
    struct options options;
    struct error_text why;

    (void)state;
    assert_int_equal(parse(&options, words, &why), 0);
    assert_int_equal(options.operands_len, 3);
    assert_string_equal(options.operands[0], "--room");
    assert_string_equal(options.operands[1], "-x");
    assert_string_equal(options.operands[2], "--");
}

static void mistakes_are_named(void **state)
{
    static const struct {
        const char *words[4];
        const char *why;
    } rows[] = {
        {{"--rooms=1", NULL}, "there is no flag --rooms here"},
        {{"--roo", "1", NULL}, "there is no flag --roo here"},
        {{"-r", NULL}, "there is no flag -r here"},
        {{"--=1", NULL}, "there is no flag -- here"},
        {{"--\x1b[31m", NULL}, "there is no flag --?[31m here"},
        {{"--room", NULL}, "--room needs a value: --room=N"},
        {{"--room", "--all", NULL}, "--room needs a value: --room=N"},
        {{"--all=yes", NULL}, "--all takes no value"},
        {{"--room=1", "--room=2", NULL}, "--room is given twice"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct options options;
        struct error_text why;

        assert_int_equal(parse(&options, rows[i].words, &why), -1);
        assert_string_equal(why.text, rows[i].why);
    }
}

static void too_many_flags_are_refused(void **state)
{
    const char *words[OPTIONS_MAX + 2];
    struct options options;
    struct error_text why;

    (void)state;
    for (size_t i = 0; i <= OPTIONS_MAX; i++)
        words[i] = "--header=x";
    words[OPTIONS_MAX] = NULL;
    assert_int_equal(parse(&options, words, &why), 0);
    words[OPTIONS_MAX] = "--header=x";
    words[OPTIONS_MAX + 1] = NULL;
    assert_int_equal(parse(&options, words, &why), -1);
}

static void the_front_ends_at_the_first_operand(void **state)
{
    static const char *const words[] = {"--json", "--room", "1", "send", "--all", NULL};
    static char *argv[ARGS_MAX];
    struct options options = {0};
    struct error_text why;
    int argc = copy(words, argv);
    int used = -1;

    (void)state;
    assert_int_equal(options_parse_front(&options, more_specs, argc, argv, &used, &why), -1);
    assert_string_equal(why.text, "there is no flag --room here");
    assert_int_equal(used, -1);

    options = (struct options){0};
    assert_int_equal(options_parse_front(&options, more_specs, 1, argv, &used, &why), 0);
    assert_int_equal(used, 1);
    assert_int_equal(options_parse_front(&options, specs, argc - 1, argv + 1, &used, &why), 0);
    assert_int_equal(used, 2);
    assert_true(options_has(&options, "json"));
    assert_string_equal(options_value(&options, "room"), "1");
    assert_false(options_has(&options, "all"));
}

/* A flag before the command and again behind it is given twice. */
static void parsing_adds_to_what_is_there(void **state)
{
    static const char *const words[] = {"--json", "send", "--json", NULL};
    static char *argv[ARGS_MAX];
    struct options options = {0};
    struct error_text why;
    int argc = copy(words, argv);
    int used = 0;

    (void)state;
    assert_int_equal(options_parse_front(&options, more_specs, argc, argv, &used, &why), 0);
    assert_int_equal(options_parse(&options, specs, more_specs, 1, argv + 2, &why), -1);
    assert_string_equal(why.text, "--json is given twice");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(flags_and_operands_mix),
        cmocka_unit_test(values_may_be_attached),
        cmocka_unit_test(two_dashes_end_the_flags),
        cmocka_unit_test(mistakes_are_named),
        cmocka_unit_test(too_many_flags_are_refused),
        cmocka_unit_test(the_front_ends_at_the_first_operand),
        cmocka_unit_test(parsing_adds_to_what_is_there),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
