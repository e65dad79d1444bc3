#include "delivery/attempt.h"

#include <stdio.h>
#include <string.h>

#include "base/backoff.h"
#include "base/log.h"
#include "delivery/conclude.h"

#define SHORTAGE_FIRST_MS 200
#define SHORTAGE_MAX_MS 60000
#define CUT_AGAIN_MS 1000

static void on_result(void *context, const struct http_result *result);

static void on_status(void *context)
{
    struct delivery *delivery = context;
    capacity_status_came(delivery->entry->pipeline->capacity, &delivery->waiter);
}

static void on_address(void *context, const char *address)
{
    struct delivery *delivery = context;
    capacity_led_to(delivery->entry->pipeline->capacity, &delivery->waiter, address);
}

/* This worker lacks something: the delivery goes back to its lane, of which nothing starts here for
 * a while. Other workers are not kept from it. */
static void hold_back(struct pipeline *pipeline, struct delivery *delivery, const char *error)
{
    int64_t now = loop_now_ms();
    counters_add(pipeline->queue->counters, COUNTER_LOCAL_SHORTAGES, 1);
    if (pipeline->shortages == 0)
        log_at(LOG_ERROR, "local_shortage", log_text("error", error));
    if (pipeline->shortages == 0 || now >= pipeline->short_until_ms) /* else it is the same one */
        pipeline->short_until_ms =
            now + backoff_exponential(SHORTAGE_FIRST_MS, SHORTAGE_MAX_MS, pipeline->shortages++,
                                      backoff_random(&pipeline->random));
    capacity_hold(pipeline->capacity, delivery->waiter.lane,
                  loop_run_ms() + pipeline->short_until_ms - now);
    conclude_back(pipeline, delivery);
}

static void log_start(const struct delivery *delivery)
{
    const struct entry *entry = delivery->entry;
    log_at(LOG_DEBUG, "starts", log_text("event", entry->event_id),
           log_text("entry", entry->stream_id), log_text("lane", delivery->lane),
           log_int("attempts", delivery->history.attempts));
}

static void judge(struct pipeline *pipeline, struct delivery *delivery,
                  const struct http_result *result);

/* Another worker may have it, or this one after its next start: a failure to be tried again. */
static void lack_transport(struct pipeline *pipeline, struct delivery *delivery)
{
    struct http_result result = {.attempt = {.end = ATTEMPT_CONNECT}};
    snprintf(result.error, sizeof(result.error),
             "connect: the worker's settings have no transport %s",
             delivery->slot->hook->transport);
    judge(pipeline, delivery, &result);
}

void attempt_start(struct pipeline *pipeline, struct delivery *delivery)
{
    const struct entry *entry = delivery->entry;
    const struct hook *hook = delivery->slot->hook;
    int64_t timeout = pipeline_timeout_ms(pipeline, hook);
    int64_t connect = pipeline->settings->connect_timeout_ms;
    delivery->started_wall_ms = loop_wall_ms();
    struct render_input input = {
        .event = &entry->event,
        .hook = hook,
        .event_id = bytes_of(entry->event_id),
        .traceparent = bytes_of(entry->traceparent),
        .queued_at_ms = entry->queued_at_ms,
        .now_s = delivery->started_wall_ms / 1000,
        .attempt = delivery->history.attempts + 1,
    };
    struct http_target target = {
        .url_text = hook->url_text,
        .url = &hook->url,
        .timeout_ms = timeout,
        .connect_timeout_ms = connect < timeout ? connect : timeout,
        .owner = room_id_bytes(&entry->event.room_id),
        .fresh = delivery->redone,
        .status_came = on_status,
        .led_to = on_address,
    };
    struct http_client *http = transports_find(&pipeline->transports, hook->transport);
    if (http == NULL) {
        lack_transport(pipeline, delivery);
        return;
    }
    struct http_transfer *transfer = http_transfer_new(http);
    if (transfer == NULL || render(&input, http_transfer_request(transfer)) != 0) {
        if (transfer != NULL)
            http_transfer_drop(transfer);
        hold_back(pipeline, delivery, "this worker is out of memory");
        return;
    }
    if (delivery->state != DELIVERY_SENDING)
        delivery_move(&pipeline->entries, delivery, DELIVERY_SENDING);
    delivery->transfer = transfer;
    log_start(delivery);
    http_transfer_start(transfer, &target, on_result, delivery);
}

