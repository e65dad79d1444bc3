#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "process/state.h"

static void each_state_has_a_name(void **unused)
{
    (void)unused;
    for (int i = 0; i < PROCESS_STATES; i++)
        assert_true(strlen(process_state_name((enum process_state)i)) > 0);
}

static void a_worker_drains_and_is_refused_for_good(void **unused)
{
    (void)unused;
    for (int i = 0; i < PROCESS_STATES; i++) {
        enum process_state next = (enum process_state)i;

        assert_false(process_state_follows(next, next));
        assert_false(process_state_follows(PROCESS_REFUSED, next));
        assert_int_equal(process_state_follows(PROCESS_DRAINING, next), next == PROCESS_REFUSED);
        assert_int_equal(process_state_follows(PROCESS_WORKING, next), next != PROCESS_WORKING);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_state_has_a_name),
        cmocka_unit_test(a_worker_drains_and_is_refused_for_good),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
