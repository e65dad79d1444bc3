#include <stdio.h>
#include <string.h>

#include "backoff.h"
#include "log.h"
#include "pipeline_internal.h"

#define HELD_LOOK_MAX 16 /* of those that are held, tried for a slot at a time */

static void on_result(void *context, const struct http_result *result);

void pipeline_set_error(struct delivery *delivery, const char *text)
{
    snprintf(delivery->history.error, sizeof(delivery->history.error), "%s", text);
}

/* --- outcomes --- */

static void count_and_log(struct pipeline *pipeline, const struct delivery *delivery)
{
    static const char *const names[] = {
        [OUTCOME_DELIVERED] = "delivered", [OUTCOME_RETRY] = "retry", [OUTCOME_DEAD] = "dead"};
    const struct entry *entry = delivery->entry;
    const struct history *history = &delivery->history;
    char origin[URL_ORIGIN_SIZE] = "";
    if (delivery->outcome == OUTCOME_DEAD)
        counters_add(pipeline->config.counters, COUNTER_DEAD, 1);
    bool quiet = delivery->outcome == OUTCOME_DELIVERED || delivery->put_off;
    enum log_level level = quiet ? LOG_DEBUG : LOG_INFO;
    if (!log_is_on(level))
        return;
    if (delivery->slot != NULL && delivery->slot->hook != NULL)
        url_origin(&delivery->slot->hook->url, origin);
    log_at(level, delivery->put_off ? "deferred" : names[delivery->outcome],
           log_text("event", entry->event_id), log_text("entry", entry->stream_id),
           log_int("room", entry->event.room_id), log_text("hook", delivery->hook_id),
           log_text("origin", origin), log_int("attempts", history->attempts),
           log_int("status", history->status), log_text("error", history->error),
           log_text("reason",
                    delivery->outcome == OUTCOME_DEAD ? dead_reason_name(delivery->reason) : ""),
           log_int("delay_ms", delivery->delay_ms));
}

/* The one place where a delivery gets its outcome and leaves the lists of what is under way. */
void pipeline_conclude(struct pipeline *pipeline, struct delivery *delivery, enum outcome outcome)
{
    struct entry *entry = delivery->entry;
    registry_cancel(&delivery->query);
    permits_cancel(&delivery->permit);
    pipeline_drop_held(pipeline, delivery);
    capacity_leave(pipeline->capacity, &delivery->waiter, delivery->news, loop_now_ms());
    TAILQ_REMOVE(&pipeline->unfinished, delivery, all);
    pipeline->unfinished_len--;
    delivery->state = DELIVERY_DONE;
    delivery->outcome = outcome;
    delivery->concluded_at_ms = loop_now_ms();
    entry->open--;
    if (delivery->counted_as_retry)
        pipeline->retry_load--;
    else
        pipeline->stream_load--;
    loop_turn_arm(&pipeline->refill);
    count_and_log(pipeline, delivery);
    if (delivery->leased)
        pipeline_settle_delivery(pipeline, delivery);
    else if (entry->settling)
        return; /* it is being parted; settled on its own when that is stored */
    else if (entry->open == 0)
        pipeline_submit_entry(pipeline, entry);
    else
        pipeline_wait_for_parting(pipeline, entry);
}

static void defer_for(struct pipeline *pipeline, struct delivery *delivery, int64_t delay_ms)
{
    delivery->history.deferrals++;
    delivery->put_off = true;
    pipeline_note_hot(pipeline, delivery);
    delivery->delay_ms = delay_ms;
    counters_add(pipeline->config.counters, COUNTER_DEFERRED, 1);
    pipeline_conclude(pipeline, delivery, OUTCOME_RETRY);
}

static int64_t deferral_ms(struct pipeline *pipeline, const struct delivery *delivery,
                           int64_t first_ms)
{
    return backoff_exponential(first_ms, DEFER_MAX_MS, delivery->history.deferrals,
                               backoff_random(&pipeline->random));
}