/* --- its result --- */

static void remember(struct delivery *delivery, const struct http_result *result)
{
    struct history *history = &delivery->history;
    char location[DEAD_LOCATION_MAX + 1];
    delivery->is_attempted = true;
    delivery->took_ms = loop_now_ms() - delivery->started_ms;
    history->attempts++;
    if (history->first_attempt_ms == 0)
        history->first_attempt_ms = delivery->started_wall_ms;
    history->last_attempt_ms = delivery->started_wall_ms;
    history->status = result->attempt.status;
    conclude_set_error(delivery, result->error);
    buffer_clear(&delivery->response);
    buffer_append_bytes(&delivery->response, result->response);
    buffer_clear(&delivery->location);
    buffer_append_text(&delivery->location,
                       bytes_printable(result->location, location, sizeof(location)));
}

static bool is_failure(const struct verdict *verdict)
{
    return verdict->kind == VERDICT_RETRY ||
           (verdict->kind == VERDICT_DEAD &&
            (verdict->reason == DEAD_EXHAUSTED || verdict->reason == DEAD_EXPIRED));
}

/* The probe found its hook well: what waits is worth a look as soon as others know of it too. */
static void open_lane(struct pipeline *pipeline, const struct delivery *delivery)
{
    capacity_restrict(pipeline->capacity, delivery->waiter.lane, 0);
    lanes_hint(pipeline->lanes, 0);
}

static void report_to_registry(struct pipeline *pipeline, struct delivery *delivery,
                               enum attempt_end end, const struct verdict *verdict)
{
    struct hook_ref ref = hook_ref_of(&delivery->entry->event, delivery->slot);
    struct registry *registry = pipeline->registry;
    struct hook_failure failure = {
        .was_probe = delivery->is_probe,
        .timed_out = end == ATTEMPT_TIMEOUT,
        .status = delivery->history.status,
        .error = delivery->history.error,
    };
    delivery->is_judged = true;
    if (verdict->kind == VERDICT_DELIVERED)
        registry_succeeded(registry, &ref, delivery->history.attempts > 1);
    else if (is_failure(verdict))
        registry_failed(registry, &ref, &failure);
    else if (verdict->reason == DEAD_REJECTED)
        registry_answered(registry, &ref);
    else
        delivery->is_judged = verdict->disable_hook;
    if (delivery->is_probe && delivery->is_judged && !is_failure(verdict))
        open_lane(pipeline, delivery);
    if (verdict->disable_hook)
        registry_gone(registry, &ref);
    else if (verdict->pause_ms > 0)
        registry_pause(registry, &ref, verdict->pause_ms);
}

/* Where a redirect leads: its origin, for the rest may hold a token. */
static bool put_redirect(const struct delivery *delivery, struct bytes location, char *out,
                         size_t size)
{
    char origin[URL_ORIGIN_SIZE];
    struct error_text why;
    struct url url;
    const char *fragment = location.len > 0 ? memchr(location.data, '#', location.len) : NULL;
    if (fragment != NULL)
        location.len = (size_t)(fragment - location.data);
    if (location.len == 0 || url_parse(location, &url, &why) != 0)
        return false;
    snprintf(out, size, "answered %d, a redirect to %s", delivery->history.status,
             url_origin(&url, origin));
    return true;
}

static void explain(struct delivery *delivery, const struct verdict *verdict, struct bytes location)
{
    char text[RECORD_ERROR_SIZE];
    if (verdict->kind == VERDICT_DELIVERED || delivery->history.error[0] != '\0')
        return;
    if (verdict->early_response)
        snprintf(text, sizeof(text),
                 "early-response: answered %d before the whole request was sent",
                 delivery->history.status);
    else if (!put_redirect(delivery, location, text, sizeof(text)))
        snprintf(text, sizeof(text), "answered %d", delivery->history.status);
    conclude_set_error(delivery, text);
}

