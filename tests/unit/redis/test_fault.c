#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <hiredis/hiredis.h>

#include "base/log.h"
#include "redis/fault.h"

/* The reply that Redis' bytes stand for; for freeReplyObject. */
static struct reply *reply_of(const char *bytes)
{
    redisReader *reader = redisReaderCreate();
    void *reply = NULL;

    assert_int_equal(redisReaderFeed(reader, bytes, strlen(bytes)), REDIS_OK);
    assert_int_equal(redisReaderGetReply(reader, &reply), REDIS_OK);
    assert_non_null(reply);
    redisReaderFree(reader);
    return reply;
}

static enum redis_fault fault_of(const char *bytes)
{
    struct reply *reply = reply_of(bytes);
    enum redis_fault fault = redis_fault_of(reply);

    freeReplyObject(reply);
    return fault;
}

static void first_words_tell_the_fault(void **unused)
{
    static const struct {
        const char *bytes;
        enum redis_fault fault;
    } rows[] = {
        {"+OK\r\n", FAULT_NONE},
        {"$-1\r\n", FAULT_NONE},
        {"*0\r\n", FAULT_NONE},
        {"-LOADING Redis is loading the dataset in memory\r\n", FAULT_LOADING},
        {"-READONLY You can't write against a read only replica.\r\n", FAULT_READONLY},
        {"-MASTERDOWN Link with MASTER is down\r\n", FAULT_READONLY},
        {"-NOAUTH Authentication required.\r\n", FAULT_NOAUTH},
        {"-WRONGPASS invalid username-password pair\r\n", FAULT_NOAUTH},
        {"-NOSCRIPT No matching script. Please use EVAL.\r\n", FAULT_NOSCRIPT},
        {"-NOGROUP No such key\r\n", FAULT_NOGROUP},
        {"-UNBLOCKED the stream key no longer exists\r\n", FAULT_NOGROUP},
        {"-ERR no such key\r\n", FAULT_NOGROUP},
        {"-OOM command not allowed\r\n", FAULT_OOM},
        {"-MISCONF Errors writing to the AOF file\r\n", FAULT_MISCONF},
        {"-BUSY Redis is busy running a script\r\n", FAULT_BUSY},
        {"-NOPERM this user has no permissions\r\n", FAULT_NOPERM},
        {"-ERR The user executing the script can't run this command\r\n", FAULT_NOPERM},
        {"-ERR ACL failure in script: User hooks has no permissions\r\n", FAULT_NOPERM},
        {"-WRONGTYPE Operation against a key\r\n", FAULT_WRONGTYPE},
        {"-EXECABORT Transaction discarded\r\n", FAULT_EXECABORT},
        {"-TRYAGAIN\r\n", FAULT_OTHER},
        {"-BUSYGROUP Consumer Group name already exists\r\n", FAULT_OTHER},
        {"-OOMX\r\n", FAULT_OTHER},
        {"-ERR unknown command\r\n", FAULT_OTHER},
        {"-\r\n", FAULT_OTHER},
    };

    (void)unused;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (fault_of(rows[i].bytes) != rows[i].fault)
            fail_msg("%s", rows[i].bytes);
    }
    assert_int_equal(redis_fault_of(NULL), FAULT_LOST);
}

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

static void only_a_new_connection_heals_some(void **unused)
{
    (void)unused;
    assert_true(redis_fault_needs_reconnect(FAULT_READONLY));
    assert_true(redis_fault_needs_reconnect(FAULT_LOADING));
    assert_true(redis_fault_needs_reconnect(FAULT_NOAUTH));
    assert_false(redis_fault_needs_reconnect(FAULT_MISCONF));
    assert_false(redis_fault_needs_reconnect(FAULT_NONE));
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
    freeReplyObject(misconf);
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
    freeReplyObject(wrongtype);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(first_words_tell_the_fault),
        cmocka_unit_test(each_fault_has_a_counter_of_its_own),
        cmocka_unit_test(only_a_new_connection_heals_some),
        cmocka_unit_test(a_complaint_lasts_until_it_was_quiet_for_a_while),
        cmocka_unit_test(complaints_about_keys_are_told_apart),
    };

    log_configure(LOG_ERROR, LOG_LOGFMT);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
