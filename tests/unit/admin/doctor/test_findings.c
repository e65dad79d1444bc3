#include "cli/cli.h"
#include "fixture.h"

static struct findings findings;

static int begin(void **state)
{
    (void)state;
    findings = (struct findings){0};
    return 0;
}

static void advice_belongs_to_the_last_one(void **state)
{
    (void)state;
    findings_add(&findings, PART_REDIS, "a", LEVEL_ERROR, "a is %d", 1);
    findings_advise(&findings, "mend %s", "a");
    findings_add(&findings, PART_QUEUE, "b", LEVEL_OK, "b");
    assert_int_equal(findings.len, 2);
    assert_string_equal(found(&findings, "a")->text, "a is 1");
    assert_string_equal(found(&findings, "a")->advice, "mend a");
    assert_string_equal(found(&findings, "b")->advice, "");
    assert_int_equal(found(&findings, "b")->part, PART_QUEUE);
}

static void many_of_a_kind_are_counted(void **state)
{
    (void)state;
    for (int i = 0; i < 1000; i++) {
        findings_add(&findings, PART_HOOKS, "bad", LEVEL_ERROR, "hook %d", i);
        findings_advise(&findings, "mend %d", i);
    }
    findings_add(&findings, PART_HOOKS, "bad", LEVEL_NOTE, "another level");
    assert_int_equal(findings.len, FINDINGS_OF_A_CHECK + 1);
    assert_int_equal(findings.counts[LEVEL_ERROR], 1000);
    assert_int_equal(findings.counts[LEVEL_NOTE], 1);
    const struct finding *last = &findings.list[FINDINGS_OF_A_CHECK - 1];
    assert_string_equal(last->text, "hook 9");
    assert_string_equal(last->advice, "mend 9");
    assert_int_equal(last->more, 1000 - FINDINGS_OF_A_CHECK);
    assert_int_equal(findings.list[0].more, 0);
}

static void very_many_kinds_are_bounded(void **state)
{
    static char names[2 * FINDINGS_MAX][8];

    (void)state;
    for (size_t i = 0; i < 2 * FINDINGS_MAX; i++) {
        (void)snprintf(names[i], sizeof(names[i]), "%zu", i);
        findings_add(&findings, PART_HOOKS, names[i], LEVEL_NOTE, "x");
    }
    assert_int_equal(findings.len, FINDINGS_MAX);
    assert_int_equal(findings.counts[LEVEL_NOTE], 2 * FINDINGS_MAX);
}

static void the_same_is_told_once(void **state)
{
    (void)state;
    for (int i = 0; i < 3; i++) {
        findings_add(&findings, PART_HOOKS, "bad", LEVEL_ERROR, "hook 1");
        findings_advise(&findings, "do %d", i);
    }
    assert_int_equal(findings.len, 1);
    assert_int_equal(findings.counts[LEVEL_ERROR], 1);
    assert_string_equal(findings.list[0].advice, "do 0");
}

static void long_text_is_cut(void **state)
{
    char text[2 * FINDING_TEXT_SIZE];

    (void)state;
    memset(text, 'x', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    findings_add(&findings, PART_REDIS, "long", LEVEL_OK, "%s", text);
    findings_advise(&findings, "%s", text);
    assert_int_equal(strlen(findings.list[0].text), FINDING_TEXT_SIZE - 1);
    assert_int_equal(strlen(findings.list[0].advice), FINDING_TEXT_SIZE - 1);
}

static void exit_code_is_of_the_worst(void **state)
{
    static const struct {
        enum level level;
        bool bad;
    } cases[] = {
        {LEVEL_OK, false},     {LEVEL_NOTE, false}, {LEVEL_UNCHECKED, true},
        {LEVEL_WARNING, true}, {LEVEL_ERROR, true},
    };

    assert_false(findings_are_bad(&findings));
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        begin(state);
        findings_add(&findings, PART_REDIS, "a", cases[i].level, "x");
        findings_add(&findings, PART_REDIS, "b", LEVEL_OK, "x");
        assert_int_equal(findings_are_bad(&findings), cases[i].bad);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(advice_belongs_to_the_last_one, begin),
        cmocka_unit_test_setup(many_of_a_kind_are_counted, begin),
        cmocka_unit_test_setup(very_many_kinds_are_bounded, begin),
        cmocka_unit_test_setup(the_same_is_told_once, begin),
        cmocka_unit_test_setup(long_text_is_cut, begin),
        cmocka_unit_test_setup(exit_code_is_of_the_worst, begin),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
