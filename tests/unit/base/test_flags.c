#include "base/flags.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
/* cmocka.h needs those above. */
#include <cmocka.h>

#define ARGS_MAX (FLAGS_MAX + 8)

static const struct flag_spec specs[] = {
    {"room", "N", "", false},         {"header", "TEXT", "", true}, {"all", NULL, "", false},
    {"https", "[yes|no]", "", false}, {NULL, NULL, NULL, false},
};

static const struct flag_spec more_specs[] = {
    {"json", NULL, "", false},
    {"help", NULL, "", false},
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

static int parse(struct flags *flags, const char *const *words, struct error_text *why)
{
    static char *argv[ARGS_MAX];
    int argc = copy(words, argv);

    *flags = (struct flags){0};
    return flags_parse(flags, specs, more_specs, argc, argv, why);
}

static void flags_and_operands_mix(void **state)
{
    static const char *const words[] = {"a", "--room", "7", "-", "--all", "b", "--json", NULL};
    struct flags flags;
    struct error_text why;

    (void)state;
    assert_int_equal(parse(&flags, words, &why), 0);
    assert_string_equal(flags_value(&flags, "room"), "7");
    assert_true(flags_has(&flags, "all"));
    assert_true(flags_has(&flags, "json"));
    assert_false(flags_has(&flags, "header"));
    assert_null(flags_value(&flags, "header"));
    assert_int_equal(flags.operands_len, 3);
    assert_string_equal(flags.operands[0], "a");
    assert_string_equal(flags.operands[1], "-");
    assert_string_equal(flags.operands[2], "b");
}

static void values_may_be_attached(void **state)
{
    static const char *const words[] = {"--room=-7", "--header=--x=y", "--header",
                                        "-z",        "--header=",      NULL};
    struct flags flags;
    struct error_text why;

    (void)state;
    assert_int_equal(parse(&flags, words, &why), 0);
    assert_string_equal(flags_value(&flags, "room"), "-7");
    assert_string_equal(flags_value_at(&flags, "header", 0), "--x=y");
    assert_string_equal(flags_value_at(&flags, "header", 1), "-z");
    assert_string_equal(flags_value_at(&flags, "header", 2), "");
    assert_null(flags_value_at(&flags, "header", 3));
}

static void two_dashes_end_the_flags(void **state)
{
    static const char *const words[] = {"--all", "--", "--room", "-x", "--", NULL};
    struct flags flags;
    struct error_text why;

    (void)state;
    assert_int_equal(parse(&flags, words, &why), 0);
    assert_int_equal(flags.operands_len, 3);
    assert_string_equal(flags.operands[0], "--room");
    assert_string_equal(flags.operands[1], "-x");
    assert_string_equal(flags.operands[2], "--");
}

static void mistakes_are_named(void **state)
{
    static const struct {
        const char *words[4];
        const char *why;
    } rows[] = {
        {{"--rooms=1", NULL}, "unknown flag --rooms, did you mean --room?"},
        {{"--roo", "1", NULL}, "unknown flag --roo, did you mean --room?"},
        {{"-r", NULL}, "unknown flag -r"},
        {{"--=1", NULL}, "unknown flag --"},
        {{"--\x1b[31m", NULL}, "unknown flag --?[31m"},
        {{"--room", NULL}, "--room needs a value: --room=N"},
        {{"--room", "--all", NULL}, "--room needs a value: --room=N"},
        {{"--jsn", NULL}, "unknown flag --jsn, did you mean --json?"},
        {{"-room", "1", NULL}, "unknown flag -room, did you mean --room?"},
        {{"-h=1", NULL}, "unknown flag -h"},
        {{"--all=yes", NULL}, "--all takes no value"},
        {{"--room=1", "--room=2", NULL}, "--room is given twice"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct flags flags;
        struct error_text why;

        assert_int_equal(parse(&flags, rows[i].words, &why), -1);
        assert_string_equal(why.text, rows[i].why);
    }
}

static void too_many_flags_are_refused(void **state)
{
    const char *words[FLAGS_MAX + 2];
    struct flags flags;
    struct error_text why;

    (void)state;
    for (size_t i = 0; i <= FLAGS_MAX; i++)
        words[i] = "--header=x";
    words[FLAGS_MAX] = NULL;
    assert_int_equal(parse(&flags, words, &why), 0);
    words[FLAGS_MAX] = "--header=x";
    words[FLAGS_MAX + 1] = NULL;
    assert_int_equal(parse(&flags, words, &why), -1);
}

static void the_front_ends_at_the_first_operand(void **state)
{
    static const char *const words[] = {"--json", "--room", "1", "send", "--all", NULL};
    static char *argv[ARGS_MAX];
    struct flags flags = {0};
    struct error_text why;
    int argc = copy(words, argv);
    int used = -1;

    (void)state;
    assert_int_equal(flags_parse_front(&flags, more_specs, NULL, argc, argv, &used, &why), -1);
    assert_string_equal(why.text, "unknown flag --room");
    assert_int_equal(used, -1);

    flags = (struct flags){0};
    assert_int_equal(flags_parse_front(&flags, more_specs, NULL, 1, argv, &used, &why), 0);
    assert_int_equal(used, 1);
    assert_int_equal(flags_parse_front(&flags, specs, NULL, argc - 1, argv + 1, &used, &why), 0);
    assert_int_equal(used, 2);
    assert_true(flags_has(&flags, "json"));
    assert_string_equal(flags_value(&flags, "room"), "1");
    assert_false(flags_has(&flags, "all"));
}

/* A flag before the command and again behind it is given twice. */
static void parsing_adds_to_what_is_there(void **state)
{
    static const char *const words[] = {"--json", "send", "--json", NULL};
    static char *argv[ARGS_MAX];
    struct flags flags = {0};
    struct error_text why;
    int argc = copy(words, argv);
    int used = 0;

    (void)state;
    assert_int_equal(flags_parse_front(&flags, more_specs, NULL, argc, argv, &used, &why), 0);
    assert_int_equal(flags_parse(&flags, specs, more_specs, 1, argv + 2, &why), -1);
    assert_string_equal(why.text, "--json is given twice");
}

static void a_value_in_brackets_may_be_left_out(void **state)
{
    static const struct {
        const char *words[4];
        const char *value; /* NULL: left out */
    } rows[] = {
        {{"--https", NULL}, NULL},       {{"--https", "--all", NULL}, NULL},
        {{"--https", "no", NULL}, "no"}, {{"--https=no", "a", NULL}, "no"},
        {{"--https=", "no", NULL}, ""},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct flags flags;
        struct error_text why;

        assert_int_equal(parse(&flags, rows[i].words, &why), 0);
        assert_true(flags_has(&flags, "https"));
        if (rows[i].value)
            assert_string_equal(flags_value(&flags, "https"), rows[i].value);
        else
            assert_null(flags_value(&flags, "https"));
    }
}

static void h_is_help(void **state)
{
    static const char *const words[] = {"-h", NULL};
    struct flags flags;
    struct error_text why;

    (void)state;
    assert_int_equal(parse(&flags, words, &why), 0);
    assert_true(flags_has(&flags, "help"));
}

static void what_stands_in_front_of_a_mistake_is_there(void **state)
{
    static const char *const help[] = {"--help", "--rooms", NULL};
    static const char *const lacking[] = {"--all", "--room", NULL};
    struct flags flags;
    struct error_text why;

    (void)state;
    assert_int_equal(parse(&flags, help, &why), -1);
    assert_true(flags_has(&flags, "help"));
    assert_null(flags.lacks_value);
    assert_int_equal(parse(&flags, lacking, &why), -1);
    assert_true(flags_has(&flags, "all"));
    assert_false(flags_has(&flags, "room"));
    assert_ptr_equal(flags.lacks_value, &specs[0]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(flags_and_operands_mix),
        cmocka_unit_test(values_may_be_attached),
        cmocka_unit_test(two_dashes_end_the_flags),
        cmocka_unit_test(mistakes_are_named),
        cmocka_unit_test(a_value_in_brackets_may_be_left_out),
        cmocka_unit_test(h_is_help),
        cmocka_unit_test(what_stands_in_front_of_a_mistake_is_there),
        cmocka_unit_test(too_many_flags_are_refused),
        cmocka_unit_test(the_front_ends_at_the_first_operand),
        cmocka_unit_test(parsing_adds_to_what_is_there),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
