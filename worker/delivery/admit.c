#include "delivery/admit.h"

#include <stdio.h>

#include "contract/parse.h"
#include "delivery/conclude.h"

static void bury_expired(struct pipeline *pipeline, struct delivery *delivery, int64_t age_ms)
{
    char error[RECORD_ERROR_SIZE];
    char age[32];
    snprintf(error, sizeof(error), "%s old when its turn came%s%.80s",
             format_duration(age_ms / 1000 * 1000, age, sizeof(age)),
             delivery->history.error[0] != '\0' ? "; before that: " : "", delivery->history.error);
    conclude_dead(pipeline, delivery, DEAD_EXPIRED, error);
}

/* False: there is nothing to send, and it has its outcome. */
static bool is_wanted(struct pipeline *pipeline, struct delivery *delivery)
{
    const struct hook_slot *slot = delivery->slot;
    int64_t age = pipeline_age_ms(pipeline, delivery->entry);
    bool waited = delivery->entry->source == SOURCE_LANE;
    if (slot == NULL) {
        conclude_dead(pipeline, delivery, DEAD_HOOK_REMOVED, "the room has no hook of this id");
    } else if (slot->hook == NULL) {
        conclude_dead(pipeline, delivery,
                      slot->problem == HOOK_BAD_URL ? DEAD_BAD_URL : DEAD_BAD_HOOK, slot->why);
    } else if (slot->disabled && waited) {
        conclude_dead(pipeline, delivery, DEAD_HOOK_DISABLED, "the hook was disabled meanwhile");
    } else if (slot->disabled) {
        conclude(pipeline, delivery, OUTCOME_SKIPPED);
    } else if (!delivery->entry->is_test &&
               !hook_takes_type(slot->hook, delivery->entry->event.type)) {
        delivery->is_of_other_type = true;
        conclude(pipeline, delivery, OUTCOME_SKIPPED);
    } else if (age > pipeline_max_age_ms(pipeline, slot->hook)) {
        bury_expired(pipeline, delivery, age);
    } else {
        return true;
    }
    return false;
}

/* Into the line of its lane, whatever its hook's rate or state, and what else waits: an operator
 * wants to know how the receiver is now. */
static void admit_test(struct pipeline *pipeline, struct delivery *delivery)
{
    struct capacity_lane *lane = pipeline->draining ? NULL : pipeline_lane_of(pipeline, delivery);
    if (lane == NULL) {
        conclude_back(pipeline, delivery);
        return;
    }
    capacity_queue(pipeline->capacity, lane, &delivery->waiter, loop_run_ms());
    delivery_move(&pipeline->entries, delivery, DELIVERY_QUEUED);
    pipeline_arm(pipeline);
}

void admit_arrival(struct pipeline *pipeline, struct delivery *delivery)
{
    int64_t now = loop_now_ms();
    if (!is_wanted(pipeline, delivery))
        return;
    const struct hook_slot *slot = delivery->slot;
    struct capacity_lane *lane = NULL;
    if (delivery->entry->is_test) {
        admit_test(pipeline, delivery);
        return;
    }
    if (!pipeline->draining && slot->hook->rate_interval_us == 0 &&
        hook_state_is_clear(&slot->state, now))
        lane = pipeline_lane_of(pipeline, delivery);
    if (lane == NULL || !capacity_offer(pipeline->capacity, lane, &delivery->waiter, loop_run_ms()))
        conclude(pipeline, delivery, OUTCOME_WAIT);
    else
        delivery_move(&pipeline->entries, delivery, DELIVERY_QUEUED);
    pipeline_arm(pipeline);
}

void admit_claimed(struct pipeline *pipeline, struct delivery *delivery)
{
    if (!is_wanted(pipeline, delivery))
        return;
    struct capacity_lane *lane = pipeline->draining ? NULL : pipeline_lane_of(pipeline, delivery);
    if (lane == NULL) {
        conclude_back(pipeline, delivery);
        return;
    }
    delivery->waiter.claimed = true;
    delivery->waiter.only_protected = delivery->history.cuts >= CUTS_MAX;
    if (delivery->is_probe)
        capacity_restrict(pipeline->capacity, lane, 1);
    capacity_queue(pipeline->capacity, lane, &delivery->waiter, loop_run_ms());
    delivery_move(&pipeline->entries, delivery, DELIVERY_QUEUED);
    pipeline_arm(pipeline);
}
