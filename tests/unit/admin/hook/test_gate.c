#include "admin/hook/gate.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka.h needs those above. */
#include <cmocka.h>

#define NOW_MS INT64_C(1667548137257)

static void gates_are_read(void **state)
{
    static const struct {
        const char *text;
        enum gate_kind kind;
        int64_t at_ms;
    } rows[] = {
        {"1667548137257.125 paused 0ecbac1b", GATE_PAUSED, NOW_MS},
        {"1667548137257 paused-open 0ecbac1b", GATE_PAUSED_OPEN, NOW_MS},
        {"0 open -", GATE_OPEN, 0},
        {"1. rate 0", GATE_RATE, 1},
        {"1.0 disabled 0ecbac1b", GATE_DISABLED, 1},
    };
    struct gate gate;

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_int_equal(gate_parse(bytes_of(rows[i].text), &gate), 0);
        assert_int_equal(gate.kind, rows[i].kind);
        assert_int_equal(gate.at_ms, rows[i].at_ms);
    }
}

static void other_texts_are_no_gates(void **state)
{
    static const char *const texts[] = {
        "",
        " ",
        "1",
        "1 open",
        "1 open ",
        "1 odd 0",
        "1 removed 0",
        "1 Open 0",
        "-1 open 0",
        "x open 0",
        "1.x open 0",
        "1 open  ",
        "1 open 0 0",
        " 1 open 0",
        "1  open 0",
        "inf open 0",
        "1e3 open 0",
        "1 open 0123456789abcdef",
        "99999999999999999999 open 0",
    };
    struct gate gate;

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        assert_int_equal(gate_parse(bytes_of(texts[i]), &gate), -1);
        assert_int_equal(gate.kind, GATE_NONE);
    }
}

static bool is_shut(const char *text, const char *fingerprint)
{
    struct gate gate;

    (void)gate_parse(bytes_of(text), &gate);
    return gate_is_shut(&gate, fingerprint, NOW_MS);
}

static void a_gate_is_shut_for_its_fingerprint(void **state)
{
    (void)state;
    assert_true(is_shut("1667548137258 paused 0ecbac1b", "0ecbac1b"));
    assert_true(is_shut("1667548137258 paused 0ecbac1b", NULL));
    assert_false(is_shut("1667548137258 paused 0ecbac1b", "0ecbac1c"));
    assert_false(is_shut("no", NULL));
}

static void what_is_over_keeps_nothing_back(void **state)
{
    (void)state;
    assert_false(is_shut("1667548137257 paused 0", NULL));
    assert_false(is_shut("1667548137257 rate 0", NULL));
    /* One passes, the others do not. */
    assert_true(is_shut("1667548137257 open 0", NULL));
    assert_true(is_shut("1 paused-open 0", NULL));
    assert_true(is_shut("1 disabled 0", NULL));
}

/* From before a clock went back. */
static void one_that_is_too_far_away_keeps_nothing_back(void **state)
{
    (void)state;
    assert_true(is_shut("1667551738257 open 0", NULL)); /* an hour and a second */
    assert_false(is_shut("1667551738258 open 0", NULL));
    assert_true(is_shut("1667551738257 rate 0", NULL));
    assert_false(is_shut("1667551738258 rate 0", NULL));
    assert_true(is_shut("1670140137257 paused 0", NULL)); /* 30 days */
    assert_false(is_shut("1670140137258 paused 0", NULL));
    assert_true(is_shut("9223372036854775807 disabled 0", NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gates_are_read),
        cmocka_unit_test(other_texts_are_no_gates),
        cmocka_unit_test(a_gate_is_shut_for_its_fingerprint),
        cmocka_unit_test(what_is_over_keeps_nothing_back),
        cmocka_unit_test(one_that_is_too_far_away_keeps_nothing_back),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
