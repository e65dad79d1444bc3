#include "delivery/settlement.h"

#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "delivery/keeping.h"

#define SHARED_MIN 4096     /* a document over it is stored once for all deliveries that wait */
#define ARGUMENTS_BYTES 512 /* about what a delivery's outcome takes beside documents */

/* --- what the scripts are given --- */

static bool may_be_shared(const struct entry *entry)
{
    return entry->is_shared || entry->document.len > SHARED_MIN;
}

static int64_t put_lane(struct settle_batch *batch, const struct delivery *delivery)
{
    const struct pipeline *pipeline = delivery->entry->pipeline;
    const struct hook *hook = delivery->slot == NULL ? NULL : delivery->slot->hook;
    char fingerprint[HOOK_STATE_FINGERPRINT_SIZE];
    return settle_lane(batch, delivery->lane,
                       lane_gate_fingerprint(delivery->lane, hook, fingerprint),
                       pipeline_max_age_ms(pipeline, hook));
}

static void put_json(struct settle_batch *batch, const struct delivery *delivery,
                     bool with_document)
{
    const struct entry *entry = delivery->entry;
    struct redis_args *args = settle_args(batch);
    struct record record = {
        .history = delivery->history, .is_resent = entry->is_resent, .encoding = entry->encoding};
    struct buffer json;
    snprintf(record.lane, sizeof(record.lane), "%s", delivery->lane);
    if (entry->own_event_id)
        snprintf(record.event_id, sizeof(record.event_id), "%s", entry->event_id);
    snprintf(record.traceparent, sizeof(record.traceparent), "%s", entry->traceparent);
    buffer_init(&json, RECORD_META_MAX + 1 + (with_document ? entry->document.len : 0));
    record_encode(&record, &json);
    if (with_document) {
        buffer_append_char(&json, '\n');
        buffer_append_bytes(&json, entry->document);
    }
    args->failed = args->failed || buffer_failed(&json);
    redis_args_copy(args, buffer_bytes(&json));
    buffer_release(&json);
}

/* The delay counts from the outcome, not from its storing. */
static int64_t delay_left(const struct delivery *delivery)
{
    int64_t left = delivery->concluded_at_ms + delivery->delay_ms - loop_now_ms();
    return left > 0 ? left : 0;
}

static bool leaves_something(const struct delivery *delivery)
{
    return delivery->detaching ||
           (delivery->outcome != OUTCOME_DELIVERED && delivery->outcome != OUTCOME_SKIPPED);
}

static void put_outcome(struct settle_batch *batch, const struct delivery *delivery)
{
    struct redis_args *args = settle_args(batch);
    const struct pipeline *pipeline = delivery->entry->pipeline;
    if (!delivery->detaching && delivery->outcome == OUTCOME_DEAD) {
        letter_of_delivery(args, delivery, pipeline->queue->consumer, false);
        return;
    }
    bool retries = !delivery->detaching && delivery->outcome == OUTCOME_RETRY;
    redis_args_text(args, delivery->detaching ? "lease" : retries ? "retry" : "wait");
    redis_args_text(args, delivery->id);
    redis_args_int(args, put_lane(batch, delivery));
    put_json(batch, delivery, false);
    if (delivery->detaching) {
        redis_args_text(args, delivery->fence);
        redis_args_int(args, pipeline->lease_ms);
    } else if (retries) {
        redis_args_int(args, delay_left(delivery));
    }
}

static void put_entry(struct settle_batch *batch, const struct entry *entry)
{
    struct redis_args *args = settle_args(batch);
    const struct delivery *delivery;
    int64_t outcomes = 0;
    bool waits = false;
    if (entry->cause != NULL) { /* the letter's own fields hold its documents */
        redis_args_text(args, "");
        redis_args_text(args, "");
        redis_args_int(args, 0);
        redis_args_int(args, 1);
        letter_of_entry(args, entry, entry->cause, entry->pipeline->queue->consumer);
        return;
    }
    TAILQ_FOREACH(delivery, &entry->deliveries, link) {
        outcomes += leaves_something(delivery) ? 1 : 0;
        waits = waits || (leaves_something(delivery) &&
                          (delivery->detaching || delivery->outcome != OUTCOME_DEAD));
    }
    redis_args_text(args, letter_document_field(entry->encoding));
    redis_args_borrow(args, entry->document);
    redis_args_int(args, waits && may_be_shared(entry) ? settle_holders(batch, entry->stream) : 0);
    redis_args_int(args, outcomes);
    TAILQ_FOREACH(delivery, &entry->deliveries, link) {
        if (leaves_something(delivery))
            put_outcome(batch, delivery);
    }
}

