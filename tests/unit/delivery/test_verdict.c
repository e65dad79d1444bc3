#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "delivery/verdict.h"

#define SECOND INT64_C(1000)
#define HOUR (3600 * SECOND)
#define DAY (24 * HOUR)
#define SEEDS 500

static const int64_t schedule_ms[] = {5 * SECOND, 300 * SECOND, HOUR};
static const int permanent[] = {400, 405, 411, 413, 414, 415, 422, 431, 501};

static const struct verdict_policy policy = {
    .retry_schedule_ms = schedule_ms,
    .retry_schedule_len = 3,
    .retry_jitter_percent = 20,
    .permanent = {permanent, sizeof(permanent) / sizeof(permanent[0])},
    .max_age_ms = 5 * DAY,
    .retry_after_max_ms = DAY,
};

static struct attempt_result answered(int status)
{
    return (struct attempt_result){.end = ATTEMPT_ANSWERED, .status = status, .request_sent = true};
}

static struct verdict first_verdict(const struct attempt_result *result)
{
    return verdict_of(result, &policy, 1, 0, 7);
}

/* What a status from 200 to 999 means by the table of docs/protocol.md. */
static enum verdict_kind expected_kind(int status)
{
    if (status <= 299)
        return VERDICT_DELIVERED;
    switch (status) {
    case 400:
    case 405:
    case 410:
    case 411:
    case 413:
    case 414:
    case 415:
    case 422:
    case 431:
    case 501:
        return VERDICT_DEAD;
    default:
        return VERDICT_RETRY;
    }
}

static void every_status_has_the_verdict_of_the_table(void **unused)
{
    (void)unused;
    for (int status = 200; status <= 999; status++) {
        struct attempt_result result = answered(status);
        struct verdict verdict = first_verdict(&result);

        assert_int_equal(verdict.kind, expected_kind(status));
        assert_int_equal(verdict.disable_hook, status == 410);
        assert_false(verdict.early_response);
        assert_int_equal(verdict.pause_ms, 0);
        if (verdict.kind == VERDICT_DEAD)
            assert_int_equal(verdict.reason, status == 410 ? DEAD_GONE : DEAD_REJECTED);
        if (verdict.kind == VERDICT_RETRY)
            assert_in_range(verdict.delay_ms, 4000, 6000);
    }
}

static void success_before_the_request_was_sent_is_retried(void **unused)
{
    (void)unused;
    for (int status = 200; status <= 299; status++) {
        struct attempt_result result = answered(status);
        struct verdict verdict;

        result.request_sent = false;
        verdict = first_verdict(&result);
        assert_int_equal(verdict.kind, VERDICT_RETRY);
        assert_true(verdict.early_response);
        assert_in_range(verdict.delay_ms, 4000, 6000);
    }
}

static void refusal_before_the_request_was_sent_counts(void **unused)
{
    struct attempt_result result = answered(413);
    struct verdict verdict;

    (void)unused;
    result.request_sent = false;
    verdict = first_verdict(&result);
    assert_int_equal(verdict.kind, VERDICT_DEAD);
    assert_int_equal(verdict.reason, DEAD_REJECTED);
    assert_false(verdict.early_response);
}

