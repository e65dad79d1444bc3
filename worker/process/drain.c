#include "process/drain.h"

#include "base/log.h"

#define LOOK_EVERY_MS 20   /* while draining only */
#define LAST_WORDS_MS 5000 /* for storing what was handed back when time was up */

static void look(void *context);

int drain_init(struct drain *drain)
{
    return loop_timer_init(drain->loop, &drain->timer, look, drain);
}

void drain_release(struct drain *drain)
{
    loop_timer_release(&drain->timer);
}

static void on_left(void *context)
{
    struct drain *drain = context;
    loop_stop(drain->loop);
}

static void tell(const struct drain *drain)
{
    const struct settle_refusal *refusal = pipeline_refusal(drain->pipeline);
    if (drain->clean)
        log_at(LOG_INFO, "drained", log_text("left_behind", "nothing"));
    else
        log_at(LOG_ERROR, "drained", log_text("left_behind", "entries that stay pending"),
               log_int("unstored", (int64_t)pipeline_unstored(drain->pipeline)),
               log_text("refused",
                        refusal->fault == FAULT_NONE ? NULL : redis_fault_name(refusal->fault)));
}

static void leave(struct drain *drain)
{
    drain->leaving = true;
    drain->clean = pipeline_is_empty(drain->pipeline);
    pipeline_report(drain->pipeline);
    drain->flush(drain->context);
    tell(drain);
    liveness_leave(drain->liveness, on_left, drain);
}

static void look(void *context)
{
    struct drain *drain = context;
    int64_t now = loop_now_ms();
    if (drain->leaving) {
        loop_stop(drain->loop); /* Redis did not answer in time */
    } else if (pipeline_is_empty(drain->pipeline)) {
        leave(drain);
        loop_timer_arm(&drain->timer, LAST_WORDS_MS);
    } else if (now >= drain->deadline_ms && !drain->handed_back) {
        drain->handed_back = true;
        drain->deadline_ms = now + LAST_WORDS_MS;
        pipeline_give_back_all(drain->pipeline);
        loop_timer_arm(&drain->timer, LOOK_EVERY_MS);
    } else if (now >= drain->deadline_ms) {
        leave(drain);
        loop_timer_arm(&drain->timer, LAST_WORDS_MS);
    } else {
        loop_timer_arm(&drain->timer, LOOK_EVERY_MS);
    }
}

void drain_begin(struct drain *drain)
{
    drain->deadline_ms = loop_now_ms() + drain->timeout_ms;
    log_at(LOG_INFO, "draining",
           log_int("in_flight", (int64_t)pipeline_in_flight(drain->pipeline)));
    pipeline_drain(drain->pipeline);
    loop_timer_arm(&drain->timer, 0);
}
