#include "delivery/pipeline_internal.h"

/* Who makes way for others: what waits too long for a slot, and what holds one too long. */

#define QUEUE_WAIT_MS 500 /* a delivery waits so long for a slot, then makes way for others */
#define STUCK_MS 50       /* and so long when the worker is full and its receiver answers nobody */
#define SLOW_CHECK_MS 100

struct delivery *pipeline_delivery_of(struct capacity_waiter *waiter)
{
    return (struct delivery *)((char *)waiter - offsetof(struct delivery, waiter));
}

void pipeline_watch_waiting(struct pipeline *pipeline)
{
    if (!loop_timer_is_armed(&pipeline->overdue_timer))
        loop_timer_arm(&pipeline->overdue_timer, STUCK_MS);
}

void pipeline_hold_leased(struct pipeline *pipeline, struct delivery *delivery)
{
    delivery->state = DELIVERY_WAITING;
    delivery->waiter.since_ms = loop_now_ms();
    delivery->is_held = true;
    TAILQ_INSERT_TAIL(&pipeline->held, delivery, hold);
    pipeline->held_len++;
    pipeline_watch_waiting(pipeline);
}

void pipeline_drop_held(struct pipeline *pipeline, struct delivery *delivery)
{
    if (!delivery->is_held)
        return;
    TAILQ_REMOVE(&pipeline->held, delivery, hold);
    pipeline->held_len--;
    delivery->is_held = false;
}

/* Who waits too long for a slot waits behind a receiver that does not keep up: it comes again
 * later, so that it does not hold room that others need; very soon when they need it now. */
void pipeline_on_overdue(void *context)
{
    struct pipeline *pipeline = context;
    int64_t now = loop_now_ms();
    struct capacity_waiter *waiter;
    struct delivery *held;
    while ((waiter = capacity_overdue(pipeline->capacity, now - QUEUE_WAIT_MS)) != NULL)
        pipeline_defer_crowded(pipeline, pipeline_delivery_of(waiter));
    while (pipeline_is_full(pipeline) &&
           (waiter = capacity_stuck(pipeline->capacity, now - STUCK_MS)) != NULL)
        pipeline_defer_crowded(pipeline, pipeline_delivery_of(waiter));
    while ((held = TAILQ_FIRST(&pipeline->held)) != NULL &&
           held->waiter.since_ms <= now - QUEUE_WAIT_MS)
        pipeline_defer_crowded(pipeline, held);
    if (!TAILQ_EMPTY(&pipeline->held) || capacity_waiting(pipeline->capacity) > 0)
        loop_timer_arm(&pipeline->overdue_timer, STUCK_MS);
}

/* --- events with many hooks --- */

/* One event may bring 256 deliveries, and each of those that were read with it too. All together
 * may be twice as many as there are slots; of one event only as many count as there are slots, so
 * that it need not wait until nothing else is under way, which may never be. */
bool pipeline_is_crowded(const struct pipeline *pipeline, size_t deliveries)
{
    size_t slots = (size_t)pipeline->config.settings->max_in_flight;
    size_t counted = deliveries < slots ? deliveries : slots;
    return deliveries > 1 && pipeline->unfinished_len + counted > 2 * slots;
}

/* It waits until there is room for all of them, and looks its hooks up again then. */
void pipeline_hold_in_crowd(struct pipeline *pipeline, struct entry *entry, size_t wanted)
{
    if (pipeline->draining) {
        pipeline_leave_to_others(pipeline, entry);
        return;
    }
    entry->wanted = wanted;
    entry->timed_in = &pipeline->crowd;
    TAILQ_INSERT_TAIL(&pipeline->crowd, entry, timed);
}

void pipeline_thin_crowd(struct pipeline *pipeline)
{
    struct entry *entry;
    while ((entry = TAILQ_FIRST(&pipeline->crowd)) != NULL &&
           !pipeline_is_crowded(pipeline, entry->wanted)) {
        pipeline_forget_timed(entry);
        pipeline_find_hooks(pipeline, entry);
    }
}

void pipeline_leave_crowd(struct pipeline *pipeline)
{
    while (!TAILQ_EMPTY(&pipeline->crowd))
        pipeline_leave_to_others(pipeline, TAILQ_FIRST(&pipeline->crowd));
}

/* --- what holds a slot too long --- */

void pipeline_watch_slow(struct pipeline *pipeline)
{
    if (!loop_timer_is_armed(&pipeline->slow_timer))
        loop_timer_arm(&pipeline->slow_timer, SLOW_CHECK_MS);
}

/* Receivers that hang are cut only when what they hold keeps others out. */
void pipeline_on_slow(void *context)
{
    struct pipeline *pipeline = context;
    struct capacity_waiter *waiter;
    capacity_mark_slow(pipeline->capacity, loop_now_ms());
    while (pipeline_is_full(pipeline) && (waiter = capacity_to_cut(pipeline->capacity)) != NULL)
        pipeline_cut(pipeline, pipeline_delivery_of(waiter));
    pipeline_dispatch(pipeline);
    if (capacity_in_flight(pipeline->capacity) > 0)
        pipeline_watch_slow(pipeline);
}
