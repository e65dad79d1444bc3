#include "pipeline_internal.h"

/* Who makes way for others: what waits too long for a slot, and what holds one too long. */

#define QUEUE_WAIT_MS 500 /* a delivery waits so long for a slot, then makes way for others */
#define SLOW_CHECK_MS 100

struct delivery *pipeline_delivery_of(struct capacity_waiter *waiter)
{
    return (struct delivery *)((char *)waiter - offsetof(struct delivery, waiter));
}

void pipeline_watch_waiting(struct pipeline *pipeline)
{
    if (!loop_timer_is_armed(&pipeline->overdue_timer))
        loop_timer_arm(&pipeline->overdue_timer, QUEUE_WAIT_MS);
}

/* Who waits too long for a slot waits behind a receiver that does not keep up: it comes again
 * later, so that it does not hold room that others need. */
void pipeline_on_overdue(void *context)
{
    struct pipeline *pipeline = context;
    int64_t now = loop_now_ms();
    struct capacity_waiter *waiter;
    while ((waiter = capacity_overdue(pipeline->capacity, now - QUEUE_WAIT_MS)) != NULL)
        pipeline_defer(pipeline, pipeline_delivery_of(waiter), 0);
    int64_t oldest = capacity_oldest_ms(pipeline->capacity);
    if (oldest >= 0)
        loop_timer_arm(&pipeline->overdue_timer, oldest + QUEUE_WAIT_MS - now);
}

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
