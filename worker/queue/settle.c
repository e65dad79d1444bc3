#include "queue/settle.h"

#include <stdlib.h>

#include "base/backoff.h"
#include "base/log.h"

#define BATCHES_UNDER_WAY_MAX 4
#define GATHER_MS 5 /* between batches; the first after a rest goes at once */
/* From the first on: their leases hold, and nobody waits for them. A whole batch goes at once, and
 * what there is goes before a claim. */
#define GATHER_LEASED_MS 100
#define HOLD_EVERY_MS 500
#define HOLD_MS 30000
#define HOLD_MAX 1000 /* leases in one call; the others run out, and come again */
#define REMIND_EVERY_MS 60000

struct batch {
    struct outbox *outbox;
    struct settle_batch *settlements;
};

/* Settlements of one kind, which Redis may refuse while it takes the others. */
struct outbox {
    struct settle *settle;
    enum settle_kind kind;
    struct settlement_list list;
    size_t len; /* submitted since the last flush */
    int under_way;
    int failures; /* refusals in a row */
    bool refused; /* the last one was one that goes on */
    int64_t last_flush_ms;
    struct loop_timer timer; /* the next flush, soon or after a refusal */
};

struct settle {
    struct loop *loop;
    struct queue *queue;
    struct settle_config config;
    struct outbox outboxes[SETTLE_KINDS];
    size_t waiting;
    struct settle_refusal refusal;
    int64_t told_ms; /* of the refusal */
    int64_t held_ms; /* leases */
    struct loop_timer rest;
};

static void on_timer(void *context);
static void on_rested(void *context);

struct settle *settle_new(struct loop *loop, struct queue *queue,
                          const struct settle_config *config)
{
    struct settle *settle = calloc(1, sizeof(*settle));
    if (settle == NULL)
        return NULL;
    settle->loop = loop;
    settle->queue = queue;
    settle->config = *config;
    if (loop_timer_init(loop, &settle->rest, on_rested, settle) != 0) {
        free(settle);
        return NULL;
    }
    for (int i = 0; i < SETTLE_KINDS; i++) {
        struct outbox *outbox = &settle->outboxes[i];
        outbox->settle = settle;
        outbox->kind = (enum settle_kind)i;
        STAILQ_INIT(&outbox->list);
        if (loop_timer_init(loop, &outbox->timer, on_timer, outbox) != 0) {
            settle_free(settle);
            return NULL;
        }
    }
    return settle;
}

void settle_set_caps(struct settle *settle, const struct settle_caps *caps)
{
    settle->config.caps = *caps;
}