/* Put off without an attempt, at least until not_before_ms from now. */
void pipeline_defer(struct pipeline *pipeline, struct delivery *delivery, int64_t not_before_ms)
{
    int64_t delay = deferral_ms(pipeline, delivery, DEFER_FIRST_MS);
    defer_for(pipeline, delivery, not_before_ms > 0 ? not_before_ms + delay / 4 : delay);
}

/* Put off because there is no slot for it: soon at first, and for as long again as its endpoint has
 * answered nothing, so that it is not put off again and again. */
void pipeline_defer_crowded(struct pipeline *pipeline, struct delivery *delivery)
{
    int64_t delay = deferral_ms(pipeline, delivery, DEFER_CROWDED_MS);
    struct capacity_pace pace =
        capacity_pace_of(pipeline->capacity, delivery->slot->hook->url_text, loop_now_ms());
    int64_t silence = backoff_jitter(pace.silent_ms, 50, backoff_random(&pipeline->random));
    defer_for(pipeline, delivery, silence > delay ? silence : delay);
}

/* Put off without an attempt until its place at a hook with a rate comes. */
void pipeline_put_off(struct pipeline *pipeline, struct delivery *delivery,
                      const struct permit *permit)
{
    delivery->put_off = true;
    delivery->delay_ms = permit->wait_ms;
    delivery->history.slot_ms = permit->slot_ms;
    counters_add(pipeline->config.counters, COUNTER_DEFERRED, 1);
    pipeline_conclude(pipeline, delivery, OUTCOME_RETRY);
}

/* For another worker, now, without an attempt. */
void pipeline_hand_back(struct pipeline *pipeline, struct delivery *delivery)
{
    if (delivery->transfer != NULL)
        http_transfer_cancel(delivery->transfer);
    delivery->transfer = NULL;
    delivery->releasing = delivery->leased;
    delivery->put_off = true;
    delivery->delay_ms = 0;
    counters_add(pipeline->config.counters, COUNTER_DEFERRED, 1);
    pipeline_conclude(pipeline, delivery, OUTCOME_RETRY);
}

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
        counters_add(pipeline->config.counters, COUNTER_LOCAL_SHORTAGES, 1);
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
    return !delivery->leased || delivery->lease_until_ms - loop_now_ms() >= needed;
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

/* A leased one queues only where its turn comes soon. Else it may be held a moment for a slot, where
 * nobody waits before it and not too many are held: those keep other retries from being claimed. */
void pipeline_start_leased(struct pipeline *pipeline, struct delivery *delivery)
{
    size_t most = (size_t)pipeline->config.settings->max_in_flight;
    if (loop_now_ms() < pipeline->alive_until_ms && take_slot(pipeline, delivery))
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
    if (loop_now_ms() >= pipeline->alive_until_ms)
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
        counters_add(pipeline->config.counters, COUNTER_LOCAL_SHORTAGES, 1);
        log_at(LOG_ERROR, "local_shortage", log_text("error", result->error));
        pipeline_set_error(delivery, result->error);
        delivery->history.deferrals++;
        pipeline_conclude(pipeline, delivery, OUTCOME_RETRY);
        return;
    }
    counters_add(pipeline->config.counters, COUNTER_ATTEMPTS, 1);
    remember_attempt(delivery, result);
    explain(delivery, verdict);
    tell_registry(pipeline, delivery, result->attempt.end, verdict);
    if (verdict->kind == VERDICT_DELIVERED) {
        counters_add(pipeline->config.counters, COUNTER_DELIVERED, 1);
        pipeline_conclude(pipeline, delivery, OUTCOME_DELIVERED);
    } else if (verdict->kind == VERDICT_RETRY) {
        counters_add(pipeline->config.counters, COUNTER_RETRIES, 1);
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
                   loop_wall_ms() - delivery->entry->queued_at_ms, delivery->history.deferrals,
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
    counters_add(pipeline->config.counters, COUNTER_CUT, 1);
    judge(delivery, &result, &result.attempt);
}
