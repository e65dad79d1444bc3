#include "delivery/suspects.h"

#include <stdio.h>

#include "base/backoff.h"
#include "delivery/arrival.h"
#include "delivery/conclude.h"
#include "delivery/settlement.h"
#include "queue/settle_batch.h"

#define AGAIN_MS 500

static struct entry_list *quarantine(struct pipeline *pipeline)
{
    return &pipeline->entries.of_state[ENTRY_QUARANTINED];
}

bool suspects_wait(const struct pipeline *pipeline)
{
    return pipeline->running_alone != NULL ||
           !TAILQ_EMPTY(&pipeline->entries.of_state[ENTRY_QUARANTINED]);
}

static void poison(struct pipeline *pipeline, struct entry *entry)
{
    char error[RECORD_ERROR_SIZE];
    struct letter_cause cause = {.reason = DEAD_POISON, .error = error};
    snprintf(error, sizeof(error), "workers ended while it ran, %lld times alone",
             (long long)pipeline->settings->poison_after);
    if (entry->source == SOURCE_LANE) {
        conclude_dead(pipeline, TAILQ_FIRST(&entry->deliveries), DEAD_POISON, error);
        return;
    }
    *(entry->encoding == RH_JSON ? &cause.json : &cause.msgpack) = entry->document;
    settlement_bury(pipeline, entry, &cause);
}

/* --- asking to run --- */

static void again_later(struct pipeline *pipeline)
{
    pipeline->running_alone = NULL;
    loop_timer_arm(&pipeline->suspect_timer,
                   backoff_jitter(AGAIN_MS, 50, backoff_random(&pipeline->random)));
}

static void run(struct pipeline *pipeline, struct entry *entry)
{
    entry_move(&pipeline->entries, entry, ENTRY_NEW);
    arrival_run(pipeline, entry);
    pipeline_arm(pipeline);
}

static void on_counted(void *context, const struct reply *reply)
{
    struct pipeline *pipeline = context;
    struct entry *entry = pipeline->running_alone;
    int64_t count = reply_int(reply);
    if (entry == NULL)
        return; /* left meanwhile */
    if (redis_fault_of(reply) != FAULT_NONE)
        again_later(pipeline);
    else if (count == 0)
        settlement_forget(pipeline, entry); /* another worker holds it now */
    else if (count - SUSPECT_CLAIMS > pipeline->settings->poison_after)
        poison(pipeline, entry);
    else
        run(pipeline, entry);
}

/* A run of an entry of the stream is counted before it begins. */
static int count_run(struct pipeline *pipeline, const struct entry *entry)
{
    struct redis_args args;
    redis_args_init(&args);
    redis_args_text(&args, pipeline->queue->keys.events);
    redis_args_text(&args, KEYS_GROUP);
    redis_args_text(&args, pipeline->queue->consumer);
    redis_args_text(&args, entry->stream_id);
    int sent = queue_call(pipeline->queue, SCRIPT_QUARANTINE_RUN, 1, &args, on_counted, pipeline);
    redis_args_release(&args);
    return sent;
}

static void on_renewed(void *context, const struct reply *reply)
{
    struct pipeline *pipeline = context;
    struct entry *entry = pipeline->running_alone;
    if (entry == NULL || entry->open == 0)
        return; /* left meanwhile */
    if (redis_fault_of(reply) != FAULT_NONE)
        again_later(pipeline);
    else if (reply_int(reply_at(reply, 3)) == 0)
        settlement_forget(pipeline, entry); /* another worker holds it now */
    else
        run(pipeline, entry);
}

/* A delivery counts the leases that ran out: it gets a whole new one, because it may have waited
 * long for its turn. */
