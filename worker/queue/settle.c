#include "queue/settle.h"

#include <stdlib.h>

#define BATCH_MAX 200
#define BATCH_BYTES_MAX (8u << 20)
#define BATCHES_UNDER_WAY_MAX 8
#define GATHER_MS 5 /* between batches; the first after a rest goes at once */

struct batch {
    struct settle *settle;
    enum settle_kind kind;
    struct settlement_list list;
};

struct settle {
    struct loop *loop;
    struct settle_config config;
    struct settlement_list queue[SETTLE_KINDS];
    size_t waiting;
    int under_way;
    int failures; /* refusals in a row */
    int64_t last_flush_ms;
    struct loop_timer timer; /* the next flush, soon or after a refusal */
};

static void flush(void *context);

struct settle *settle_new(struct loop *loop, const struct settle_config *config)
{
    struct settle *settle = calloc(1, sizeof(*settle));
    if (settle == NULL)
        return NULL;
    settle->loop = loop;
    settle->config = *config;
    for (int i = 0; i < SETTLE_KINDS; i++)
        STAILQ_INIT(&settle->queue[i]);
    if (loop_timer_init(loop, &settle->timer, flush, settle) != 0) {
        free(settle);
        return NULL;
    }
    return settle;
}

void settle_free(struct settle *settle)
{
    if (settle == NULL)
        return;
    loop_timer_release(&settle->timer);
    free(settle);
}

size_t settle_waiting(const struct settle *settle)
{
    return settle->waiting;
}

static void flush_soon(struct settle *settle)
{
    int64_t since = loop_now_ms() - settle->last_flush_ms;
    if (settle->failures == 0 && !loop_timer_is_armed(&settle->timer))
        loop_timer_arm(&settle->timer, since >= GATHER_MS ? 0 : GATHER_MS - since);
}

void settle_submit(struct settle *settle, struct settlement *settlement)
{
    settlement->again = false;
    STAILQ_INSERT_TAIL(&settle->queue[settlement->kind], settlement, link);
    settle->waiting++;
    flush_soon(settle);
}

void settle_resume(struct settle *settle)
{
    settle->failures = 0;
    loop_timer_arm(&settle->timer, 0);
}

/* The batch's settlements go back to the front of their queue, in their order. */
static void put_back(struct batch *batch)
{
    struct settle *settle = batch->settle;
    struct settlement *settlement;
    STAILQ_FOREACH(settlement, &batch->list, link)
        settlement->again = true;
    STAILQ_CONCAT(&batch->list, &settle->queue[batch->kind]);
    STAILQ_CONCAT(&settle->queue[batch->kind], &batch->list);
}

static void report(struct batch *batch, const struct reply *results)
{
    struct settle *settle = batch->settle;
    size_t at = 1; /* the scripts' first number counts dropped dead letters */
    while (!STAILQ_EMPTY(&batch->list)) {
        struct settlement *settlement = STAILQ_FIRST(&batch->list);
        STAILQ_REMOVE_HEAD(&batch->list, link);
        bool ours = batch->kind == SETTLE_ACK || reply_int(reply_at(results, at++)) == 1 ||
                    settlement->again;
        settle->waiting--;
        if (!ours)
            counters_add(settle->config.queue->counters, COUNTER_FENCED, 1);
        settle->config.done(settle->config.context, settlement, ours);
    }
}

static void again_later(struct settle *settle)
{
    loop_timer_arm(&settle->timer, queue_again_ms(settle->config.queue, &settle->failures));
}

static void on_failure(struct batch *batch, const struct reply *reply)
{
    struct settle *settle = batch->settle;
    put_back(batch);
    if (redis_fault_of(reply) == FAULT_NOSCRIPT)
        loop_timer_arm(&settle->timer, 0); /* also when it was refused before */
    else if (reply != NULL)                /* else settle_resume follows */
        again_later(settle);
}

static void on_script(void *context, const struct reply *reply)
{
    struct batch *batch = context;
    struct settle *settle = batch->settle;
    settle->under_way--;
    if (reply_is_list(reply)) {
        counters_dropped(settle->config.queue->counters, reply_int(reply_at(reply, 0)));
        settle->failures = 0;
        report(batch, reply);
    } else {
        on_failure(batch, reply);
    }
    free(batch);
    flush_soon(settle);
}

/* The keys and first arguments of each kind's script, as told at its top. Returns the number of
 * keys. */
static int put_head(const struct batch *batch, struct redis_args *args)
{
    const struct settle_config *config = &batch->settle->config;
    const struct keys *names = &config->queue->keys;
    int keys = 0;
    if (batch->kind != SETTLE_RETRY) {
        redis_args_text(args, names->events);
        keys++;
    }
    if (batch->kind != SETTLE_ACK) {
        redis_args_text(args, names->retries);
        redis_args_text(args, names->deliveries);
        redis_args_text(args, names->dead);
        keys += 3;
    }
    if (batch->kind != SETTLE_RETRY) {
        redis_args_text(args, names->meta);
        redis_args_text(args, KEYS_GROUP);
        keys++;
    }
    if (batch->kind == SETTLE_ENTRY)
        redis_args_text(args, config->queue->consumer);
    if (batch->kind != SETTLE_ACK)
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
    int result = queue_call(batch->settle->config.queue, numbers[batch->kind], keys, &args,
                            on_script, batch);
    redis_args_release(&args);
    return result;
}

static struct batch *take_batch(struct settle *settle, enum settle_kind kind)
{
    struct batch *batch = calloc(1, sizeof(*batch));
    size_t bytes = 0;
    if (batch == NULL)
        return NULL;
    batch->settle = settle;
    batch->kind = kind;
    STAILQ_INIT(&batch->list);
    for (int n = 0; n < BATCH_MAX && bytes < BATCH_BYTES_MAX; n++) {
        struct settlement *settlement = STAILQ_FIRST(&settle->queue[kind]);
        if (settlement == NULL)
            break;
        STAILQ_REMOVE_HEAD(&settle->queue[kind], link);
        STAILQ_INSERT_TAIL(&batch->list, settlement, link);
        bytes += redis_args_bytes(&settlement->args);
    }
    return batch;
}

static void flush(void *context)
{
    struct settle *settle = context;
    settle->last_flush_ms = loop_now_ms();
    for (int kind = 0; kind < SETTLE_KINDS; kind++) {
        while (!STAILQ_EMPTY(&settle->queue[kind]) && settle->under_way < BATCHES_UNDER_WAY_MAX &&
               redis_link_is_up(settle->config.queue->link)) {
            struct batch *batch = take_batch(settle, (enum settle_kind)kind);
            if (batch == NULL) {
                loop_timer_arm(&settle->timer, QUEUE_AGAIN_FIRST_MS);
                return;
            }
            settle->under_way++;
            if (send_batch(batch) != 0) {
                settle->under_way--;
                put_back(batch);
                free(batch);
                loop_timer_arm(&settle->timer, QUEUE_AGAIN_FIRST_MS);
                return;
            }
        }
    }
}
