#include <stdio.h>

#include "base/backoff.h"
#include "base/log.h"
#include "delivery/pipeline_internal.h"

/* The end of what a delivery is tried for: with an outcome, or put off. */

void pipeline_set_error(struct delivery *delivery, const char *text)
{
    snprintf(delivery->history.error, sizeof(delivery->history.error), "%s", text);
}

static void count_and_log(struct pipeline *pipeline, const struct delivery *delivery)
{
    static const char *const names[] = {
        [OUTCOME_DELIVERED] = "delivered", [OUTCOME_RETRY] = "retry", [OUTCOME_DEAD] = "dead"};
    const struct entry *entry = delivery->entry;
    const struct history *history = &delivery->history;
    char origin[URL_ORIGIN_SIZE] = "";
    if (delivery->outcome == OUTCOME_DEAD)
        counters_add(pipeline->config.queue->counters, COUNTER_DEAD, 1);
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
    counters_add(pipeline->config.queue->counters, COUNTER_DEFERRED, 1);
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
    counters_add(pipeline->config.queue->counters, COUNTER_DEFERRED, 1);
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
    counters_add(pipeline->config.queue->counters, COUNTER_DEFERRED, 1);
    pipeline_conclude(pipeline, delivery, OUTCOME_RETRY);
}