static void put_leased(struct settle_batch *batch, const struct delivery *delivery)
{
    struct redis_args *args = settle_args(batch);
    const struct entry *entry = delivery->entry;
    redis_args_text(args, delivery->fence);
    redis_args_int(args, put_lane(batch, delivery));
    redis_args_int(args, may_be_shared(entry) ? settle_holders(batch, entry->stream) : 0);
    switch (delivery->outcome) {
    case OUTCOME_RETRY:
        redis_args_text(args, "retry");
        redis_args_int(args, delay_left(delivery));
        put_json(batch, delivery, !entry->is_shared);
        break;
    case OUTCOME_DEAD:
        letter_of_delivery(args, delivery, entry->pipeline->queue->consumer, true);
        break;
    case OUTCOME_WAIT:
    case OUTCOME_RELEASED:
        redis_args_text(args, "release");
        break;
    case OUTCOME_NONE:
    case OUTCOME_DELIVERED:
    case OUTCOME_SKIPPED:
        redis_args_text(args, "done");
        break;
    }
}

void settlement_put(void *context, struct settlement *settlement, struct settle_batch *batch)
{
    (void)context;
    if (settlement->kind == SETTLE_LEASED)
        put_leased(batch, settlement->owner);
    else
        put_entry(batch, settlement->owner);
}

/* --- submitting --- */

static void submit_entry(struct pipeline *pipeline, struct entry *entry, enum settle_kind kind)
{
    entry_keep(entry);
    entry_move(&pipeline->entries, entry, ENTRY_SETTLING);
    entry->settlement.kind = kind;
    entry->settlement.bytes = ARGUMENTS_BYTES + entry->document.len;
    settle_submit(pipeline->settle, &entry->settlement);
}

void settlement_of_entry(struct pipeline *pipeline, struct entry *entry)
{
    struct delivery *delivery;
    bool leaves = false;
    TAILQ_FOREACH(delivery, &entry->deliveries, link) {
        if (delivery->outcome == OUTCOME_NONE) {
            lanes_fence(pipeline->lanes, delivery->fence);
            delivery->lease_until_ms = loop_now_ms() + pipeline->lease_ms;
            delivery->detaching = true;
        }
        leaves = leaves || leaves_something(delivery);
    }
    submit_entry(pipeline, entry, leaves ? SETTLE_STREAM : SETTLE_ACK);
}

void settlement_bury(struct pipeline *pipeline, struct entry *entry,
                     const struct letter_cause *cause)
{
    log_at(LOG_INFO, "dead", log_text("event", entry->event_id),
           log_text("entry", entry->stream_id), log_text("reason", dead_reason_name(cause->reason)),
           log_text("error", cause->error));
    entry->cause = letter_cause_copy(cause);
    if (entry->cause == NULL) {
        log_at(LOG_ERROR, "out_of_memory", log_text("entry", entry->stream_id));
        settlement_forget(pipeline, entry); /* it stays pending, and is buried later */
        return;
    }
    submit_entry(pipeline, entry, SETTLE_STREAM);
}

void settlement_of_delivery(struct pipeline *pipeline, struct delivery *delivery)
{
    delivery->settlement.kind = SETTLE_LEASED;
    delivery->settlement.bytes = ARGUMENTS_BYTES + delivery->entry->document.len;
    settle_submit(pipeline->settle, &delivery->settlement);
}

/* --- detaching --- */