static void every_end_without_status_has_its_verdict(void **unused)
{
    static const struct {
        enum attempt_end end;
        enum verdict_kind kind;
        enum dead_reason reason;
        const char *name;
    } rows[] = {
        {ATTEMPT_TIMEOUT, VERDICT_RETRY, 0, "timeout"},
        {ATTEMPT_DNS, VERDICT_RETRY, 0, "dns"},
        {ATTEMPT_CONNECT, VERDICT_RETRY, 0, "connect"},
        {ATTEMPT_TLS, VERDICT_RETRY, 0, "tls"},
        {ATTEMPT_BROKEN, VERDICT_RETRY, 0, "broken"},
        {ATTEMPT_BLOCKED, VERDICT_DEAD, DEAD_BLOCKED, "blocked"},
        {ATTEMPT_BAD_URL, VERDICT_DEAD, DEAD_BAD_URL, "bad-url"},
        {ATTEMPT_LOCAL, VERDICT_RELEASE, 0, "local"},
        {ATTEMPT_DIRTY, VERDICT_REDO, 0, "dirty"},
        {ATTEMPT_NO_LOOKUP, VERDICT_RELEASE, 0, "no-lookup"},
        {ATTEMPT_CROWDED, VERDICT_REQUEUE, 0, "crowded"},
    };

    (void)unused;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct attempt_result result = {.end = rows[i].end};
        struct verdict verdict = first_verdict(&result);

        assert_string_equal(attempt_end_name(rows[i].end), rows[i].name);
        assert_int_equal(verdict.kind, rows[i].kind);
        assert_int_equal(verdict.reason, rows[i].reason);
        assert_int_equal(verdict.pause_ms, 0);
        assert_false(verdict.disable_hook);
        if (verdict.kind == VERDICT_RETRY)
            assert_in_range(verdict.delay_ms, 4000, 6000);
    }
    assert_string_equal(attempt_end_name(ATTEMPT_ANSWERED), "answered");
}

static void delays_follow_the_schedule_then_exhausted(void **unused)
{
    struct attempt_result result = {.end = ATTEMPT_CONNECT};

    (void)unused;
    for (int attempts = 1; attempts <= 3; attempts++) {
        int64_t base = schedule_ms[attempts - 1];
        int64_t least = INT64_MAX;
        int64_t most = 0;

        for (uint64_t seed = 0; seed < SEEDS; seed++) {
            struct verdict verdict = verdict_of(&result, &policy, attempts, HOUR, seed);

            assert_int_equal(verdict.kind, VERDICT_RETRY);
            assert_in_range(verdict.delay_ms, base * 8 / 10, base * 12 / 10);
            least = verdict.delay_ms < least ? verdict.delay_ms : least;
            most = verdict.delay_ms > most ? verdict.delay_ms : most;
        }
        assert_true(least < base * 82 / 100 && most > base * 118 / 100);
    }
    for (int attempts = 4; attempts <= 5; attempts++) {
        struct verdict verdict = verdict_of(&result, &policy, attempts, HOUR, 1);

        assert_int_equal(verdict.kind, VERDICT_DEAD);
        assert_int_equal(verdict.reason, DEAD_EXHAUSTED);
    }
    assert_int_equal(verdict_of(&result, &policy, INT_MAX, 0, 1).reason, DEAD_EXHAUSTED);
    assert_int_equal(verdict_of(&result, &policy, 0, 0, 1).kind, VERDICT_RETRY);
}

static void empty_schedule_never_retries(void **unused)
{
    struct verdict_policy once = policy;
    struct attempt_result result = answered(500);
    struct verdict verdict;

    (void)unused;
    once.retry_schedule_len = 0;
    verdict = verdict_of(&result, &once, 1, 0, 1);
    assert_int_equal(verdict.kind, VERDICT_DEAD);
    assert_int_equal(verdict.reason, DEAD_EXHAUSTED);
}

static void retry_starting_after_max_age_is_expired(void **unused)
{
    struct verdict_policy exact = policy;
    struct attempt_result result = answered(500);

    (void)unused;
    exact.retry_jitter_percent = 0;
    exact.max_age_ms = HOUR;
    /* The retry would start at 59:55 + 5 s, which is the last moment allowed. */
    assert_int_equal(verdict_of(&result, &exact, 1, HOUR - 5 * SECOND, 1).kind, VERDICT_RETRY);
    assert_int_equal(verdict_of(&result, &exact, 1, HOUR - 5 * SECOND + 1, 1).kind, VERDICT_DEAD);
    assert_int_equal(verdict_of(&result, &exact, 1, HOUR - 5 * SECOND + 1, 1).reason, DEAD_EXPIRED);
    assert_int_equal(verdict_of(&result, &exact, 1, INT64_MAX, 1).reason, DEAD_EXPIRED);
    /* Out of retries is the plainer truth when both hold. */
    assert_int_equal(verdict_of(&result, &exact, 4, 2 * HOUR, 1).reason, DEAD_EXHAUSTED);
    /* A clock that stepped back. */
    assert_int_equal(verdict_of(&result, &exact, 1, -DAY, 1).kind, VERDICT_RETRY);
    assert_int_equal(verdict_of(&result, &exact, 1, INT64_MIN, 1).kind, VERDICT_RETRY);
    /* Age does not undo a success or a refusal. */
    result = answered(200);
    assert_int_equal(verdict_of(&result, &exact, 9, 2 * HOUR, 1).kind, VERDICT_DELIVERED);
    result = answered(400);
    assert_int_equal(verdict_of(&result, &exact, 9, 2 * HOUR, 1).reason, DEAD_REJECTED);
}

