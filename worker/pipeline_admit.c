#include <stdio.h>

#include "log.h"
#include "parse.h"
#include "pipeline_internal.h"

static int64_t max_age_ms(const struct pipeline *pipeline, const struct hook *hook)
{
    int64_t setting = pipeline->config.settings->max_age_ms;
    return hook->max_age_ms > 0 && hook->max_age_ms < setting ? hook->max_age_ms : setting;
}

void pipeline_bury_delivery(struct pipeline *pipeline, struct delivery *delivery,
                            enum dead_reason reason, const char *error)
{
    delivery->reason = reason;
    pipeline_set_error(delivery, error);
    pipeline_conclude(pipeline, delivery, OUTCOME_DEAD);
}

static void bury_expired(struct pipeline *pipeline, struct delivery *delivery, int64_t age_ms)
{
    char error[RECORD_ERROR_SIZE];
    char age[32];
    snprintf(error, sizeof(error), "%s old when its turn came%s%s",
             format_duration(age_ms / 1000 * 1000, age, sizeof(age)),
             delivery->history.error[0] != '\0' ? "; before that: " : "", delivery->history.error);
    pipeline_bury_delivery(pipeline, delivery, DEAD_EXPIRED, error);
}

static void queue_delivery(struct pipeline *pipeline, struct delivery *delivery)
{
    const struct hook *hook = delivery->slot->hook;
    char origin[URL_ORIGIN_SIZE];
    url_origin(&hook->url, origin);
    if (pipeline->draining) {
        pipeline_hand_back(pipeline, delivery);
        return;
    }
    if (delivery->leased) { /* it may not queue: its lease runs */
        pipeline_start_leased(pipeline, delivery, origin);
        return;
    }
    if (capacity_wait(pipeline->capacity, &delivery->waiter, hook->url_text, origin,
                      loop_now_ms()) != 0) {
        pipeline_defer(pipeline, delivery, 0);
        return;
    }
    delivery->state = DELIVERY_WAITING;
    pipeline_watch_waiting(pipeline);
}

struct hook_ref pipeline_hook_ref(const struct delivery *delivery)
{
    const struct event *event = &delivery->entry->event;
    return (struct hook_ref){
        .is_inline = event->has_inline_hooks, .room_id = event->room_id, .slot = delivery->slot};
}

/* --- where workers have to agree --- */

static void on_permit(void *context, const struct permit *permit);

static void ask_permit(struct pipeline *pipeline, struct delivery *delivery, enum permit_kind kind)
{
    const struct hook *hook = delivery->slot->hook;
    const struct event *event = &delivery->entry->event;
    struct permit_query *query = &delivery->permit;
    int64_t age = loop_wall_ms() - delivery->entry->queued_at_ms;
    query->kind = kind;
    query->lease_ms = pipeline->stamp.lease_ms;
    query->interval_us = hook->rate_interval_us;
    query->slot_ms = delivery->history.slot_ms;
    query->most_ms = max_age_ms(pipeline, hook) - age;
    if (event->has_inline_hooks)
        snprintf(query->field, sizeof(query->field), "inline/%s", hook->fingerprint);
    else
        hook_state_field(hook, event->room_id, query->field);
    delivery->state = DELIVERY_ASKING;
    permits_ask(pipeline->permits, query, on_permit, delivery);
}

static void pace_or_queue(struct pipeline *pipeline, struct delivery *delivery)
{
    if (delivery->slot->hook->rate_interval_us > 0)
        ask_permit(pipeline, delivery, PERMIT_PACE);
    else
        queue_delivery(pipeline, delivery);
}

static void on_probe_permit(struct pipeline *pipeline, struct delivery *delivery,
                            const struct permit *permit)
{
    struct hook_ref ref = pipeline_hook_ref(delivery);
    if (permit->says == PERMIT_WAIT) {
        registry_set_probe(pipeline->registry, &ref, permit->wait_ms);
        pipeline_defer(pipeline, delivery, permit->wait_ms);
        return;
    }
    delivery->is_probe = permit->says == PERMIT_GO;
    if (delivery->is_probe)
        registry_set_probing(pipeline->registry, &ref, pipeline->stamp.lease_ms);
    else
        registry_set_closed(pipeline->registry, &ref);
    pace_or_queue(pipeline, delivery);
}

static void on_permit(void *context, const struct permit *permit)
{
    struct delivery *delivery = context;
    struct pipeline *pipeline = delivery->entry->pipeline;
    delivery->state = DELIVERY_NEW;
    if (permit->says == PERMIT_UNKNOWN)
        pipeline_defer(pipeline, delivery, 0);
    else if (delivery->permit.kind == PERMIT_PROBE)
        on_probe_permit(pipeline, delivery, permit);
    else if (permit->says == PERMIT_WAIT)
        pipeline_put_off(pipeline, delivery, permit);
    else
        queue_delivery(pipeline, delivery);
    pipeline_dispatch(pipeline);
}

/* What all workers know of the hook: it rests, it is open, or nothing is in the way. */
static void pass_gate(struct pipeline *pipeline, struct delivery *delivery)
{
    struct hook_ref ref = pipeline_hook_ref(delivery);
    int64_t wait_ms = 0;
    switch (hook_state_gate(&delivery->slot->state, loop_now_ms(), &wait_ms)) {
    case HOOK_WAIT:
        pipeline_defer(pipeline, delivery, wait_ms);
        return;
    case HOOK_PROBE:
        if (!ref.is_inline) {
            ask_permit(pipeline, delivery, PERMIT_PROBE);
            return;
        }
        delivery->is_probe = true;
        registry_set_probing(pipeline->registry, &ref, pipeline->stamp.lease_ms);
        break;
    case HOOK_GO:
        break;
    }
    pace_or_queue(pipeline, delivery);
}

/* What is known of the hook decides whether the delivery may be attempted at all. */
static void admit(struct pipeline *pipeline, struct delivery *delivery)
{
    const struct hook_slot *slot = delivery->slot;
    int64_t age = loop_wall_ms() - delivery->entry->queued_at_ms;
    if (slot == NULL) {
        pipeline_bury_delivery(pipeline, delivery, DEAD_HOOK_REMOVED,
                               "the room has no hook of this id");
    } else if (slot->hook == NULL) {
        pipeline_bury_delivery(pipeline, delivery,
                               slot->problem == HOOK_BAD_URL ? DEAD_BAD_URL : DEAD_BAD_HOOK,
                               slot->why);
    } else if (slot->disabled && delivery->leased) {
        pipeline_bury_delivery(pipeline, delivery, DEAD_HOOK_DISABLED,
                               "the hook was disabled meanwhile");
    } else if (slot->disabled) {
        counters_add(pipeline->config.counters, COUNTER_HOOK_DISABLED, 1);
        pipeline_conclude(pipeline, delivery, OUTCOME_DELIVERED);
    } else if (age > max_age_ms(pipeline, slot->hook)) {
        bury_expired(pipeline, delivery, age);
    } else {
        pass_gate(pipeline, delivery);
    }
}

void pipeline_admit_all(struct pipeline *pipeline, struct entry *entry)
{
    /* Admitting may end the entry; the copy of the count tells when to stop. */
    size_t left = entry->open;
    struct delivery *delivery = TAILQ_FIRST(&entry->deliveries);
    while (left-- > 0) {
        struct delivery *next = TAILQ_NEXT(delivery, link);
        admit(pipeline, delivery);
        delivery = next;
    }
    pipeline_dispatch(pipeline);
}
