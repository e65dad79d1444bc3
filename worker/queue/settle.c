#include "queue/settle.h"

#include <stdlib.h>

#include "base/backoff.h"
#include "base/log.h"

#define BATCH_MAX 200
#define BATCH_BYTES_MAX (8u << 20)
#define BATCHES_UNDER_WAY_MAX 4
#define GATHER_MS 5 /* between batches; the first after a rest goes at once */
#define HOLD_EVERY_MS 500
#define HOLD_MS 30000
#define REMIND_EVERY_MS 60000

struct batch {
    struct outbox *outbox;
    struct settlement_list list;
};

/* Settlements of one kind, which Redis may refuse while it takes the others. */
struct outbox {
    struct settle *settle;
    enum settle_kind kind;
    struct settlement_list queue;
    int under_way;
    int failures; /* refusals in a row */
    bool refused; /* the last one was one that goes on */
    int64_t last_flush_ms;
    struct loop_timer timer; /* the next flush, soon or after a refusal */
};

struct settle {
    struct loop *loop;
    struct settle_config config;
    struct outbox outboxes[SETTLE_KINDS];
    size_t waiting;
    struct settle_refusal refusal;
    int64_t told_ms; /* of the refusal */
    int64_t held_ms; /* leases */
};

static void flush(void *context);

struct settle *settle_new(struct loop *loop, const struct settle_config *config)
{
    struct settle *settle = calloc(1, sizeof(*settle));
    if (settle == NULL)
        return NULL;
    settle->loop = loop;
    settle->config = *config;
    for (int i = 0; i < SETTLE_KINDS; i++) {
        struct outbox *outbox = &settle->outboxes[i];
        outbox->settle = settle;
        outbox->kind = (enum settle_kind)i;
        STAILQ_INIT(&outbox->queue);
        if (loop_timer_init(loop, &outbox->timer, flush, outbox) != 0) {
            settle_free(settle);
            return NULL;
        }
    }
    return settle;
}

void settle_free(struct settle *settle)
{
    if (settle == NULL)
        return;
    for (int i = 0; i < SETTLE_KINDS; i++)
        loop_timer_release(&settle->outboxes[i].timer);
    free(settle);
}

size_t settle_waiting(const struct settle *settle)
{
    return settle->waiting;
}

const struct settle_refusal *settle_refusal(const struct settle *settle)
{
    return &settle->refusal;
}

static void flush_soon(struct outbox *outbox)
{
    int64_t since = loop_now_ms() - outbox->last_flush_ms;
    if (outbox->failures == 0 && !loop_timer_is_armed(&outbox->timer))
        loop_timer_arm(&outbox->timer, since >= GATHER_MS ? 0 : GATHER_MS - since);
}

void settle_submit(struct settle *settle, struct settlement *settlement)
{
    struct outbox *outbox = &settle->outboxes[settlement->kind];
    settlement->again = false;
    STAILQ_INSERT_TAIL(&outbox->queue, settlement, link);
    settle->waiting++;
    flush_soon(outbox);
}

void settle_resume(struct settle *settle)
{
    for (int i = 0; i < SETTLE_KINDS; i++) {
        settle->outboxes[i].failures = 0;
        loop_timer_arm(&settle->outboxes[i].timer, 0);
    }
}

/* --- what Redis refuses --- */

static void remind(struct settle *settle, const char *error)
{
    const struct settle_refusal *refusal = &settle->refusal;
    settle->told_ms = loop_now_ms();
    log_at(LOG_ERROR, "outcomes_refused", log_text("fault", redis_fault_name(refusal->fault)),
           log_text("error", error), log_int("outcomes", (int64_t)settle->waiting),
           log_int("for_ms", settle->told_ms - refusal->since_ms),
           log_text("why", "they are kept, and nothing is read, until Redis stores them"),
           log_text("do", redis_fault_advice(refusal->fault)));
}

