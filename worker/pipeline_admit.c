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

static void drop_disabled(struct pipeline *pipeline, struct delivery *delivery)
{
    counters_add(pipeline->config.counters, COUNTER_HOOK_DISABLED, 1);
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
    if (!loop_timer_is_armed(&pipeline->overdue_timer))
        loop_timer_arm(&pipeline->overdue_timer, QUEUE_WAIT_MS);
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
    bool fine = slot != NULL && slot->hook != NULL && !slot->disabled &&
                slot->paused_until_ms <= loop_wall_ms();
    if (fine || delivery->asked_anew || entry->event.has_inline_hooks)
        return false;
    delivery->asked_anew = true;
    registry_look_up(pipeline->registry, entry->event.room_id, entry->arrived_ms, &delivery->query,
                     on_hook, delivery);
    return true;
}

/* What is known of the hook decides whether the delivery may be attempted at all. */
static void admit(struct pipeline *pipeline, struct delivery *delivery)
{
    const struct hook_slot *slot = delivery->slot;
    int64_t now = loop_wall_ms();
    int64_t age = now - delivery->entry->queued_at_ms;
    if (asks_anew(pipeline, delivery))
        return;
    if (slot == NULL && !delivery->counted_as_retry && delivery->entry->only_hook[0] == '\0') {
        /* It was disabled when the event came, and is removed now. */
        drop_disabled(pipeline, delivery);
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
    } else if (slot->paused_until_ms > now) {
        pipeline_defer(pipeline, delivery, slot->paused_until_ms - now);
    } else {
        queue_delivery(pipeline, delivery);
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