void settle_free(struct settle *settle)
{
    if (settle == NULL)
        return;
    for (int i = 0; i < SETTLE_KINDS; i++)
        loop_timer_release(&settle->outboxes[i].timer);
    loop_timer_release(&settle->rest);
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

static int64_t gather_ms(const struct outbox *outbox)
{
    int64_t since = loop_now_ms() - outbox->last_flush_ms;
    if (outbox->kind == SETTLE_LEASED)
        return outbox->len < SETTLE_BATCH_MAX ? GATHER_LEASED_MS : 0;
    return since >= GATHER_MS ? 0 : GATHER_MS - since;
}

static void flush_soon(struct outbox *outbox)
{
    bool is_armed = loop_timer_is_armed(&outbox->timer);
    if (outbox->failures == 0 && (!is_armed || outbox->len == SETTLE_BATCH_MAX))
        loop_timer_arm(&outbox->timer, gather_ms(outbox));
}

void settle_submit(struct settle *settle, struct settlement *settlement)
{
    struct outbox *outbox = &settle->outboxes[settlement->kind];
    settlement->again = false;
    STAILQ_INSERT_TAIL(&outbox->list, settlement, link);
    settle->waiting++;
    outbox->len++;
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

static void remind(struct settle *settle)
{
    const struct settle_refusal *refusal = &settle->refusal;
    settle->told_ms = loop_now_ms();
    log_at(LOG_ERROR, "outcomes_refused", log_text("fault", redis_fault_name(refusal->fault)),
           log_text("error", refusal->error), log_int("outcomes", (int64_t)settle->waiting),
           log_int("for_ms", settle->told_ms - refusal->since_ms),
           log_text("why", "they are kept, and nothing is read, until Redis stores them"),
           log_text("do", redis_fault_advice(refusal->fault)));
}

static void note_refusal(struct outbox *outbox, const struct reply *reply)
{
    struct settle *settle = outbox->settle;
    struct settle_refusal *refusal = &settle->refusal;
    bool begins = refusal->fault == FAULT_NONE;
    outbox->refused = true;
    loop_timer_disarm(&settle->rest);
    if (begins)
        *refusal = (struct settle_refusal){.since_ms = loop_now_ms()};
    refusal->fault = redis_fault_of(reply);
    refusal->times++;
    bytes_printable(reply_error_text(reply), refusal->error, sizeof(refusal->error));
    if (begins || loop_now_ms() - settle->told_ms >= REMIND_EVERY_MS)
        remind(settle);
    if (begins)
        settle->config.refusal(settle->config.context);
}

static void on_rested(void *context)
{
    struct settle *settle = context;
    settle->refusal.fault = FAULT_NONE;
    settle->config.refusal(settle->config.context);
}

/* Leases may have ended that nobody could hold: so other workers store their outcomes first. */
static void end_refusal(struct settle *settle, int64_t lasted_ms)
{
    if (lasted_ms < SETTLE_LEASE_MIN_MS)
        on_rested(settle);
    else
        loop_timer_arm(&settle->rest, SETTLE_AGAIN_MAX_MS * 3 / 2);
}

static void note_stored(struct outbox *outbox)
{
    struct settle *settle = outbox->settle;
    struct settle_refusal *refusal = &settle->refusal;
    int64_t lasted_ms = loop_now_ms() - refusal->since_ms;
    outbox->failures = 0;
    outbox->refused = false;
    for (int i = 0; i < SETTLE_KINDS; i++)
        if (settle->outboxes[i].refused)
            return;
    if (refusal->fault == FAULT_NONE || loop_timer_is_armed(&settle->rest))
        return;
    log_at(LOG_INFO, "outcomes_stored", log_text("fault", redis_fault_name(refusal->fault)),
           log_int("refusals", refusal->times), log_int("lasted_ms", lasted_ms));
    end_refusal(settle, lasted_ms);
}

/* No other worker attempts them meanwhile. A worker that dies has held them for so long. */
static void hold_leases(struct outbox *outbox)
{
    struct settle *settle = outbox->settle;
    const struct keys *keys = &settle->queue->keys;
    const struct settlement *settlement;
    struct redis_args args;
    struct redis_args fences;
    char key[KEY_SIZE];
    if (outbox->kind != SETTLE_LEASED || STAILQ_EMPTY(&outbox->list) ||
        loop_now_ms() - settle->held_ms < HOLD_EVERY_MS)
        return;
    settle->held_ms = loop_now_ms();
    redis_args_init(&args);
    redis_args_init(&fences);
    redis_args_text(&args, keys->leases);
    STAILQ_FOREACH(settlement, &outbox->list, link) {
        if (args.len > HOLD_MAX)
            break;
        redis_args_copy(&args, bytes_of(keys_lane(keys, settlement->lane, key)));
        redis_args_borrow(&fences, settlement->id);
        redis_args_text(&fences, settlement->fence);
    }
    int keys_len = (int)args.len;
    redis_args_int(&args, HOLD_MS);
    redis_args_append(&args, &fences);
    (void)queue_call(settle->queue, SCRIPT_HOLD_LEASES, keys_len, &args, NULL, NULL);
    redis_args_release(&args);
    redis_args_release(&fences);
}

/* --- answers --- */

#define REPLY_HEAD 3 /* items of a reply before those of the settlements */

static void batch_free(struct batch *batch)
{
    settle_batch_free(batch->settlements);
    free(batch);
}

/* The batch's settlements go back to the front of their list, in their order. */
static void put_back(struct batch *batch, bool may_be_stored)
{
    struct settlement_list *list = settle_batch_list(batch->settlements);
    struct settlement *settlement;
    STAILQ_FOREACH(settlement, list, link)
        settlement->again = settlement->again || may_be_stored;
    STAILQ_CONCAT(list, &batch->outbox->list);
    STAILQ_CONCAT(&batch->outbox->list, list);
}

static void report_overflow(struct batch *batch, const struct reply *over)
{
    const struct settle_config *config = &batch->outbox->settle->config;
    for (size_t i = 0; i + 1 < reply_len(over); i += 2) {
        const char *lane = settle_batch_lane(batch->settlements, reply_int(reply_at(over, i)));
        if (lane != NULL)
            config->overflow(config->context, lane, reply_int(reply_at(over, i + 1)));
    }
}

static void report(struct batch *batch, const struct reply *results)
{
    struct settle *settle = batch->outbox->settle;
    struct settlement_list *list = settle_batch_list(batch->settlements);
    bool all = reply_len(results) < REPLY_HEAD; /* of acknowledgements */
    size_t at = REPLY_HEAD;
    while (!STAILQ_EMPTY(list)) {
        struct settlement *settlement = STAILQ_FIRST(list);
        STAILQ_REMOVE_HEAD(list, link);
        bool ours = all || reply_int(reply_at(results, at++)) == 1 || settlement->again;
        settle->waiting--;
        if (!ours)
            counters_add(settle->queue->counters, COUNTER_FENCED, 1);
        settle->config.settled(settle->config.context, settlement, ours);
    }
    report_overflow(batch, reply_at(results, 1));
}

static void on_failure(struct batch *batch, const struct reply *reply)
{
    struct outbox *outbox = batch->outbox;
    enum redis_fault fault = redis_fault_of(reply);
    put_back(batch, fault != FAULT_NOSCRIPT);
    if (reply == NULL)
        return; /* settle_resume follows */
    if (fault == FAULT_NOSCRIPT) {
        loop_timer_arm(&outbox->timer, 0); /* also when it was refused before */
        return;
    }
    loop_timer_arm(&outbox->timer,
                   backoff_exponential(QUEUE_AGAIN_FIRST_MS, SETTLE_AGAIN_MAX_MS,
                                       outbox->failures++,
                                       backoff_random(&outbox->settle->queue->random)));
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
        counters_dropped(outbox->settle->queue->counters, reply_int(reply_at(reply, 0)));
        note_stored(outbox);
        report(batch, reply);
    } else {
        on_failure(batch, reply);
    }
    batch_free(batch);
    flush_soon(outbox);
}

/* --- sending --- */

static bool send_one(struct outbox *outbox)
{
    struct settle *settle = outbox->settle;
    struct batch *batch = calloc(1, sizeof(*batch));
    if (batch == NULL)
        return false;
    batch->outbox = outbox;
    batch->settlements = settle_batch_new(settle->queue, outbox->kind, &outbox->list);
    if (batch->settlements == NULL) {
        free(batch);
        return false;
    }
    if (settle_batch_send(batch->settlements, &settle->config.caps, settle->config.put,
                          settle->config.context, on_script, batch) == 0) {
        outbox->under_way++;
        return true;
    }
    put_back(batch, false);
    batch_free(batch);
    return false;
}

static void flush(struct outbox *outbox)
{
    int most = outbox->failures > 0 ? 1 : BATCHES_UNDER_WAY_MAX;
    outbox->last_flush_ms = loop_now_ms();
    outbox->len = 0;
    while (!STAILQ_EMPTY(&outbox->list) && outbox->under_way < most &&
           redis_link_is_up(outbox->settle->queue->link)) {
        if (!send_one(outbox)) {
            loop_timer_arm(&outbox->timer, QUEUE_AGAIN_FIRST_MS);
            return;
        }
    }
}

static void on_timer(void *context)
{
    flush(context);
}

bool settle_flush(struct settle *settle)
{
    bool is_all = true;
    for (int i = 0; i < SETTLE_KINDS; i++) {
        if (settle->outboxes[i].failures == 0)
            flush(&settle->outboxes[i]);
        is_all = is_all && STAILQ_EMPTY(&settle->outboxes[i].list);
    }
    return is_all;
}
