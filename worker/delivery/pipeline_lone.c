#include <stdio.h>

#include "base/backoff.h"
#include "base/log.h"
#include "delivery/pipeline_internal.h"

/*
 * An entry that was taken over from dead workers more than once may be what ended them. It is not
 * decoded until nothing else runs in this process; meanwhile nothing new comes in. So a crash
 * during its run is its own, and innocent neighbours are never blamed. After poison-after lone runs
 * that did not end it is dead.
 */

bool pipeline_is_suspect(const struct entry *entry)
{
    /* A record counts only expired leases, an entry its first reading too. */
    return entry->claims >= (entry->settled ? SUSPECT_CLAIMS - 1 : SUSPECT_CLAIMS);
}

bool pipeline_is_quarantined(const struct pipeline *pipeline)
{
    return pipeline->running_alone != NULL || !TAILQ_EMPTY(&pipeline->lone);
}

static void wait_alone(struct pipeline *pipeline, struct entry *entry)
{
    if (pipeline->draining) {
        pipeline_leave_to_others(pipeline, entry);
        return;
    }
    entry->timed_in = &pipeline->lone;
    TAILQ_INSERT_TAIL(&pipeline->lone, entry, timed);
}

void pipeline_hold_suspect(struct pipeline *pipeline, struct entry *entry)
{
    log_at(LOG_WARN, "suspect", log_text("entry", entry->stream_id),
           log_int("claims", entry->claims), log_text("do", "runs alone"));
    wait_alone(pipeline, entry);
    pipeline_next_suspect(pipeline);
}

static void poison(struct pipeline *pipeline, struct entry *entry)
{
    char error[RECORD_ERROR_SIZE];
    snprintf(error, sizeof(error), "workers ended while it ran, %lld times alone",
             (long long)pipeline->config.settings->poison_after);
    if (entry->settled) {
        struct delivery *delivery = TAILQ_FIRST(&entry->deliveries);
        delivery->reason = DEAD_POISON;
        pipeline_set_error(delivery, error);
        pipeline_conclude(pipeline, delivery, OUTCOME_DEAD);
        return;
    }
    bool json = entry->encoding == RH_JSON;
    struct bytes none = {NULL, 0};
    pipeline_bury(pipeline, entry, DEAD_POISON, error, json ? entry->document : none,
                  json ? none : entry->document);
}

static void again_later(struct pipeline *pipeline)
{
    struct entry *entry = pipeline->running_alone;
    pipeline->running_alone = NULL;
    wait_alone(pipeline, entry);
    loop_timer_arm(&pipeline->lone_timer,
                   backoff_jitter(LONE_AGAIN_MS, 50, backoff_random(&pipeline->random)));
}

static void on_allowed(void *context, const struct reply *reply)
{
    struct pipeline *pipeline = context;
    struct entry *entry = pipeline->running_alone;
    int64_t count = reply_int(reply);
    if (entry == NULL || (entry->settled && entry->open == 0))
        return; /* handed back meanwhile */
    if (redis_fault_of(reply) != FAULT_NONE)
        again_later(pipeline);
    else if (count == 0)
        pipeline_let_go(pipeline, entry); /* another worker holds it now */
    else if (count - SUSPECT_CLAIMS > pipeline->config.settings->poison_after)
        poison(pipeline, entry);
    else
        pipeline_run_entry(pipeline, entry);
}

/* An entry's run is counted before it begins. A record counts its expired leases: it gets a whole
 * new one, because it may have waited long for its turn. */
static void ask_to_run(struct pipeline *pipeline, struct entry *entry)
{
    struct queue *queue = pipeline->config.queue;
    enum script_number number = entry->settled ? SCRIPT_LONE_LEASE : SCRIPT_LONE_RUN;
    struct redis_args args;
    redis_args_init(&args);
    if (entry->settled) {
        struct delivery *delivery = TAILQ_FIRST(&entry->deliveries);
        delivery->lease_until_ms = loop_now_ms() + pipeline->stamp.lease_ms;
        redis_args_text(&args, queue->keys.retries);
        redis_args_text(&args, queue->keys.deliveries);
        redis_args_text(&args, delivery->id);
        redis_args_text(&args, delivery->fence);
        redis_args_int(&args, pipeline->stamp.lease_ms);
    } else {
        redis_args_text(&args, queue->keys.events);
        redis_args_text(&args, KEYS_GROUP);
        redis_args_text(&args, queue->consumer);
        redis_args_text(&args, entry->stream_id);
    }
    if (queue_call(queue, number, entry->settled ? 2 : 1, &args, on_allowed, pipeline) != 0)
        again_later(pipeline);
    redis_args_release(&args);
}

/* The other leased ones wait elsewhere: a crash of this run would be counted against their leases.
 * */
static void release_leased(struct pipeline *pipeline)
{
    struct entry *entry;
    struct entry *next;
    for (entry = TAILQ_FIRST(&pipeline->lone); entry != NULL; entry = next) {
        next = TAILQ_NEXT(entry, timed);
        if (!entry->settled || entry->open == 0)
            continue;
        TAILQ_REMOVE(&pipeline->lone, entry, timed);
        entry->timed_in = NULL;
        pipeline_hand_back(pipeline, TAILQ_FIRST(&entry->deliveries));
    }
}

static bool others_run(const struct pipeline *pipeline)
{
    const struct entry *entry;
    TAILQ_FOREACH(entry, &pipeline->everything, every) {
        if (entry->timed_in != &pipeline->lone)
            return true;
    }
    return false;
}

void pipeline_next_suspect(struct pipeline *pipeline)
{
    struct entry *entry = TAILQ_FIRST(&pipeline->lone);
    if (entry == NULL || pipeline->running_alone != NULL || others_run(pipeline) ||
        pipeline->draining)
        return;
    pipeline_forget_timed(entry);
    pipeline->running_alone = entry;
    release_leased(pipeline);
    if (entry->settled &&
        entry->claims - (SUSPECT_CLAIMS - 1) >= pipeline->config.settings->poison_after)
        poison(pipeline, entry);
    else
        ask_to_run(pipeline, entry);
}

void pipeline_on_lone_again(void *context)
{
    pipeline_next_suspect(context);
}

void pipeline_leave_suspects(struct pipeline *pipeline)
{
    struct entry *entry;
    while ((entry = TAILQ_FIRST(&pipeline->lone)) != NULL) {
        pipeline_forget_timed(entry);
        pipeline_leave_to_others(pipeline, entry);
    }
}
