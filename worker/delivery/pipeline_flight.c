#include <stdio.h>
#include <string.h>

#include "base/backoff.h"
#include "base/log.h"
#include "delivery/pipeline_internal.h"

#define HELD_LOOK_MAX 16 /* of those that are held, tried for a slot at a time */

static void on_result(void *context, const struct http_result *result);

/* --- an attempt --- */

static int64_t timeout_ms(const struct pipeline *pipeline, const struct hook *hook)
{
    int64_t setting = pipeline->config.settings->timeout_ms;
    return hook->timeout_ms > 0 && hook->timeout_ms < setting ? hook->timeout_ms : setting;
}

static void start(struct pipeline *pipeline, struct delivery *delivery)
{
    const struct entry *entry = delivery->entry;
    const struct hook *hook = delivery->slot->hook;
    int64_t timeout = timeout_ms(pipeline, hook);
    int64_t connect = pipeline->config.settings->connect_timeout_ms;
    delivery->started_wall_ms = loop_wall_ms();
    struct render_input input = {
        .event = &entry->event,
        .hook = hook,
        .event_id = bytes_of(entry->event_id),
        .traceparent = bytes_of(entry->traceparent),
        .queued_at_ms = entry->queued_at_ms,
        .now_s = delivery->started_wall_ms / 1000,
    };
    struct http_target target = {
        .url_text = hook->url_text,
        .url = &hook->url,
        .timeout_ms = timeout,
        .connect_timeout_ms = connect < timeout ? connect : timeout,
        .fresh = delivery->redone,
    };
    struct http_transfer *transfer = http_transfer_new(pipeline->http);
    if (transfer == NULL || render(&input, http_transfer_request(transfer)) != 0) {
        if (transfer != NULL)
            http_transfer_drop(transfer);
        counters_add(pipeline->config.queue->counters, COUNTER_LOCAL_SHORTAGES, 1);
        pipeline_set_error(delivery, "this worker is out of memory");
        pipeline_defer(pipeline, delivery, 0);
        return;
    }
    delivery->state = DELIVERY_IN_FLIGHT;
    delivery->transfer = transfer;
    http_transfer_start(transfer, &target, on_result, delivery);
    pipeline_watch_slow(pipeline);
}

static bool lease_suffices(const struct pipeline *pipeline, const struct delivery *delivery)
{
    int64_t needed = timeout_ms(pipeline, delivery->slot->hook) + START_MARGIN_MS;
    return !delivery->leased || delivery->lease_until_ms - loop_fresh_ms() >= needed;
}

/* It may have waited for its slot, and its hook may have opened meanwhile. */
static void start_or_hand_back(struct pipeline *pipeline, struct delivery *delivery)
{
    struct hook_ref ref = pipeline_hook_ref(delivery);
    int64_t open_ms = delivery->is_probe ? 0 : registry_open_ms(pipeline->registry, &ref);
    if (open_ms > 0)
        pipeline_defer(pipeline, delivery, open_ms);
    else if (lease_suffices(pipeline, delivery))
        start(pipeline, delivery);
    else
        pipeline_hand_back(pipeline, delivery);
}

static bool take_slot(struct pipeline *pipeline, struct delivery *delivery)
{
    const struct hook *hook = delivery->slot->hook;
    char origin[URL_ORIGIN_SIZE];
    return capacity_take(pipeline->capacity, &delivery->waiter, hook->url_text,
                         url_origin(&hook->url, origin), loop_now_ms()) == 0;
}

static bool wait_briefly(struct pipeline *pipeline, struct delivery *delivery)
{
    if (capacity_wait_briefly(pipeline->capacity, &delivery->waiter, delivery->slot->hook->url_text,
                              loop_now_ms()) != 0)
        return false;
    delivery->state = DELIVERY_WAITING;
    pipeline_watch_waiting(pipeline);
    return true;
}

/* A leased one queues only where its turn comes soon. Else it may be held a moment for a slot,
 * where nobody waits before it and not too many are held: those keep other retries from being
 * claimed. */