static int renew_lease(struct pipeline *pipeline, struct entry *entry)
{
    const struct keys *keys = &pipeline->queue->keys;
    struct delivery *delivery = TAILQ_FIRST(&entry->deliveries);
    struct redis_args args;
    char key[KEY_SIZE];
    delivery->lease_until_ms = loop_now_ms() + pipeline->lease_ms;
    redis_args_init(&args);
    settle_put_keys(keys, SETTLE_LEASED, &args);
    redis_args_copy(&args, bytes_of(keys_lane(keys, delivery->lane, key)));
    int keys_len = (int)args.len;
    redis_args_int(&args, pipeline->settings->dead_max);
    redis_args_int(&args, pipeline->settings->dead_max_bytes);
    redis_args_int(&args, pipeline->settings->lane_max);
    redis_args_int(&args, 1);
    redis_args_text(&args, "-"); /* its lane is looked at too early, which costs a look */
    redis_args_int(&args, 0);
    redis_args_text(&args, delivery->id);
    redis_args_text(&args, delivery->fence);
    redis_args_int(&args, 1);
    redis_args_int(&args, 0);
    redis_args_text(&args, "renew");
    redis_args_int(&args, pipeline->lease_ms);
    int sent =
        queue_call(pipeline->queue, SCRIPT_SETTLE_LEASED, keys_len, &args, on_renewed, pipeline);
    redis_args_release(&args);
    return sent;
}

/* --- turns --- */

/* The other claimed ones wait elsewhere: a crash of this run would be counted against their
 * leases. */
static void release_claimed(struct pipeline *pipeline)
{
    struct entry *entry;
    struct entry *next;
    for (entry = TAILQ_FIRST(quarantine(pipeline)); entry != NULL; entry = next) {
        next = TAILQ_NEXT(entry, of_state);
        if (entry != pipeline->running_alone && entry->source == SOURCE_LANE && entry->open > 0)
            conclude_back(pipeline, TAILQ_FIRST(&entry->deliveries));
    }
}

static bool others_run(const struct pipeline *pipeline)
{
    const struct entry *entry;
    size_t quarantined = 0;
    TAILQ_FOREACH(entry, &pipeline->entries.of_state[ENTRY_QUARANTINED], of_state)
        quarantined++;
    return pipeline->entries.len > quarantined;
}

/* Claimed ones that go back already are still there until that is stored. */
static struct entry *first_suspect(struct pipeline *pipeline)
{
    struct entry *entry;
    TAILQ_FOREACH(entry, quarantine(pipeline), of_state) {
        if (entry->is_suspect && (entry->source == SOURCE_STREAM || entry->open > 0))
            return entry;
    }
    return NULL;
}

/* What came while a suspect ran. */
static void run_others(struct pipeline *pipeline)
{
    struct entry *entry;
    struct entry *next;
    for (entry = TAILQ_FIRST(quarantine(pipeline)); entry != NULL; entry = next) {
        next = TAILQ_NEXT(entry, of_state);
        if (entry->is_suspect)
            continue;             /* a claimed one that goes back */
        entry->by_reader = false; /* the news behind its read were heard */
        run(pipeline, entry);
    }
}

void suspects_next(struct pipeline *pipeline)
{
    struct entry *entry = first_suspect(pipeline);
    if (entry == NULL && pipeline->running_alone == NULL)
        run_others(pipeline);
    if (entry == NULL || pipeline->running_alone != NULL || others_run(pipeline) ||
        pipeline->draining || loop_timer_is_armed(&pipeline->suspect_timer))
        return;
    bool is_claimed = entry->source == SOURCE_LANE;
    pipeline->running_alone = entry;
    release_claimed(pipeline);
    if (is_claimed && entry->claims - (SUSPECT_CLAIMS - 1) >= pipeline->settings->poison_after)
        poison(pipeline, entry);
    else if ((is_claimed ? renew_lease(pipeline, entry) : count_run(pipeline, entry)) != 0)
        again_later(pipeline);
}

void suspects_leave(struct pipeline *pipeline)
{
    struct entry *entry;
    struct entry *next;
    for (entry = TAILQ_FIRST(quarantine(pipeline)); entry != NULL; entry = next) {
        next = TAILQ_NEXT(entry, of_state);
        if (pipeline->running_alone == entry)
            pipeline->running_alone = NULL;
        arrival_leave(pipeline, entry);
    }
}