static void arm_detach(struct pipeline *pipeline)
{
    const struct entry *entry;
    int64_t at = INT64_MAX;
    for (int i = 0; i < DETACHES; i++) {
        entry = TAILQ_FIRST(&pipeline->entries.timed[i]);
        if (entry != NULL && entry->detach_at_ms < at)
            at = entry->detach_at_ms;
    }
    if (at < INT64_MAX)
        loop_timer_arm(&pipeline->detach_timer, at - loop_now_ms());
}

static void detach_later(struct pipeline *pipeline, struct entry *entry, enum detach kind)
{
    struct entries *entries = &pipeline->entries;
    int64_t after = kind == DETACH_SOON ? DETACH_SOON_MS : DETACH_AFTER_MS;
    bool is_first = TAILQ_EMPTY(&entries->timed[kind]);
    entry_detach_at(entries, entry, kind, loop_now_ms() + after);
    if (is_first)
        arm_detach(pipeline);
}

/* Those of which something waits and that have nothing to wait for. */
static void settle_in_order(struct pipeline *pipeline)
{
    const struct entry_list *list = &pipeline->entries.timed[DETACH_SOON];
    while (!TAILQ_EMPTY(list) && TAILQ_FIRST(list)->open == 0)
        settlement_of_entry(pipeline, TAILQ_FIRST(list));
}

void settlement_goes_on(struct pipeline *pipeline, struct entry *entry, bool waits)
{
    const struct entry_list *in_order = &pipeline->entries.timed[DETACH_SOON];
    if (waits && (entry->open > 0 || !TAILQ_EMPTY(in_order)))
        detach_later(pipeline, entry, DETACH_SOON);
    else if (entry->open > 0)
        detach_later(pipeline, entry, DETACH_LATER);
    else if (entry->timed_in != in_order)
        settlement_of_entry(pipeline, entry);
    settle_in_order(pipeline);
}

void settlement_on_detach(void *context)
{
    struct pipeline *pipeline = context;
    int64_t now = loop_now_ms();
    for (int i = 0; i < DETACHES; i++) {
        const struct entry_list *list = &pipeline->entries.timed[i];
        while (!TAILQ_EMPTY(list) && TAILQ_FIRST(list)->detach_at_ms <= now)
            settlement_of_entry(pipeline, TAILQ_FIRST(list));
    }
    settle_in_order(pipeline);
    arm_detach(pipeline);
}

/* The detached deliveries stand on their own now; some may have ended meanwhile. Another worker's,
 * or what may be, is not sent once more: its lease is over. */
static void on_detached(struct pipeline *pipeline, struct entry *entry, bool ours)
{
    bool is_leased = ours && !entry->settlement.again;
    struct delivery *delivery;
    struct delivery *next;
    entry_forget(&pipeline->entries, entry);
    entry_move(&pipeline->entries, entry, ENTRY_DETACHED);
    entry->is_shared = may_be_shared(entry);
    for (delivery = TAILQ_FIRST(&entry->deliveries); delivery != NULL; delivery = next) {
        next = TAILQ_NEXT(delivery, link);
        if (!delivery->detaching) {
            delivery_free(&pipeline->entries, delivery);
            continue;
        }
        delivery->detaching = false;
        delivery->leased = true;
        if (!is_leased)
            delivery->lease_until_ms = loop_now_ms();
        if (delivery->outcome != OUTCOME_NONE)
            settlement_of_delivery(pipeline, delivery);
    }
}

/* --- stored --- */

void settlement_forget(struct pipeline *pipeline, struct entry *entry)
{
    if (pipeline->running_alone == entry)
        pipeline->running_alone = NULL;
    entry_free(&pipeline->entries, entry);
    pipeline_arm(pipeline);
}

enum capacity_backlog settlement_backlog(struct pipeline *pipeline, const struct delivery *delivery)
{
    if (delivery->slot == NULL || delivery->slot->hook == NULL)
        return CAPACITY_BACKLOG_LATER;
    struct hook_ref ref = hook_ref_of(&delivery->entry->event, delivery->slot);
    return registry_is_clear(pipeline->registry, &ref) ? CAPACITY_BACKLOG_NOW
                                                       : CAPACITY_BACKLOG_LATER;
}