static void retry_after_is_honoured_for_busy_statuses_only(void **unused)
{
    (void)unused;
    for (int status = 200; status <= 599; status++) {
        struct attempt_result result = answered(status);
        bool busy = status == 429 || status == 502 || status == 503 || status == 504;
        struct verdict verdict;

        result.retry_after_ms = 2 * HOUR;
        verdict = first_verdict(&result);
        assert_int_equal(verdict.kind, expected_kind(status));
        assert_int_equal(verdict.pause_ms, busy ? 2 * HOUR : 0);
        if (busy)
            assert_in_range(verdict.delay_ms, 2 * HOUR, 2 * HOUR * 12 / 10);
        else if (verdict.kind == VERDICT_RETRY)
            assert_in_range(verdict.delay_ms, 4000, 6000);
    }
}

static void retry_after_without_a_status_is_ignored(void **unused)
{
    struct attempt_result result = {.end = ATTEMPT_TIMEOUT, .retry_after_ms = HOUR};
    struct verdict verdict = first_verdict(&result);

    (void)unused;
    assert_int_equal(verdict.pause_ms, 0);
    assert_in_range(verdict.delay_ms, 4000, 6000);
}

static void retry_after_is_never_undercut_and_spread_upwards(void **unused)
{
    static const struct {
        int64_t retry_after_ms;
        int64_t pause_ms;
        int64_t low_ms, high_ms; /* of the delay; the schedule says 5 s ± 20 % */
    } rows[] = {
        {-1, 0, 4000, 6000},
        {0, 0, 4000, 6000},
        {1, 1, 4000, 6000},
        {3000, 3000, 4000, 6000},
        {5000, 5000, 5000, 6000},
        {5900, 5900, 5900, 7080},
        {60000, 60000, 60000, 72000},
        {DAY, DAY, DAY, DAY * 12 / 10},
        {DAY + 1, DAY, DAY, DAY * 12 / 10},
        {INT64_MAX, DAY, DAY, DAY * 12 / 10},
    };
    struct attempt_result result = answered(503);

    (void)unused;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        int64_t most = 0;

        result.retry_after_ms = rows[i].retry_after_ms;
        for (uint64_t seed = 0; seed < SEEDS; seed++) {
            struct verdict verdict = verdict_of(&result, &policy, 1, 0, seed);

            assert_int_equal(verdict.kind, VERDICT_RETRY);
            assert_int_equal(verdict.pause_ms, rows[i].pause_ms);
            assert_in_range(verdict.delay_ms, rows[i].low_ms, rows[i].high_ms);
            most = verdict.delay_ms > most ? verdict.delay_ms : most;
        }
        assert_true(most > rows[i].low_ms + (rows[i].high_ms - rows[i].low_ms) / 2);
    }
}

static void pause_outlives_a_delivery_that_ends(void **unused)
{
    struct attempt_result result = answered(429);
    struct verdict verdict;

    (void)unused;
    result.retry_after_ms = HOUR;
    verdict = verdict_of(&result, &policy, 4, 0, 1);
    assert_int_equal(verdict.reason, DEAD_EXHAUSTED);
    assert_int_equal(verdict.pause_ms, HOUR);
    verdict = verdict_of(&result, &policy, 1, 5 * DAY - 1, 1);
    assert_int_equal(verdict.reason, DEAD_EXPIRED);
    assert_int_equal(verdict.pause_ms, HOUR);
}

