#include "hooks/permits.h"

#include <stdlib.h>
#include <string.h>

#define BATCH_MAX 200

struct permit_batch {
    TAILQ_ENTRY(permit_batch) link;
    struct permits *permits;
    size_t len;
    struct permit_query *queries[BATCH_MAX]; /* NULL: cancelled */
};

struct permits {
    struct queue *queue;
    struct loop_turn turn;
    TAILQ_HEAD(permit_queries, permit_query) asked; /* not sent yet */
    TAILQ_HEAD(permit_batches, permit_batch) sent;
};

static void send_asked(void *context);

struct permits *permits_new(struct loop *loop, struct queue *queue)
{
    struct permits *permits = calloc(1, sizeof(*permits));
    if (permits == NULL)
        return NULL;
    permits->queue = queue;
    TAILQ_INIT(&permits->asked);
    TAILQ_INIT(&permits->sent);
    if (loop_turn_init(loop, &permits->turn, send_asked, permits) != 0) {
        free(permits);
        return NULL;
    }
    return permits;
}

void permits_free(struct permits *permits)
{
    struct permit_batch *batch;
    if (permits == NULL)
        return;
    while ((batch = TAILQ_FIRST(&permits->sent)) != NULL) {
        TAILQ_REMOVE(&permits->sent, batch, link);
        free(batch);
    }
    loop_turn_release(&permits->turn);
    free(permits);
}

void permits_ask(struct permits *permits, struct permit_query *query, permit_fn *fn, void *context)
{
    query->fn = fn;
    query->context = context;
    query->permits = permits;
    query->batch = NULL;
    TAILQ_INSERT_TAIL(&permits->asked, query, link);
    loop_turn_arm(&permits->turn);
}

void permits_cancel(struct permit_query *query)
{
    if (query->permits != NULL)
        TAILQ_REMOVE(&query->permits->asked, query, link);
    else if (query->batch != NULL)
        query->batch->queries[query->index] = NULL;
    query->permits = NULL;
    query->batch = NULL;
}

static void answer(struct permit_query *query, const struct permit *permit)
{
    query->batch = NULL;
    query->fn(query->context, permit);
}

static struct permit read_answer(const struct permit_query *query, const struct reply *reply)
{
    struct permit permit = {.says = PERMIT_UNKNOWN};
    if (!reply_is_list(reply))
        return permit;
    permit.wait_ms = reply_int(reply_at(reply, 0));
    permit.slot_ms = reply_int(reply_at(reply, 1));
    permit.says = permit.wait_ms > 0 ? PERMIT_WAIT : PERMIT_GO;
    if (query->kind == PERMIT_PROBE && permit.wait_ms < 0)
        permit.says = PERMIT_CLOSED;
    return permit;
}

/* The script has to go as text: all who asked ask again. */
static void ask_again(struct permit_batch *batch)
{
    for (size_t i = 0; i < batch->len; i++) {
        struct permit_query *query = batch->queries[i];
        if (query != NULL)
            permits_ask(batch->permits, query, query->fn, query->context);
    }
}

static void on_permits(void *context, const struct reply *reply)
{
    struct permit_batch *batch = context;
    TAILQ_REMOVE(&batch->permits->sent, batch, link);
    if (redis_fault_of(reply) == FAULT_NOSCRIPT) {
        ask_again(batch);
        free(batch);
        return;
    }
    for (size_t i = 0; i < batch->len; i++) {
        struct permit_query *query = batch->queries[i];
        if (query == NULL)
            continue;
        struct permit permit = read_answer(query, reply_at(reply, i));
        answer(query, &permit);
    }
    free(batch);
}

static void put(struct redis_args *args, const struct permit_query *query)
{
    redis_args_copy(args, bytes_of(query->field));
    if (query->kind == PERMIT_PROBE) {
        redis_args_text(args, "probe");
        redis_args_int(args, query->lease_ms);
        return;
    }
    redis_args_text(args, "pace");
    redis_args_int(args, query->interval_us);
    redis_args_int(args, query->slot_ms);
    redis_args_int(args, query->most_ms);
}

static struct permit_batch *take_batch(struct permits *permits)
{
    struct permit_batch *batch = calloc(1, sizeof(*batch));
    struct permit_query *query;
    if (batch == NULL)
        return NULL;
    batch->permits = permits;
    while (batch->len < BATCH_MAX && (query = TAILQ_FIRST(&permits->asked)) != NULL) {
        TAILQ_REMOVE(&permits->asked, query, link);
        query->permits = NULL;
        query->batch = batch;
        query->index = batch->len;
        batch->queries[batch->len++] = query;
    }
    TAILQ_INSERT_TAIL(&permits->sent, batch, link);
    return batch;
}

static void send_batch(struct permits *permits, struct permit_batch *batch)
{
    struct redis_args args;
    redis_args_init(&args);
    redis_args_text(&args, permits->queue->keys.hooks_state);
    redis_args_text(&args, permits->queue->keys.hooks_pace);
    for (size_t i = 0; i < batch->len; i++)
        put(&args, batch->queries[i]);
    if (queue_call(permits->queue, SCRIPT_PERMIT, 2, &args, on_permits, batch) != 0)
        on_permits(batch, NULL);
    redis_args_release(&args);
}

static void send_asked(void *context)
{
    struct permits *permits = context;
    while (!TAILQ_EMPTY(&permits->asked)) {
        struct permit_batch *batch = take_batch(permits);
        if (batch == NULL) { /* no memory now */
            loop_turn_arm(&permits->turn);
            return;
        }
        send_batch(permits, batch);
    }
}