/* What an attempt says about how much the receiver can take. */
static enum capacity_news news_of(const struct attempt_result *attempt,
                                  const struct verdict *verdict)
{
    switch (attempt->end) {
    case ATTEMPT_ANSWERED:
        if (verdict->kind == VERDICT_DELIVERED)
            return CAPACITY_SUCCESS;
        return attempt->status == 429 || attempt->status >= 500 ? CAPACITY_BUSY : CAPACITY_ANSWER;
    case ATTEMPT_TIMEOUT:
        return CAPACITY_TIMEOUT;
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
    counters_add(pipeline->queue->counters, COUNTER_ATTEMPTS, 1);
    pipeline->shortages = 0;
    remember(delivery, result);
    counters_add_time(pipeline->queue->counters, COUNTER_ATTEMPT_TIMES, delivery->took_ms);
    explain(delivery, verdict, result->location);
    report_to_registry(pipeline, delivery, result->attempt.end, verdict);
    if (verdict->kind == VERDICT_DELIVERED) {
        conclude(pipeline, delivery, OUTCOME_DELIVERED);
    } else if (verdict->kind == VERDICT_RETRY) {
        delivery->delay_ms = verdict->delay_ms;
        conclude(pipeline, delivery, OUTCOME_RETRY);
    } else {
        delivery->reason = verdict->reason;
        conclude(pipeline, delivery, OUTCOME_DEAD);
    }
}

static void requeue(struct pipeline *pipeline, struct delivery *delivery)
{
    delivery_move(&pipeline->entries, delivery, DELIVERY_QUEUED);
    capacity_requeue(pipeline->capacity, &delivery->waiter, loop_run_ms());
    pipeline_arm(pipeline);
}

static void judge(struct pipeline *pipeline, struct delivery *delivery,
                  const struct http_result *result)
{
    const struct hook *hook = delivery->slot->hook;
    struct verdict_policy policy = pipeline->policy;
    struct attempt_result attempt = result->attempt;
    policy.max_age_ms = pipeline_max_age_ms(pipeline, hook);
    policy.accept = (struct status_list){hook->accept_status, hook->accept_status_len};
    if (attempt.end == ATTEMPT_DIRTY && delivery->redone)
        attempt.end = ATTEMPT_BROKEN; /* one fresh connection only */
    struct verdict verdict =
        verdict_of(&attempt, &policy, delivery->history.attempts + 1,
                   pipeline_age_ms(pipeline, delivery->entry), backoff_random(&pipeline->random));
    if (verdict.kind == VERDICT_REDO) {
        delivery->redone = true;
        attempt_start(pipeline, delivery);
    } else if (verdict.kind == VERDICT_REQUEUE) {
        requeue(pipeline, delivery);
    } else if (verdict.kind == VERDICT_RELEASE) {
        hold_back(pipeline, delivery, result->error);
    } else {
        if (delivery->news == CAPACITY_NO_NEWS)
            delivery->news = news_of(&attempt, &verdict);
        apply(pipeline, delivery, result, &verdict);
    }
}

static void on_result(void *context, const struct http_result *result)
{
    struct delivery *delivery = context;
    struct pipeline *pipeline = delivery->entry->pipeline;
    delivery->transfer = NULL;
    judge(pipeline, delivery, result);
}

/* One whose receiver has ever taken something is not blamed, and goes back for a second, so often.
 *  */
static bool is_spared(const struct delivery *delivery)
{
    return capacity_ever_succeeded(delivery->waiter.lane) && delivery->history.cuts < CUTS_MAX;
}

void attempt_cut(struct pipeline *pipeline, struct delivery *delivery)
{
    struct http_result result;
    http_transfer_cut(delivery->transfer, &result);
    delivery->transfer = NULL;
    delivery->news = CAPACITY_CUT;
    counters_add(pipeline->queue->counters, COUNTER_CUT, 1);
    if (result.attempt.end == ATTEMPT_ANSWERED) {
        judge(pipeline, delivery, &result);
    } else if (is_spared(delivery)) {
        delivery->history.cuts++;
        delivery->delay_ms = CUT_AGAIN_MS;
        conclude(pipeline, delivery, OUTCOME_RETRY);
    } else {
        result.attempt.end = ATTEMPT_TIMEOUT;
        snprintf(result.error, sizeof(result.error),
                 "no answer for %lld ms when others needed its place",
                 (long long)(loop_now_ms() - delivery->started_ms));
        judge(pipeline, delivery, &result);
    }
}
