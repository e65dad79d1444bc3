#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "contract/parse.h"
#include "delivery/pipeline_internal.h"

/* --- a record that cannot be read --- */

/* Without an answer its lease runs out, and it is claimed and buried again. */
static void on_buried(void *context, const struct reply *reply)
{
    struct pipeline *pipeline = context;
    counters_dropped(pipeline->config.queue->counters, reply_int(reply_at(reply, 0)));
    counters_add(pipeline->config.queue->counters, COUNTER_DEAD, reply_int(reply_at(reply, 1)));
}

static void bury_record(struct pipeline *pipeline, const struct claimed_retry *claimed,
                        const char *why)
{
    struct queue *queue = pipeline->config.queue;
    struct redis_args args;
    log_at(LOG_ERROR, "record_unreadable", log_bytes("delivery", claimed->delivery_id),
           log_text("error", why));
    redis_args_init(&args);
    redis_args_text(&args, queue->keys.retries);
    redis_args_text(&args, queue->keys.deliveries);
    redis_args_text(&args, queue->keys.dead);
    redis_args_int(&args, pipeline->config.settings->dead_max);
    outcome_of_unreadable(claimed->delivery_id, claimed->record, why, &pipeline->stamp, &args);
    (void)queue_call(queue, SCRIPT_SETTLE_RETRIES, 3, &args, on_buried, pipeline);
    redis_args_release(&args);
}

/* --- arrival of a claimed retry --- */

/* A record_result; ret_stream_id borrows from the claimed one's id. */
static int decode(const struct claimed_retry *claimed, struct record *ret_record,
                  struct bytes *ret_stream_id, struct error_text *why)
{
    char shown[80];
    struct bytes hook;
    int problem = record_decode(claimed->record, ret_record, why);
    if (problem != RECORD_OK)
        return problem;
    /* Its outcome will name the delivery by these two. */
    if (delivery_split_id(claimed->delivery_id, ret_stream_id, &hook) == 0 &&
        bytes_equal_text(hook, ret_record->hook))
        return RECORD_OK;
    error_text_set(why, "its id \"%s\" is not <stream id>/%s",
                   bytes_printable(claimed->delivery_id, shown, sizeof(shown)), ret_record->hook);
    return RECORD_BAD;
}

static struct entry *entry_of_record(struct bytes stream_id, const struct record *record)
{
    struct entry *entry = entry_new(stream_id, record->encoding, record->document);
    if (entry == NULL)
        return NULL;
    entry->settled = true;
    if (record->event_id[0] != '\0') {
        snprintf(entry->event_id, sizeof(entry->event_id), "%s", record->event_id);
        entry->own_event_id = true;
    }
    snprintf(entry->traceparent, sizeof(entry->traceparent), "%s", record->traceparent);
    entry->claims = record->claims;
    /* Known before the document is decoded, for a dead letter that comes first. */
    entry->event.has_room_id = record->has_room;
    entry->event.room_id = record->room_id;
    return entry;
}

static void take(struct pipeline *pipeline, const struct claimed_retry *claimed,
                 struct bytes stream_id, const struct record *record)
{
    struct entry *entry = entry_of_record(stream_id, record);
    struct delivery *delivery = NULL;
    if (entry != NULL)
        delivery = pipeline_add_delivery(pipeline, entry, NULL, NULL, record->hook);
    if (delivery == NULL) {
        log_at(LOG_ERROR, "out_of_memory", log_bytes("delivery", claimed->delivery_id));
        entry_free(entry); /* its lease runs out and it comes again */
        return;
    }
    TAILQ_INSERT_TAIL(&pipeline->everything, entry, every);
    entry->pipeline = pipeline;
    entry->arrived = registry_stamp(pipeline->registry);
    entry->hooks_by = REGISTRY_CONTROL;
    delivery->leased = true;
    delivery->history = record->history;
    delivery->lease_until_ms = claimed->lease_until_ms;
    snprintf(delivery->fence, sizeof(delivery->fence), "%s", record->fence);
    if (claimed->more_are_due)
        pipeline_note_hot(pipeline, delivery);
    pipeline_run_or_hold(pipeline, entry);
}

void pipeline_on_retry(void *context, const struct claimed_retry *claimed)
{
    struct pipeline *pipeline = context;
    struct record record;
    struct bytes stream_id;
    struct error_text why = {""};
    int problem = decode(claimed, &record, &stream_id, &why);
    if (problem == RECORD_OK)
        take(pipeline, claimed, stream_id, &record);
    else if (problem == RECORD_BAD)
        bury_record(pipeline, claimed, why.text);
    else
        log_at(LOG_ERROR, "out_of_memory", log_bytes("delivery", claimed->delivery_id));
}