static void note_refusal(struct outbox *outbox, const struct reply *reply)
{
    struct settle *settle = outbox->settle;
    struct settle_refusal *refusal = &settle->refusal;
    bool begins = refusal->fault == FAULT_NONE;
    char words[200];
    outbox->refused = true;
    if (begins)
        *refusal = (struct settle_refusal){.since_ms = loop_now_ms()};
    refusal->fault = redis_fault_of(reply);
    refusal->times++;
    if (begins || loop_now_ms() - settle->told_ms >= REMIND_EVERY_MS)
        remind(settle, bytes_printable(reply_error_text(reply), words, sizeof(words)));
    if (begins)
        settle->config.refusal(settle->config.context);
}

static void note_stored(struct outbox *outbox)
{
    struct settle *settle = outbox->settle;
    struct settle_refusal *refusal = &settle->refusal;
    outbox->failures = 0;
    outbox->refused = false;
    for (int i = 0; i < SETTLE_KINDS; i++)
        if (settle->outboxes[i].refused)
            return;
    if (refusal->fault == FAULT_NONE)
        return;
    log_at(LOG_INFO, "outcomes_stored", log_text("fault", redis_fault_name(refusal->fault)),
           log_int("refusals", refusal->times),
           log_int("lasted_ms", loop_now_ms() - refusal->since_ms));
    refusal->fault = FAULT_NONE;
    settle->config.refusal(settle->config.context);
}

/* Nobody else attempts them meanwhile. A worker that dies has held them for so long. */
static void hold_leases(struct outbox *outbox)
{
    struct settle *settle = outbox->settle;
    struct queue *queue = settle->config.queue;
    const struct settlement *settlement;
    struct redis_args args;
    if (outbox->kind != SETTLE_RETRY || STAILQ_EMPTY(&outbox->queue) ||
        loop_now_ms() - settle->held_ms < HOLD_EVERY_MS)
        return;
    settle->held_ms = loop_now_ms();
    redis_args_init(&args);
    redis_args_text(&args, queue->keys.retries);
    redis_args_text(&args, queue->keys.deliveries);
    redis_args_int(&args, HOLD_MS);
    STAILQ_FOREACH(settlement, &outbox->queue, link) {
        redis_args_text(&args, settlement->id);
        redis_args_borrow(&args, redis_args_at(&settlement->args, 0));
    }
    (void)queue_call(queue, SCRIPT_HOLD_LEASES, 2, &args, NULL, NULL);
    redis_args_release(&args);
}

/* --- answers --- */

/* The batch's settlements go back to the front of their queue, in their order. */
static void put_back(struct batch *batch)
{
    struct outbox *outbox = batch->outbox;
    struct settlement *settlement;
    STAILQ_FOREACH(settlement, &batch->list, link)
        settlement->again = true;
    STAILQ_CONCAT(&batch->list, &outbox->queue);
    STAILQ_CONCAT(&outbox->queue, &batch->list);
}

static void report(struct batch *batch, const struct reply *results)
{
    struct settle *settle = batch->outbox->settle;
    size_t at = 1; /* the scripts' first number counts dropped dead letters */
    while (!STAILQ_EMPTY(&batch->list)) {
        struct settlement *settlement = STAILQ_FIRST(&batch->list);
        STAILQ_REMOVE_HEAD(&batch->list, link);
        bool ours = batch->outbox->kind == SETTLE_ACK || reply_int(reply_at(results, at++)) == 1 ||
                    settlement->again;
        settle->waiting--;
        if (!ours)
            counters_add(settle->config.queue->counters, COUNTER_FENCED, 1);
        settle->config.done(settle->config.context, settlement, ours);
    }
}

static void on_failure(struct batch *batch, const struct reply *reply)
{
    struct outbox *outbox = batch->outbox;
    enum redis_fault fault = redis_fault_of(reply);
    put_back(batch);
    if (reply == NULL)
        return; /* settle_resume follows */
    if (fault == FAULT_NOSCRIPT) {
        loop_timer_arm(&outbox->timer, 0); /* also when it was refused before */
        return;
    }
    loop_timer_arm(&outbox->timer,
                   backoff_exponential(QUEUE_AGAIN_FIRST_MS, SETTLE_AGAIN_MAX_MS,
                                       outbox->failures++,
                                       backoff_random(&outbox->settle->config.queue->random)));
    if (redis_fault_needs_reconnect(fault))
        return;
    note_refusal(outbox, reply);
    hold_leases(outbox);
}

