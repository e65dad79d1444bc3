#include "admin/lane/condition.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka.h needs those above. */
#include <cmocka.h>

#define NOW_MS INT64_C(1667548137257)

static struct lane_facts facts;

/* A lane of a healthy hook. */
static int begin(void **state)
{
    (void)state;
    facts = (struct lane_facts){.has_hook = true, .fingerprint = "0ecbac1b", .head_ms = NOW_MS - 1};
    return 0;
}

static void assert_condition(enum lane_condition condition)
{
    assert_int_equal(lane_condition_of(&facts, NOW_MS), condition);
}

static void its_head_says_when(void **state)
{
    (void)state;
    assert_condition(LANE_DUE);
    facts.head_ms = NOW_MS;
    assert_condition(LANE_DUE);
    facts.head_ms = NOW_MS + 1;
    assert_condition(LANE_WAITS);
}

static void its_gate_keeps_it_back(void **state)
{
    static const struct {
        enum gate_kind kind;
        enum lane_condition condition;
    } rows[] = {
        {GATE_PAUSED, LANE_PAUSED}, {GATE_PAUSED_OPEN, LANE_PAUSED}, {GATE_OPEN, LANE_OPEN},
        {GATE_RATE, LANE_RATE},     {GATE_DISABLED, LANE_DISABLED},  {GATE_NONE, LANE_DUE},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        facts.gate = (struct gate){rows[i].kind, NOW_MS + 1000, "0ecbac1b"};
        assert_condition(rows[i].condition);
        facts.fingerprint = "other";
        assert_condition(LANE_DUE);
        facts.fingerprint = "0ecbac1b";
    }
}

static void its_hook_comes_first(void **state)
{
    (void)state;
    facts.gate = (struct gate){GATE_OPEN, NOW_MS + 1000, "0ecbac1b"};
    facts.is_disabled = true;
    assert_condition(LANE_DISABLED);
    facts.has_hook = false;
    assert_condition(LANE_REMOVED);
    facts.is_broken = true;
    assert_condition(LANE_BROKEN);
}

static void an_inline_hook_is_always_there(void **state)
{
    (void)state;
    facts = (struct lane_facts){.is_inline = true, .head_ms = NOW_MS};
    assert_condition(LANE_DUE);
    facts.gate = (struct gate){GATE_OPEN, NOW_MS + 1000, "0ecbac1b"};
    assert_condition(LANE_OPEN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(its_head_says_when, begin),
        cmocka_unit_test_setup(its_gate_keeps_it_back, begin),
        cmocka_unit_test_setup(its_hook_comes_first, begin),
        cmocka_unit_test_setup(an_inline_hook_is_always_there, begin),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