void pipeline_start_leased(struct pipeline *pipeline, struct delivery *delivery)
{
    size_t most = (size_t)pipeline->config.settings->max_in_flight;
    if (loop_fresh_ms() < pipeline->alive_until_ms && take_slot(pipeline, delivery))
        start_or_hand_back(pipeline, delivery);
    else if (wait_briefly(pipeline, delivery))
        return;
    else if (pipeline->held_len >= 1 + most / 8 ||
             capacity_has_queue(pipeline->capacity, delivery->slot->hook->url_text))
        pipeline_defer_crowded(pipeline, delivery);
    else
        pipeline_hold_leased(pipeline, delivery);
}

static void dispatch_held(struct pipeline *pipeline)
{
    struct delivery *delivery;
    struct delivery *next;
    size_t looked = 0;
    for (delivery = TAILQ_FIRST(&pipeline->held); delivery != NULL && looked < HELD_LOOK_MAX;
         delivery = next, looked++) {
        next = TAILQ_NEXT(delivery, hold);
        if (!take_slot(pipeline, delivery))
            continue;
        pipeline_drop_held(pipeline, delivery);
        start_or_hand_back(pipeline, delivery);
    }
}

void pipeline_dispatch(struct pipeline *pipeline)
{
    struct capacity_waiter *waiter;
    if (loop_fresh_ms() >= pipeline->alive_until_ms)
        return;
    while ((waiter = capacity_next(pipeline->capacity, loop_now_ms())) != NULL)
        start_or_hand_back(pipeline, pipeline_delivery_of(waiter));
    dispatch_held(pipeline);
}

/* --- its result --- */

static void remember_attempt(struct delivery *delivery, const struct http_result *result)
{
    struct history *history = &delivery->history;
    history->attempts++;
    history->slot_ms = 0;
    if (history->first_attempt_ms == 0)
        history->first_attempt_ms = delivery->started_wall_ms;
    history->last_attempt_ms = delivery->started_wall_ms;
    history->status = result->attempt.status;
    pipeline_set_error(delivery, result->error);
    buffer_clear(&delivery->response);
    buffer_append_bytes(&delivery->response, result->response);
}

static bool is_failure(const struct verdict *verdict)
{
    return verdict->kind == VERDICT_RETRY ||
           (verdict->kind == VERDICT_DEAD &&
            (verdict->reason == DEAD_EXHAUSTED || verdict->reason == DEAD_EXPIRED));
}

static void tell_registry(struct pipeline *pipeline, const struct delivery *delivery,
                          enum attempt_end end, const struct verdict *verdict)
{
    struct hook_ref ref = pipeline_hook_ref(delivery);
    struct registry *registry = pipeline->registry;
    struct hook_failure failure = {
        .was_probe = delivery->is_probe,
        .timed_out = end == ATTEMPT_TIMEOUT,
        .status = delivery->history.status,
        .error = delivery->history.error,
    };
    if (verdict->kind == VERDICT_DELIVERED)
        registry_succeeded(registry, &ref);
    else if (is_failure(verdict))
        registry_failed(registry, &ref, &failure);
    else if (verdict->reason == DEAD_REJECTED)
        registry_answered(registry, &ref);
    if (verdict->disable_hook)
        registry_gone(registry, &ref);
    else if (verdict->pause_ms > 0)
        registry_pause(registry, &ref, verdict->pause_ms);
}

static void explain(struct delivery *delivery, const struct verdict *verdict)
{
    char text[RECORD_ERROR_SIZE];
    if (verdict->kind == VERDICT_DELIVERED || delivery->history.error[0] != '\0')
        return;
    snprintf(text, sizeof(text),
             verdict->early_response
                 ? "early-response: answered %d before the whole request was sent"
                 : "answered %d",
             delivery->history.status);
    pipeline_set_error(delivery, text);
}

/* What an attempt tells about how much the endpoint can take. */
static enum capacity_news news_of(const struct attempt_result *attempt,
                                  const struct verdict *verdict)
{
    switch (attempt->end) {
    case ATTEMPT_ANSWERED:
        if (verdict->kind == VERDICT_DELIVERED)
            return CAPACITY_SUCCESS;
        return attempt->status == 429 || attempt->status >= 500 ? CAPACITY_BUSY : CAPACITY_ANSWER;
    case ATTEMPT_TIMEOUT:
    case ATTEMPT_DNS:
    case ATTEMPT_CONNECT:
    case ATTEMPT_TLS:
    case ATTEMPT_BROKEN:
        return CAPACITY_SILENCE;
    case ATTEMPT_BLOCKED:
    case ATTEMPT_BAD_URL:
    case ATTEMPT_LOCAL:
    case ATTEMPT_DIRTY:
    case ATTEMPT_NO_LOOKUP:
    case ATTEMPT_CROWDED:
        break;
    }
    return CAPACITY_NO_NEWS;
}