static void on_script(void *context, const struct reply *reply)
{
    struct batch *batch = context;
    struct outbox *outbox = batch->outbox;
    outbox->under_way--;
    if (reply_is_list(reply)) {
        counters_dropped(outbox->settle->config.queue->counters, reply_int(reply_at(reply, 0)));
        note_stored(outbox);
        report(batch, reply);
    } else {
        on_failure(batch, reply);
    }
    free(batch);
    flush_soon(outbox);
}

/* --- batches --- */

/* The keys and first arguments of each kind's script, as told at its top. Returns the number of
 * keys. */
static int put_head(const struct batch *batch, struct redis_args *args)
{
    const struct settle_config *config = &batch->outbox->settle->config;
    enum settle_kind kind = batch->outbox->kind;
    const struct keys *names = &config->queue->keys;
    int keys = 0;
    if (kind != SETTLE_RETRY) {
        redis_args_text(args, names->events);
        keys++;
    }
    if (kind != SETTLE_ACK) {
        redis_args_text(args, names->retries);
        redis_args_text(args, names->deliveries);
        redis_args_text(args, names->dead);
        keys += 3;
    }
    if (kind != SETTLE_RETRY) {
        redis_args_text(args, names->meta);
        redis_args_text(args, KEYS_GROUP);
        keys++;
    }
    if (kind == SETTLE_ENTRY)
        redis_args_text(args, config->queue->consumer);
    if (kind != SETTLE_ACK)
        redis_args_int(args, config->dead_max);
    return keys;
}

static int send_batch(struct batch *batch)
{
    static const enum script_number numbers[SETTLE_KINDS] = {
        [SETTLE_ACK] = SCRIPT_ACKNOWLEDGE,
        [SETTLE_ENTRY] = SCRIPT_SETTLE_ENTRIES,
        [SETTLE_RETRY] = SCRIPT_SETTLE_RETRIES,
    };
    struct settlement *settlement;
    struct redis_args args;
    redis_args_init(&args);
    int keys = put_head(batch, &args);
    STAILQ_FOREACH(settlement, &batch->list, link) {
        redis_args_text(&args, settlement->id);
        redis_args_append(&args, &settlement->args);
    }
    int result = queue_call(batch->outbox->settle->config.queue, numbers[batch->outbox->kind], keys,
                            &args, on_script, batch);
    redis_args_release(&args);
    return result;
}

static struct batch *take_batch(struct outbox *outbox)
{
    struct batch *batch = calloc(1, sizeof(*batch));
    size_t bytes = 0;
    if (batch == NULL)
        return NULL;
    batch->outbox = outbox;
    STAILQ_INIT(&batch->list);
    for (int n = 0; n < BATCH_MAX && bytes < BATCH_BYTES_MAX; n++) {
        struct settlement *settlement = STAILQ_FIRST(&outbox->queue);
        if (settlement == NULL)
            break;
        STAILQ_REMOVE_HEAD(&outbox->queue, link);
        STAILQ_INSERT_TAIL(&batch->list, settlement, link);
        bytes += redis_args_bytes(&settlement->args);
    }
    return batch;
}

static void flush(void *context)
{
    struct outbox *outbox = context;
    int most = outbox->failures > 0 ? 1 : BATCHES_UNDER_WAY_MAX;
    outbox->last_flush_ms = loop_now_ms();
    while (!STAILQ_EMPTY(&outbox->queue) && outbox->under_way < most &&
           redis_link_is_up(outbox->settle->config.queue->link)) {
        struct batch *batch = take_batch(outbox);
        if (batch == NULL) {
            loop_timer_arm(&outbox->timer, QUEUE_AGAIN_FIRST_MS);
            return;
        }
        outbox->under_way++;
        if (send_batch(batch) != 0) {
            outbox->under_way--;
            put_back(batch);
            free(batch);
            loop_timer_arm(&outbox->timer, QUEUE_AGAIN_FIRST_MS);
            return;
        }
    }
}
