#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/log.h"
#include "redis/link_faults.h"
#include "reply_of.h"

static void each_fault_has_a_counter_of_its_own(void **unused)
{
    struct counters counters = {0};
    struct redis_faults faults = {.counters = &counters};

    (void)unused;
    for (int fault = FAULT_NONE + 1; fault < FAULTS; fault++) {
        char name[40];
        int found = -1;
        redis_faults_count(&faults, (enum redis_fault)fault);
        snprintf(name, sizeof(name), "redis_%s", redis_fault_name((enum redis_fault)fault));
        for (int i = 0; i < COUNTERS; i++)
            found = strcmp(counter_name((enum counter)i), name) == 0 ? i : found;
        assert_true(found >= 0);
        assert_int_equal(counters.total[found], 1);
        assert_int_equal(counters.total[COUNTER_REDIS_ERRORS], fault);
    }
}

static void a_complaint_lasts_until_it_was_quiet_for_a_while(void **unused)
{
    struct redis_faults faults = {0};
    struct reply *misconf = reply_of("-MISCONF Errors writing\r\n");

    (void)unused;
    redis_faults_complain(&faults, misconf, "heartbeat a", 1000);
    redis_faults_complain(&faults, misconf, "XREADGROUP GROUP", 2000);
    assert_int_equal(faults.open_len, 1); /* all of Redis has it: one line */
    assert_int_equal(faults.open[0].times, 2);
    redis_faults_look(&faults, 2000 + REDIS_FAULT_QUIET_MS - 1);
    assert_int_equal(faults.open_len, 1);
    redis_faults_look(&faults, 2000 + REDIS_FAULT_QUIET_MS);
    assert_int_equal(faults.open_len, 0);
    reply_free(misconf);
}

static void complaints_about_keys_are_told_apart(void **unused)
{
    struct redis_faults faults = {0};
    struct reply *wrongtype = reply_of("-WRONGTYPE Operation\r\n");

    (void)unused;
    for (int i = 0; i < 2; i++) {
        redis_faults_complain(&faults, wrongtype, "HGETALL {q}:room:1", 1000);
        redis_faults_complain(&faults, wrongtype, "HGETALL {q}:room:2", 1000);
    }
    assert_int_equal(faults.open_len, 2);
    for (int i = 0; i < 3 * REDIS_FAULTS_OPEN_MAX; i++) {
        char about[30];
        snprintf(about, sizeof(about), "HGETALL {q}:room:%d", i);
        redis_faults_complain(&faults, wrongtype, about, 5000);
    }
    assert_int_equal(faults.open_len, REDIS_FAULTS_OPEN_MAX);
    redis_faults_look(&faults, 5000 + REDIS_FAULT_QUIET_MS);
    assert_int_equal(faults.open_len, 0);
    reply_free(wrongtype);
}

static void the_last_refusal_that_does_not_heal_is_told(void **unused)
{
    struct redis_faults faults = {0};
    struct reply *noperm = reply_of("-NOPERM this user has no permissions\r\n");
    struct reply *wrongtype = reply_of("-WRONGTYPE Operation\r\n");
    struct reply *noscript = reply_of("-NOSCRIPT No matching script.\r\n");

    (void)unused;
    assert_null(redis_faults_last(&faults, 1000));
    redis_faults_complain(&faults, wrongtype, "HGETALL {q}:room:1", 1000);
    redis_faults_complain(&faults, noperm, "acknowledge {q}:events", 2000);
    redis_faults_complain(&faults, noscript, "acknowledge {q}:events", 3000);
    assert_int_equal(redis_faults_last(&faults, 3000)->fault, FAULT_NOPERM);
    redis_faults_complain(&faults, wrongtype, "HGETALL {q}:room:1", 4000);
    assert_string_equal(redis_faults_last(&faults, 4000)->about, "HGETALL {q}:room:1");
    assert_non_null(redis_faults_last(&faults, 4000 + REDIS_FAULT_QUIET_MS - 1));
    assert_null(redis_faults_last(&faults, 4000 + REDIS_FAULT_QUIET_MS));
    freeReplyObject(noperm);
    freeReplyObject(wrongtype);
    freeReplyObject(noscript);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_fault_has_a_counter_of_its_own),
        cmocka_unit_test(a_complaint_lasts_until_it_was_quiet_for_a_while),
        cmocka_unit_test(complaints_about_keys_are_told_apart),
        cmocka_unit_test(the_last_refusal_that_does_not_heal_is_told),
    };

    log_configure(LOG_ERROR, LOG_LOGFMT);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
