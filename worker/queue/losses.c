#include "queue/losses.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/log.h"

#define LOG_EVERY_MS 60000
#define WHY_SIZE 160

void losses_remember(struct queue *queue, const struct reply *reply)
{
    if (reply_len(reply) < 5)
        return; /* there is no queue */
    queue->losses.events = reply_int(reply_at(reply, 3));
    queue->losses.deliveries = reply_int(reply_at(reply, 4));
    queue->losses.seen_at_ms = loop_now_ms();
}

/* --- entries --- */

/* A producer that adds with MAXLEN deletes at every look. */
static void note_entries(struct queue *queue, int64_t entries)
{
    struct queue_losses *losses = &queue->losses;
    int64_t now = loop_now_ms();
    counters_add(queue->counters, COUNTER_DELETED_EXTERNALLY, entries);
    losses->unlogged += entries;
    if (losses->unlogged == 0 ||
        (losses->logged_at_ms != 0 && now - losses->logged_at_ms < LOG_EVERY_MS))
        return;
    log_at(LOG_ERROR, "entries_deleted", log_int("entries", losses->unlogged),
           log_text("why", "another client deletes from the stream: XDEL, XTRIM or MAXLEN"));
    losses->unlogged = 0;
    losses->logged_at_ms = now;
}

/* --- the stream, the queue --- */

static const char *why(int64_t evicted, const char *otherwise, char out[static WHY_SIZE])
{
    if (evicted <= 0)
        return otherwise;
    snprintf(out, WHY_SIZE,
             "Redis was short of memory and evicted %" PRId64
             " keys: maxmemory-policy must be noeviction; else %s",
             evicted, otherwise);
    return out;
}

static void note_stream(struct queue *queue, int64_t events, int64_t age_ms, int64_t evicted)
{
    char text[WHY_SIZE];
    counters_add(queue->counters, COUNTER_DELETED_EXTERNALLY, events);
    counters_add(queue->counters, COUNTER_STREAM_DELETIONS, 1);
    log_at(LOG_ERROR, "stream_deleted", log_int("events", events), log_int("seen_ms_ago", age_ms),
           log_text("why", why(evicted, "DEL, an expiry, or a stream that replaced it", text)),
           log_text("do", "send again what receivers did not get; what came after it was seen "
                          "last is not counted"));
}

/* Of a queue that this worker has not seen before nothing is known. */
static void note_queue(struct queue *queue, int64_t evicted)
{
    struct queue_losses *losses = &queue->losses;
    char text[WHY_SIZE];
    if (losses->seen_at_ms == 0)
        return;
    counters_add(queue->counters, COUNTER_DELETED_EXTERNALLY, losses->events);
    counters_add(queue->counters, COUNTER_STREAM_DELETIONS, 1);
    log_at(LOG_ERROR, "queue_deleted", log_int("events", losses->events),
           log_int("deliveries", losses->deliveries),
           log_int("seen_ms_ago", loop_now_ms() - losses->seen_at_ms),
           log_text("why", why(evicted, "FLUSHDB, FLUSHALL, or a Redis without its data", text)),
           log_text("do", "see that hooks are registered; send again what receivers did not get; "
                          "what came after it was seen last is not counted"));
    losses->seen_at_ms = 0;
}

/* The numbers of account.lua. */
static void note_account(struct queue *queue, const struct reply *account, int64_t evicted)
{
    note_entries(queue, reply_int(reply_at(account, 0)));
    if (reply_int(reply_at(account, 1)) == 1)
        note_stream(queue, reply_int(reply_at(account, 2)), reply_int(reply_at(account, 3)),
                    evicted);
}

void losses_opened(struct queue *queue, const struct reply *reply)
{
    int64_t evicted = reply_int(reply_at(reply, 5));
    if (reply_int(reply_at(reply, 3)) == 1)
        note_queue(queue, evicted);
    note_account(queue, reply_at(reply, 4), evicted);
}

static void on_look(void *context, const struct reply *reply)
{
    note_account(context, reply, 0);
}

void losses_look(struct queue *queue)
{
    struct redis_args args;
    redis_args_init(&args);
    redis_args_text(&args, queue->keys.events);
    redis_args_text(&args, queue->keys.meta);
    (void)queue_call(queue, SCRIPT_ACCOUNT, 2, &args, on_look, queue);
    redis_args_release(&args);
}
