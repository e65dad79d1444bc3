#include <stdio.h>

#include "base/log.h"
#include "delivery/pipeline_internal.h"

/* --- the end of an entry --- */

void pipeline_forget_timed(struct entry *entry)
{
    if (entry->timed_in != NULL)
        TAILQ_REMOVE(entry->timed_in, entry, timed);
    entry->timed_in = NULL;
}

/* Forgets the entry: it is settled, or stays pending in Redis. */
void pipeline_finish_entry(struct pipeline *pipeline, struct entry *entry)
{
    pipeline_forget_timed(entry);
    registry_cancel(&entry->query);
    pipeline_forget_entry(pipeline, entry);
    TAILQ_REMOVE(&pipeline->everything, entry, every);
    if (pipeline->running_alone == entry)
        pipeline->running_alone = NULL;
    entry_free(entry);
    pipeline_next_suspect(pipeline);
    loop_turn_arm(&pipeline->refill);
}

void pipeline_bury(struct pipeline *pipeline, struct entry *entry, enum dead_reason reason,
                   const char *error, struct bytes json, struct bytes msgpack)
{
    counters_add(pipeline->config.queue->counters, COUNTER_DEAD, 1);
    log_at(LOG_INFO, "dead", log_text("event", entry->event_id),
           log_text("entry", entry->stream_id), log_text("reason", dead_reason_name(reason)),
           log_text("error", error));
    if (outcome_bury(entry, reason, error, json, msgpack, &pipeline->stamp) != 0) {
        pipeline_finish_entry(pipeline, entry);
        return;
    }
    entry->settling = true;
    settle_submit(pipeline->settle, &entry->settlement);
}

/* Sends what the entry's deliveries came to; those without an outcome become leased records. */
void pipeline_submit_entry(struct pipeline *pipeline, struct entry *entry)
{
    pipeline_forget_timed(entry);
    pipeline->stamp.now_ms = loop_now_ms();
    if (outcome_of_entry(entry, &pipeline->stamp) != 0) {
        /* It stays pending, and its deliveries are made again: late, but not lost. */
        log_at(LOG_ERROR, "out_of_memory", log_text("entry", entry->stream_id));
        if (entry->open == 0)
            pipeline_finish_entry(pipeline, entry);
        return;
    }
    entry->settling = true;
    settle_submit(pipeline->settle, &entry->settlement);
}

void pipeline_settle_delivery(struct pipeline *pipeline, struct delivery *delivery)
{
    struct entry *entry = delivery->entry;
    pipeline->stamp.now_ms = loop_now_ms();
    if (outcome_of_delivery(delivery, &pipeline->stamp) == 0) {
        settle_submit(pipeline->settle, &delivery->settlement);
        return;
    }
    log_at(LOG_ERROR, "out_of_memory", log_text("delivery", delivery->id));
    delivery_free(delivery); /* its lease runs out and it comes again */
    if (TAILQ_EMPTY(&entry->deliveries))
        pipeline_finish_entry(pipeline, entry);
}

/* --- parting: an entry does not wait long for its last deliveries --- */

void pipeline_wait_for_parting(struct pipeline *pipeline, struct entry *entry)
{
    if (entry->timed_in != NULL)
        return;
    entry->timed_at_ms = loop_now_ms() + PART_AFTER_MS;
    entry->timed_in = &pipeline->parting;
    TAILQ_INSERT_TAIL(&pipeline->parting, entry, timed);
    if (!loop_timer_is_armed(&pipeline->part_timer))
        loop_timer_arm(&pipeline->part_timer, PART_AFTER_MS);
}

static void part(struct pipeline *pipeline, struct entry *entry)
{
    struct delivery *delivery;
    TAILQ_FOREACH(delivery, &entry->deliveries, link) {
        if (delivery->outcome != OUTCOME_NONE)
            continue;
        snprintf(delivery->fence, sizeof(delivery->fence), "%s:%lld",
                 pipeline->config.queue->consumer,
                 (long long)retry_clock_fence_number(pipeline->retry_clock));
        delivery->lease_until_ms = loop_now_ms() + pipeline->stamp.lease_ms;
        delivery->parted = true;
    }
    pipeline_submit_entry(pipeline, entry);
}

void pipeline_on_part(void *context)
{
    struct pipeline *pipeline = context;
    int64_t now = loop_now_ms();
    for (;;) {
        struct entry *entry = TAILQ_FIRST(&pipeline->parting);
        if (entry == NULL)
            return;
        if (entry->timed_at_ms > now) {
            loop_timer_arm(&pipeline->part_timer, entry->timed_at_ms - now);
            return;
        }
        part(pipeline, entry);
    }
}

/* The parted deliveries stand on their own now; some may have ended meanwhile. */
static void on_parted(struct pipeline *pipeline, struct entry *entry)
{
    struct delivery *delivery;
    struct delivery *next;
    pipeline_forget_entry(pipeline, entry);
    entry->settled = true;
    for (delivery = TAILQ_FIRST(&entry->deliveries); delivery != NULL; delivery = next) {
        next = TAILQ_NEXT(delivery, link);
        delivery->leased = delivery->parted;
        if (!delivery->parted)
            delivery_free(delivery);
    }
    for (delivery = TAILQ_FIRST(&entry->deliveries); delivery != NULL; delivery = next) {
        next = TAILQ_NEXT(delivery, link);
        if (delivery->outcome != OUTCOME_NONE)
            pipeline_settle_delivery(pipeline, delivery);
    }
}

/* --- what settle tells --- */

static void hint(struct pipeline *pipeline, const struct delivery *delivery)
{
    if (delivery->outcome == OUTCOME_RETRY)
        retry_clock_hint(pipeline->retry_clock,
                         delivery->concluded_at_ms + delivery->delay_ms - loop_now_ms());
}

static void on_entry_settled(struct pipeline *pipeline, struct entry *entry)
{
    const struct delivery *delivery;
    bool parted = false;
    TAILQ_FOREACH(delivery, &entry->deliveries, link) {
        hint(pipeline, delivery);
        parted = parted || delivery->parted;
    }
    entry->settling = false;
    if (parted)
        on_parted(pipeline, entry);
    else
        pipeline_finish_entry(pipeline, entry);
}

static void on_delivery_settled(struct pipeline *pipeline, struct delivery *delivery)
{
    struct entry *entry = delivery->entry;
    hint(pipeline, delivery);
    delivery_free(delivery);
    if (TAILQ_EMPTY(&entry->deliveries))
        pipeline_finish_entry(pipeline, entry);
}

void pipeline_on_settled(void *context, struct settlement *settlement, bool ours)
{
    struct pipeline *pipeline = context;
    if (!ours)
        log_at(LOG_WARN, "fenced", log_text("id", settlement->id),
               log_text("why", "another worker holds it; the outcome here was dropped"));
    if (settlement->kind == SETTLE_RETRY)
        on_delivery_settled(pipeline, settlement->owner);
    else
        on_entry_settled(pipeline, settlement->owner);
}