/* It is in its lane now, if it was to go there. */
static void note_stored(struct pipeline *pipeline, struct delivery *delivery)
{
    struct capacity_lane *lane;
    if (delivery->outcome == OUTCOME_RETRY)
        lanes_hint(pipeline->lanes, delay_left(delivery));
    if (!delivery->is_coming)
        return;
    delivery->is_coming = false;
    lane = capacity_lane_find(pipeline->capacity, delivery->lane);
    if (lane != NULL)
        capacity_note_come(pipeline->capacity, lane, settlement_backlog(pipeline, delivery));
}

/* An outcome that was dropped is not counted: another worker's is. */
static void count_outcome(const struct delivery *delivery)
{
    static const enum counter counters[] = {
        [OUTCOME_NONE] = COUNTERS,
        [OUTCOME_DELIVERED] = COUNTER_DELIVERED,
        [OUTCOME_SKIPPED] = COUNTER_HOOK_DISABLED,
        [OUTCOME_WAIT] = COUNTER_WAITED,
        [OUTCOME_RELEASED] = COUNTER_RELEASED,
        [OUTCOME_RETRY] = COUNTER_RETRIES,
        [OUTCOME_DEAD] = COUNTER_DEAD,
    };
    enum counter counter =
        delivery->is_of_other_type ? COUNTER_TYPE_SKIPPED : counters[delivery->outcome];
    /* One that was given up for others, and spared, has no attempt that failed. */
    bool is_spared = delivery->outcome == OUTCOME_RETRY && !delivery->is_judged;
    bool is_skipped_test = delivery->outcome == OUTCOME_SKIPPED && delivery->entry->is_test;
    const struct pipeline *pipeline = delivery->entry->pipeline;
    if (counter != COUNTERS && !is_spared && !is_skipped_test)
        counters_add(pipeline->queue->counters, counter, 1);
    if (delivery->outcome == OUTCOME_DELIVERED)
        counters_add_time(pipeline->queue->counters, COUNTER_DELIVERED_TIMES,
                          pipeline_age_ms(pipeline, delivery->entry));
}

static void count_entry(const struct entry *entry)
{
    struct counters *counters = entry->pipeline->queue->counters;
    const struct delivery *delivery;
    if (entry->cause != NULL)
        counters_add(counters, COUNTER_DEAD, 1);
    else if (TAILQ_EMPTY(&entry->deliveries))
        counters_add(counters, COUNTER_NO_HOOK, 1);
    TAILQ_FOREACH(delivery, &entry->deliveries, link) {
        if (!delivery->detaching) /* else it is settled on its own */
            count_outcome(delivery);
    }
}

static void count_stored(const struct settlement *settlement)
{
    if (settlement->kind == SETTLE_LEASED)
        count_outcome(settlement->owner);
    else
        count_entry(settlement->owner);
}

static void on_entry_stored(struct pipeline *pipeline, struct entry *entry, bool ours)
{
    struct delivery *delivery;
    bool detaches = false;
    TAILQ_FOREACH(delivery, &entry->deliveries, link) {
        if (!delivery->detaching)
            note_stored(pipeline, delivery);
        detaches = detaches || delivery->detaching;
    }
    if (detaches)
        on_detached(pipeline, entry, ours);
    else
        settlement_forget(pipeline, entry);
}

static void on_delivery_stored(struct pipeline *pipeline, struct delivery *delivery)
{
    struct entry *entry = delivery->entry;
    note_stored(pipeline, delivery);
    delivery_free(&pipeline->entries, delivery);
    if (TAILQ_EMPTY(&entry->deliveries))
        settlement_forget(pipeline, entry);
}

void settlement_stored(void *context, struct settlement *settlement, bool ours)
{
    struct pipeline *pipeline = context;
    if (!ours)
        log_at(LOG_WARN, "fenced", log_bytes("id", settlement->id),
               log_text("why", "another worker holds or settled it; the outcome was dropped"));
    else
        count_stored(settlement);
    if (ours)
        keeping_note(pipeline, settlement);
    if (settlement->kind == SETTLE_LEASED)
        on_delivery_stored(pipeline, settlement->owner);
    else
        on_entry_stored(pipeline, settlement->owner, ours);
    pipeline_arm(pipeline);
}
