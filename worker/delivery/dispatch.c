#include "delivery/dispatch.h"

#include "delivery/attempt.h"
#include "delivery/conclude.h"
#include "delivery/test_reply.h"

bool dispatch_is_allowed(const struct pipeline *pipeline)
{
    return loop_fresh_ms() < pipeline->alive_until_ms;
}

#define SWEEP_MARGIN_MS 1000 /* a lease is given back so long before it is too short */

/* For an attempt that starts in so long. */
static bool lease_suffices(const struct pipeline *pipeline, const struct delivery *delivery,
                           int64_t in_ms)
{
    int64_t needed = pipeline_timeout_ms(pipeline, delivery->slot->hook) + START_MARGIN_MS + in_ms;
    return !delivery->leased || delivery->lease_until_ms - loop_fresh_ms() >= needed;
}

/* Its hook may have opened or paused while it was in line. */
static bool is_clear(struct pipeline *pipeline, const struct delivery *delivery)
{
    struct hook_ref ref = hook_ref_of(&delivery->entry->event, delivery->slot);
    return delivery->is_probe || delivery->entry->is_test ||
           registry_is_clear(pipeline->registry, &ref);
}

/* Of a hook with a rate: nothing of its lane starts before its place. */
static void wait_for_place(struct pipeline *pipeline, struct delivery *delivery)
{
    capacity_requeue(pipeline->capacity, &delivery->waiter, loop_run_ms());
    capacity_hold(pipeline->capacity, delivery->waiter.lane,
                  loop_run_ms() + delivery->not_before_ms - loop_now_ms());
    pipeline_arm(pipeline);
}

void dispatch(struct pipeline *pipeline, struct delivery *delivery)
{
    if (test_is_too_old(pipeline, delivery)) {
        conclude_dead(pipeline, delivery, DEAD_EXPIRED, "its turn came too late");
    } else if (!is_clear(pipeline, delivery) || !lease_suffices(pipeline, delivery, 0)) {
        conclude_back(pipeline, delivery);
    } else if (delivery->not_before_ms > loop_now_ms()) {
        wait_for_place(pipeline, delivery);
    } else {
        delivery->started_ms = loop_now_ms();
        attempt_start(pipeline, delivery);
    }
}

static bool waits_too_long(const struct pipeline *pipeline, const struct delivery *delivery,
                           bool is_pressed)
{
    if (delivery->entry->is_test)
        return false;
    if ((is_pressed || delivery->waiter.is_behind) && delivery->entry->source == SOURCE_STREAM &&
        loop_run_ms() - delivery->waiter.since_ms >= capacity_patience_ms(&delivery->waiter))
        return true;
    return !lease_suffices(pipeline, delivery, SWEEP_MARGIN_MS);
}

void dispatch_sweep(struct pipeline *pipeline, bool is_pressed)
{
    struct delivery *delivery;
    struct delivery *next;
    for (delivery = TAILQ_FIRST(&pipeline->entries.deliveries[DELIVERY_QUEUED]); delivery != NULL;
         delivery = next) {
        next = TAILQ_NEXT(delivery, of_state);
        if (waits_too_long(pipeline, delivery, is_pressed))
            conclude_back(pipeline, delivery);
    }
}
