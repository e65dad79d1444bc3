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

/* What is known of the hook decides whether the delivery may be attempted at all. */
static void admit(struct pipeline *pipeline, struct delivery *delivery)
{
    const struct hook_slot *slot = delivery->slot;
    int64_t now = loop_wall_ms();
    int64_t age = now - delivery->entry->queued_at_ms;
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
