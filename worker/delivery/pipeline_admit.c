#include <stdio.h>

#include "base/log.h"
#include "contract/parse.h"
#include "delivery/pipeline_internal.h"

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

static void drop_disabled(struct pipeline *pipeline, struct delivery *delivery)
{
    counters_add(pipeline->config.queue->counters, COUNTER_HOOK_DISABLED, 1);
    pipeline_conclude(pipeline, delivery, OUTCOME_DELIVERED);
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
    if (pipeline->draining) {
        pipeline_hand_back(pipeline, delivery);
    } else if (delivery->leased) {
        pipeline_start_leased(pipeline, delivery);
    } else if (capacity_wait(pipeline->capacity, &delivery->waiter, hook->url_text,
                             url_origin(&hook->url, origin), loop_now_ms()) != 0) {
        pipeline_defer_crowded(pipeline, delivery);
    } else {
        delivery->state = DELIVERY_WAITING;
        pipeline_watch_waiting(pipeline);
    }
}

struct hook_ref pipeline_hook_ref(const struct delivery *delivery)
{
    const struct event *event = &delivery->entry->event;
    return (struct hook_ref){.is_inline = event->has_inline_hooks,
                             .has_room = event->has_room_id,
                             .room_id = event->room_id,
                             .slot = delivery->slot};
}

/* --- where workers have to agree --- */

static void on_permit(void *context, const struct permit *permit);

static void ask_permit(struct pipeline *pipeline, struct delivery *delivery, enum permit_kind kind)
{
    const struct hook *hook = delivery->slot->hook;
    struct hook_ref ref = pipeline_hook_ref(delivery);
    struct permit_query *query = &delivery->permit;
    int64_t age = pipeline_age_ms(pipeline, delivery->entry);
    query->kind = kind;
    query->lease_ms = pipeline->stamp.lease_ms;
    query->interval_us = hook->rate_interval_us;
    query->slot_ms = delivery->history.slot_ms;
    query->most_ms = max_age_ms(pipeline, hook) - age;
    hook_ref_field(&ref, query->field);
    delivery->state = DELIVERY_ASKING;
    permits_ask(pipeline->permits, query, on_permit, delivery);
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
    queue_delivery(pipeline, delivery);
}

/* What all workers know of the hook: it rests, it is open, or nothing is in the way. */
static void pass_gate(struct pipeline *pipeline, struct delivery *delivery, bool has_place)
{
    struct hook_ref ref = pipeline_hook_ref(delivery);
    int64_t wait_ms = 0;
    enum hook_gate gate = hook_state_gate(&delivery->slot->state, loop_now_ms(), &wait_ms);
    if (gate == HOOK_WAIT) {
        pipeline_defer(pipeline, delivery, wait_ms);
    } else if (delivery->slot->hook->rate_interval_us > 0 && !has_place) {
        /* Before it asks to be the probe: else one that has to wait would take the probe along. */
        ask_permit(pipeline, delivery, PERMIT_PACE);
    } else if (gate == HOOK_PROBE && !ref.is_inline) {
        ask_permit(pipeline, delivery, PERMIT_PROBE);
    } else {
        delivery->is_probe = gate == HOOK_PROBE;
        if (delivery->is_probe)
            registry_set_probing(pipeline->registry, &ref, pipeline->stamp.lease_ms);
        queue_delivery(pipeline, delivery);
    }
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
        pass_gate(pipeline, delivery, true);
    pipeline_dispatch(pipeline);
}

static void admit(struct pipeline *pipeline, struct delivery *delivery);

static void on_hook(void *context, struct hook_set *set)
{
    struct delivery *delivery = context;
    struct pipeline *pipeline = delivery->entry->pipeline;
    if (set == NULL) {
        pipeline_defer(pipeline, delivery, 0);
        return;
    }
    hook_set_keep(set);
    hook_set_drop(delivery->set);
    delivery->set = set;
    delivery->slot = hook_set_find(set, bytes_of(delivery->hook_id));
    admit(pipeline, delivery);
    pipeline_dispatch(pipeline);
}

/* What says no may be older than the event: somebody may have set or enabled the hook just before
 * it was sent. So "no" is only taken from what was read since. */
static bool asks_anew(struct pipeline *pipeline, struct delivery *delivery)
{
    const struct hook_slot *slot = delivery->slot;
    const struct entry *entry = delivery->entry;
    bool fine = slot != NULL && slot->hook != NULL && !slot->disabled;
    if (fine || delivery->asked_anew || entry->event.has_inline_hooks)
        return false;
    delivery->asked_anew = true;
    registry_look_up(pipeline->registry, entry->event.room_id, REGISTRY_ANEW, entry->arrived,
                     &delivery->query, on_hook, delivery);
    return true;
}

/* What is known of the hook decides whether the delivery may be attempted at all. */
static void admit(struct pipeline *pipeline, struct delivery *delivery)
{
    const struct hook_slot *slot = delivery->slot;
    int64_t age = pipeline_age_ms(pipeline, delivery->entry);
    if (asks_anew(pipeline, delivery))
        return;
    if (slot == NULL && !delivery->counted_as_retry && delivery->entry->only_hook[0] == '\0') {
        drop_disabled(pipeline, delivery); /* it was when the event came; now it is removed */
    } else if (slot == NULL) {
        pipeline_bury_delivery(pipeline, delivery, DEAD_HOOK_REMOVED,
                               "the room has no hook of this id");
    } else if (slot->hook == NULL) {
        pipeline_bury_delivery(pipeline, delivery,
                               slot->problem == HOOK_BAD_URL ? DEAD_BAD_URL : DEAD_BAD_HOOK,
                               slot->why);
    } else if (slot->disabled && delivery->counted_as_retry) {
        pipeline_bury_delivery(pipeline, delivery, DEAD_HOOK_DISABLED,
                               "the hook was disabled meanwhile");
    } else if (slot->disabled) {
        drop_disabled(pipeline, delivery);
    } else if (age > max_age_ms(pipeline, slot->hook)) {
        bury_expired(pipeline, delivery, age);
    } else {
        pass_gate(pipeline, delivery, false);
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