static void permanent_list_is_a_setting_but_gone_is_not(void **unused)
{
    static const int only_429[] = {429};
    struct verdict_policy other = policy;
    struct attempt_result result = answered(400);
    struct verdict verdict;

    (void)unused;
    other.permanent = (struct status_list){only_429, 1};
    assert_int_equal(verdict_of(&result, &other, 1, 0, 1).kind, VERDICT_RETRY);
    result = answered(410);
    assert_int_equal(verdict_of(&result, &other, 1, 0, 1).reason, DEAD_GONE);
    result = answered(429);
    result.retry_after_ms = HOUR;
    verdict = verdict_of(&result, &other, 1, 0, 1);
    assert_int_equal(verdict.reason, DEAD_REJECTED);
    assert_int_equal(verdict.pause_ms, HOUR);
}

/* Those of the setting and those of the hook, whatever else they would mean. */
static void listed_statuses_are_delivered(void **unused)
{
    static const int of_setting[] = {302};
    static const int of_hook[] = {303, 410, 400, 429};
    static const int delivered[] = {302, 303, 410, 400, 429};
    struct verdict_policy other = policy;

    (void)unused;
    other.success = (struct status_list){of_setting, 1};
    other.accept = (struct status_list){of_hook, 4};
    for (size_t i = 0; i < sizeof(delivered) / sizeof(delivered[0]); i++) {
        struct attempt_result result = answered(delivered[i]);
        struct verdict verdict;

        result.retry_after_ms = HOUR;
        verdict = verdict_of(&result, &other, 1, 0, 1);
        assert_int_equal(verdict.kind, VERDICT_DELIVERED);
        assert_false(verdict.disable_hook);
        assert_int_equal(verdict.pause_ms, 0);
        result.request_sent = false;
        verdict = verdict_of(&result, &other, 1, 0, 1);
        assert_int_equal(verdict.kind, VERDICT_RETRY);
        assert_true(verdict.early_response);
    }
    struct attempt_result result = answered(301);
    assert_int_equal(verdict_of(&result, &other, 1, 0, 1).kind, VERDICT_RETRY);
}

static void own_shortage_is_no_attempt(void **unused)
{
    static const struct {
        enum attempt_end end;
        enum verdict_kind kind;
    } rows[] = {
        {ATTEMPT_LOCAL, VERDICT_RELEASE},
        {ATTEMPT_NO_LOOKUP, VERDICT_RELEASE},
        {ATTEMPT_CROWDED, VERDICT_REQUEUE},
        {ATTEMPT_DIRTY, VERDICT_REDO},
    };

    (void)unused;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct attempt_result result = {.end = rows[i].end, .retry_after_ms = HOUR};

        for (uint64_t seed = 0; seed < SEEDS; seed++) {
            /* Neither a spent schedule nor age ends it: it is not the receiver's fault. */
            struct verdict verdict = verdict_of(&result, &policy, 99, 99 * DAY, seed);

            assert_int_equal(verdict.kind, rows[i].kind);
            assert_int_equal(verdict.delay_ms, 0);
            assert_int_equal(verdict.pause_ms, 0);
            assert_false(verdict.disable_hook);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_status_has_the_verdict_of_the_table),
        cmocka_unit_test(success_before_the_request_was_sent_is_retried),
        cmocka_unit_test(refusal_before_the_request_was_sent_counts),
        cmocka_unit_test(every_end_without_status_has_its_verdict),
        cmocka_unit_test(delays_follow_the_schedule_then_exhausted),
        cmocka_unit_test(empty_schedule_never_retries),
        cmocka_unit_test(retry_starting_after_max_age_is_expired),
        cmocka_unit_test(retry_after_is_honoured_for_busy_statuses_only),
        cmocka_unit_test(retry_after_without_a_status_is_ignored),
        cmocka_unit_test(retry_after_is_never_undercut_and_spread_upwards),
        cmocka_unit_test(pause_outlives_a_delivery_that_ends),
        cmocka_unit_test(permanent_list_is_a_setting_but_gone_is_not),
        cmocka_unit_test(listed_statuses_are_delivered),
        cmocka_unit_test(own_shortage_is_no_attempt),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
