#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "redis/link_outage.h"

static void each_reason_is_said_once(void **unused)
{
    struct link_outage outage = {0};

    (void)unused;
    assert_int_equal(link_outage_note(&outage, FAULT_LOST, "closed", 1000), OUTAGE_REASON);
    for (int64_t now = 1100; now < 9000; now += 1000) {
        enum outage_says expected = now == 1100 ? OUTAGE_REASON : OUTAGE_SILENT;
        assert_int_equal(link_outage_note(&outage, FAULT_UNREACHABLE, "refused", now), expected);
        assert_int_equal(link_outage_note(&outage, FAULT_UNREACHABLE, "no such name", now),
                         expected);
    }
    assert_int_equal(link_outage_note(&outage, FAULT_TIMEOUT, "refused", 9000), OUTAGE_REASON);
    assert_int_equal(outage.failures, 18);
    assert_int_equal(outage.began_ms, 1000);
}

/* As those of a way to Redis that answers with something else each time. */
static void reasons_without_end_are_no_flood(void **unused)
{
    struct link_outage outage = {0};
    int said = 0;

    (void)unused;
    for (int i = 0; i < 1000; i++) {
        char why[30];
        snprintf(why, sizeof(why), "error %d", i);
        said += link_outage_note(&outage, FAULT_OTHER, why, 1000) != OUTAGE_SILENT;
    }
    assert_int_equal(said, OUTAGE_REASONS_MAX);
}

/* However long the words are: they are compared as they are kept. */
static void a_long_reason_is_known_again(void **unused)
{
    struct link_outage outage = {0};
    char why[2000];

    (void)unused;
    memset(why, 'x', sizeof(why) - 1);
    why[sizeof(why) - 1] = '\0';
    assert_int_equal(link_outage_note(&outage, FAULT_OTHER, why, 0), OUTAGE_REASON);
    assert_int_equal(link_outage_note(&outage, FAULT_OTHER, why, 0), OUTAGE_SILENT);
}

static void a_long_outage_has_reminders(void **unused)
{
    struct link_outage outage = {0};
    const int64_t minute = 60000;
    const int64_t last = 4 * 60; /* minutes */
    char said[200] = "";

    (void)unused;
    for (int64_t now = 0; now <= last * minute; now += 5000) {
        enum outage_says says = link_outage_note(&outage, FAULT_UNREACHABLE, "refused", now);
        if (says == OUTAGE_REMINDER)
            snprintf(said + strlen(said), sizeof(said) - strlen(said), "%d ", (int)(now / minute));
    }
    assert_string_equal(said, "1 3 7 15 31 63 123 183 ");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_reason_is_said_once),
        cmocka_unit_test(reasons_without_end_are_no_flood),
        cmocka_unit_test(a_long_reason_is_known_again),
        cmocka_unit_test(a_long_outage_has_reminders),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