static void apply(struct pipeline *pipeline, struct delivery *delivery,
                  const struct http_result *result, const struct verdict *verdict)
{
    delivery->delay_ms = verdict->delay_ms;
    if (verdict->kind == VERDICT_DEFER) {
        pipeline_set_error(delivery, result->error);
        pipeline_defer(pipeline, delivery, 0);
        return;
    }
    if (verdict->kind == VERDICT_BACKOFF) {
        counters_add(pipeline->config.queue->counters, COUNTER_LOCAL_SHORTAGES, 1);
        log_at(LOG_ERROR, "local_shortage", log_text("error", result->error));
        pipeline_set_error(delivery, result->error);
        delivery->history.deferrals++;
        pipeline_conclude(pipeline, delivery, OUTCOME_RETRY);
        return;
    }
    counters_add(pipeline->config.queue->counters, COUNTER_ATTEMPTS, 1);
    remember_attempt(delivery, result);
    explain(delivery, verdict);
    tell_registry(pipeline, delivery, result->attempt.end, verdict);
    if (verdict->kind == VERDICT_DELIVERED) {
        counters_add(pipeline->config.queue->counters, COUNTER_DELIVERED, 1);
        pipeline_conclude(pipeline, delivery, OUTCOME_DELIVERED);
    } else if (verdict->kind == VERDICT_RETRY) {
        counters_add(pipeline->config.queue->counters, COUNTER_RETRIES, 1);
        pipeline_conclude(pipeline, delivery, OUTCOME_RETRY);
    } else {
        delivery->reason = verdict->reason;
        pipeline_conclude(pipeline, delivery, OUTCOME_DEAD);
    }
}

static void judge(struct delivery *delivery, const struct http_result *result,
                  const struct attempt_result *attempt)
{
    struct pipeline *pipeline = delivery->entry->pipeline;
    struct verdict_policy policy = pipeline->policy;
    const struct hook *hook = delivery->slot->hook;
    if (hook->max_age_ms > 0 && hook->max_age_ms < policy.max_age_ms)
        policy.max_age_ms = hook->max_age_ms;
    struct verdict verdict =
        verdict_of(attempt, &policy, delivery->history.attempts + 1,
                   pipeline_age_ms(pipeline, delivery->entry), delivery->history.deferrals,
                   backoff_random(&pipeline->random));
    if (verdict.kind == VERDICT_REDO) {
        delivery->redone = true;
        start(pipeline, delivery);
        return;
    }
    if (delivery->news == CAPACITY_NO_NEWS)
        delivery->news = news_of(attempt, &verdict);
    apply(pipeline, delivery, result, &verdict);
}

static void on_result(void *context, const struct http_result *result)
{
    struct delivery *delivery = context;
    struct pipeline *pipeline = delivery->entry->pipeline;
    struct attempt_result attempt = result->attempt;
    delivery->transfer = NULL;
    if (attempt.end == ATTEMPT_DIRTY && delivery->redone)
        attempt.end = ATTEMPT_BROKEN; /* one fresh connection only */
    judge(delivery, result, &attempt);
    pipeline_dispatch(pipeline);
}

/* As if its timeout were over. */
void pipeline_cut(struct pipeline *pipeline, struct delivery *delivery)
{
    struct http_result result = {.attempt = {.end = ATTEMPT_TIMEOUT}};
    snprintf(result.error, sizeof(result.error),
             "no answer for %lld ms when others needed its place",
             (long long)(loop_now_ms() - delivery->waiter.since_ms));
    http_transfer_cancel(delivery->transfer);
    delivery->transfer = NULL;
    delivery->news = CAPACITY_CUT;
    counters_add(pipeline->config.queue->counters, COUNTER_CUT, 1);
    judge(delivery, &result, &result.attempt);
}
