#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "redis/fault.h"
#include "reply_of.h"

enum heals {
    KEEP,
    RECONNECT
};

static const struct refusal {
    const char *words;
    enum redis_fault fault;
    enum rh_status status;
    enum heals heals;
} refusals[] = {
#define REFUSAL(words, fault, status, heals) {words, FAULT_##fault, RH_ERR_##status, heals},
#include "../../support/redis_faults.def"
#undef REFUSAL
};

static enum redis_fault fault_of(const char *bytes)
{
    struct reply *reply = reply_of(bytes);
    enum redis_fault fault = redis_fault_of(reply);

    reply_free(reply);
    return fault;
}

static void first_words_decide(void **unused)
{
    (void)unused;
    for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
        const struct refusal *row = &refusals[i];
        char bytes[200];
        snprintf(bytes, sizeof(bytes), "-%s\r\n", row->words);
        enum redis_fault fault = fault_of(bytes);
        if (fault != row->fault || redis_fault_status(fault) != row->status ||
            redis_fault_needs_reconnect(fault) != (row->heals == RECONNECT))
            fail_msg("%s", row->words);
    }
}

static void what_is_no_error_is_no_fault(void **unused)
{
    (void)unused;
    assert_int_equal(fault_of("+OK\r\n"), FAULT_NONE);
    assert_int_equal(fault_of("+LOADING\r\n"), FAULT_NONE);
    assert_int_equal(fault_of("$-1\r\n"), FAULT_NONE);
    assert_int_equal(fault_of("*0\r\n"), FAULT_NONE);
    assert_false(redis_fault_needs_reconnect(FAULT_NONE));
    assert_int_equal(redis_fault_of(NULL), FAULT_LOST);
}

static void the_table_has_each_refusal(void **unused)
{
    (void)unused;
    for (int fault = FAULT_LOADING; fault < FAULTS; fault++) {
        bool found = false;
        for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++)
            found = found || (int)refusals[i].fault == fault;
        if (!found)
            fail_msg("%s", redis_fault_name((enum redis_fault)fault));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(first_words_decide),
        cmocka_unit_test(what_is_no_error_is_no_fault),
        cmocka_unit_test(the_table_has_each_refusal),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
