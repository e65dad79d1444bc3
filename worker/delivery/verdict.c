#include "delivery/verdict.h"

#include "base/backoff.h"

static void verdict_set_dead(struct verdict *verdict, enum dead_reason reason)
{
    verdict->kind = VERDICT_DEAD;
    verdict->reason = reason;
}

static bool is_one_of(const struct status_list *list, int status)
{
    for (size_t i = 0; i < list->len; i++) {
        if (list->at[i] == status)
            return true;
    }
    return false;
}

static bool is_success(const struct verdict_policy *policy, int status)
{
    return (status >= 200 && status <= 299) || is_one_of(&policy->success, status) ||
           is_one_of(&policy->accept, status);
}

/* The rest a receiver asked for. Other statuses say nothing about when to come again. */
static int64_t pause_of(const struct attempt_result *result, const struct verdict_policy *policy)
{
    bool busy = result->status == 429 || (result->status >= 502 && result->status <= 504);

    if (!busy || result->retry_after_ms <= 0)
        return 0;
    return result->retry_after_ms < policy->retry_after_max_ms ? result->retry_after_ms
                                                               : policy->retry_after_max_ms;
}

/* A pause longer than the schedule's delay replaces it, spread upwards only. */
static int64_t retry_delay(const struct verdict_policy *policy, int64_t base_ms, int64_t pause_ms,
                           uint64_t seed)
{
    int64_t delay = backoff_jitter(base_ms, policy->retry_jitter_percent, seed);
    int64_t above;

    if (delay >= pause_ms)
        return delay;
    above = backoff_jitter(pause_ms, policy->retry_jitter_percent, seed) - pause_ms;
    return pause_ms + (above < 0 ? -above : above);
}

static void verdict_set_retry(struct verdict *verdict, const struct verdict_policy *policy,
                              int attempts, int64_t age_ms, uint64_t seed)
{
    size_t failed = attempts > 1 ? (size_t)attempts - 1 : 0;
    int64_t delay;

    if (failed >= policy->retry_schedule_len) {
        verdict_set_dead(verdict, DEAD_EXHAUSTED);
        return;
    }
    delay = retry_delay(policy, policy->retry_schedule_ms[failed], verdict->pause_ms, seed);
    /* A clock that stepped back makes the age negative. */
    if (delay > policy->max_age_ms - (age_ms > 0 ? age_ms : 0)) {
        verdict_set_dead(verdict, DEAD_EXPIRED);
        return;
    }
    verdict->kind = VERDICT_RETRY;
    verdict->delay_ms = delay;
}

/* Decides what the status settles for good. False: it is a failure to be tried again. */
static bool status_decides(struct verdict *verdict, const struct attempt_result *result,
                           const struct verdict_policy *policy)
{
    if (is_success(policy, result->status)) {
        verdict->early_response = !result->request_sent;
        return result->request_sent;
    }
    if (result->status == 410) {
        verdict_set_dead(verdict, DEAD_GONE);
        verdict->disable_hook = true;
        return true;
    }
    verdict->pause_ms = pause_of(result, policy);
    if (is_one_of(&policy->permanent, result->status)) {
        verdict_set_dead(verdict, DEAD_REJECTED);
        return true;
    }
    return false;
}

struct verdict verdict_of(const struct attempt_result *result, const struct verdict_policy *policy,
                          int attempts, int64_t age_ms, uint64_t seed)
{
    struct verdict verdict = {.kind = VERDICT_DELIVERED};

    switch (result->end) {
    case ATTEMPT_ANSWERED:
        if (!status_decides(&verdict, result, policy))
            verdict_set_retry(&verdict, policy, attempts, age_ms, seed);
        break;
    case ATTEMPT_BLOCKED:
        verdict_set_dead(&verdict, DEAD_BLOCKED);
        break;
    case ATTEMPT_BAD_URL:
        verdict_set_dead(&verdict, DEAD_BAD_URL);
        break;
    case ATTEMPT_LOCAL:
    case ATTEMPT_NO_LOOKUP:
        verdict.kind = VERDICT_RELEASE;
        break;
    case ATTEMPT_DIRTY:
        verdict.kind = VERDICT_REDO;
        break;
    case ATTEMPT_CROWDED:
        verdict.kind = VERDICT_REQUEUE;
        break;
    case ATTEMPT_TIMEOUT:
    case ATTEMPT_DNS:
    case ATTEMPT_CONNECT:
    case ATTEMPT_TLS:
    case ATTEMPT_BROKEN:
        verdict_set_retry(&verdict, policy, attempts, age_ms, seed);
        break;
    }
    return verdict;
}
