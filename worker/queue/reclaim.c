#include "queue/reclaim.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "contract/parse.h"

#define PAGE 100
#define BATCH 16
#define BATCH_BYTES_BUDGET (4 << 20)
#define WAIT_FOR_ROOM_MS 50

struct reclaim {
    struct queue *queue;
    const struct stream_taker *taker;
    const struct reading *reading;
    loop_fn *done;
    void *context;
    bool running;
    bool waiting; /* for a reply */
    bool restart; /* begin again when the reply is there */
    int64_t min_idle_ms;
    char cursor[RH_STREAM_ID_SIZE + 1]; /* XPENDING start: "-" or "(<id>" */
    char ids[PAGE][RH_STREAM_ID_SIZE];  /* unknown ones of the page */
    size_t ids_len;
    size_t ids_at;
    bool last_page;
    bool is_expected; /* what is found is no news */
    int64_t reclaimed;
    int failures; /* refusals in a row */
    struct loop_timer timer;
};

static void step(void *context);

struct reclaim *reclaim_new(struct loop *loop, struct queue *queue,
                            const struct stream_taker *taker, const struct reading *reading,
                            loop_fn *done, void *context)
{
    struct reclaim *reclaim = calloc(1, sizeof(*reclaim));
    if (reclaim == NULL)
        return NULL;
    reclaim->queue = queue;
    reclaim->taker = taker;
    reclaim->reading = reading;
    reclaim->done = done;
    reclaim->context = context;
    if (loop_timer_init(loop, &reclaim->timer, step, reclaim) != 0) {
        free(reclaim);
        return NULL;
    }
    return reclaim;
}

void reclaim_free(struct reclaim *reclaim)
{
    if (reclaim == NULL)
        return;
    loop_timer_release(&reclaim->timer);
    free(reclaim);
}

bool reclaim_is_running(const struct reclaim *reclaim)
{
    return reclaim->running;
}

void reclaim_start(struct reclaim *reclaim, int64_t min_idle_ms)
{
    if (!reclaim->running || min_idle_ms < reclaim->min_idle_ms)
        reclaim->min_idle_ms = min_idle_ms;
    reclaim->is_expected = false;
    if (reclaim->waiting) {
        reclaim->running = true;
        reclaim->restart = true;
        return;
    }
    snprintf(reclaim->cursor, sizeof(reclaim->cursor), "-");
    reclaim->running = true;
    reclaim->restart = false;
    reclaim->ids_len = reclaim->ids_at = 0;
    reclaim->last_page = false;
    reclaim->reclaimed = 0;
    loop_timer_arm(&reclaim->timer, 0);
}

void reclaim_start_again(struct reclaim *reclaim)
{
    bool is_news = reclaim->running && !reclaim->is_expected;
    reclaim_start(reclaim, 0);
    reclaim->is_expected = !is_news;
}

void reclaim_stop(struct reclaim *reclaim)
{
    reclaim->running = false;
    reclaim->restart = false;
    loop_timer_disarm(&reclaim->timer);
}

static void finish(struct reclaim *reclaim)
{
    reclaim->running = false;
    if (reclaim->reclaimed > 0 && !reclaim->is_expected)
        log_at(LOG_INFO, "reclaimed_own", log_int("entries", reclaim->reclaimed));
    reclaim->done(reclaim->context);
}

static void again_later(struct reclaim *reclaim)
{
    loop_timer_arm(&reclaim->timer, queue_again_ms(reclaim->queue, &reclaim->failures));
}

/* False when the walk ends or begins again here. */
static bool may_go_on(struct reclaim *reclaim, const struct reply *reply)
{
    bool restart = reclaim->restart;
    reclaim->waiting = false;
    if (!reclaim->running)
        return false;
    if (restart) {
        bool is_expected = reclaim->is_expected;
        reclaim_start(reclaim, reclaim->min_idle_ms);
        reclaim->is_expected = is_expected;
        return false;
    }
    if (reply_is_list(reply)) {
        reclaim->failures = 0;
        return true;
    }
    if (redis_fault_of(reply) == FAULT_NOGROUP)
        finish(reclaim); /* nothing can be pending; the read makes the group */
    else
        again_later(reclaim);
    return false;
}

/* Given for the first time, just now, and the reader waits for an answer: that may hold it. */
static bool is_on_its_way(const struct reclaim *reclaim, const struct reply *item)
{
    const struct reading *reading = reclaim->reading;
    uint64_t ms, seq;
    if (!reading->under_way || reply_int(reply_at(item, 3)) > 1 ||
        reply_int(reply_at(item, 2)) >= STREAM_ENTRY_ARRIVES_MS ||
        parse_stream_id(reply_text(reply_at(item, 0)), &ms, &seq) != 0)
        return false;
    return ms > reading->last_ms || (ms == reading->last_ms && seq > reading->last_seq);
}

static void on_page(void *context, const struct reply *reply)
{
    struct reclaim *reclaim = context;
    const struct stream_taker *taker = reclaim->taker;
    if (!may_go_on(reclaim, reply))
        return;
    size_t len = reply_len(reply);
    reclaim->ids_len = reclaim->ids_at = 0;
    reclaim->last_page = len < PAGE;
    for (size_t i = 0; i < len && i < PAGE; i++) {
        struct bytes id = reply_text(reply_at(reply_at(reply, i), 0));
        snprintf(reclaim->cursor, sizeof(reclaim->cursor), "(%.*s", (int)id.len, id.data);
        if (!taker->knows(taker->context, id) && !is_on_its_way(reclaim, reply_at(reply, i)) &&
            bytes_copy_text(id, reclaim->ids[reclaim->ids_len], RH_STREAM_ID_SIZE))
            reclaim->ids_len++;
    }
    step(reclaim);
}

static void ask_page(struct reclaim *reclaim)
{
    struct redis_args args;
    redis_args_init(&args);
    redis_args_text(&args, "XPENDING");
    redis_args_text(&args, reclaim->queue->keys.events);
    redis_args_text(&args, KEYS_GROUP);
    redis_args_text(&args, "IDLE");
    redis_args_int(&args, reclaim->min_idle_ms);
    redis_args_text(&args, reclaim->cursor);
    redis_args_text(&args, "+");
    redis_args_int(&args, PAGE);
    redis_args_text(&args, reclaim->queue->consumer);
    reclaim->waiting = redis_link_send(reclaim->queue->link, &args, REDIS_COMMAND_DEADLINE_MS,
                                       on_page, reclaim) == 0;
    redis_args_release(&args);
}

static void take_up(struct reclaim *reclaim, const struct reply *item)
{
    const struct stream_taker *taker = reclaim->taker;
    struct stream_entry entry = {.id = reply_text(reply_at(item, 0)),
                                 .claims = (int)reply_int(reply_at(item, 2))};
    struct bytes what = reply_text(reply_at(item, 1));
    if (bytes_equal_text(what, "entry") || bytes_equal_text(what, "too-large")) {
        counters_add(reclaim->queue->counters, COUNTER_RECLAIMED_OWN, 1);
        reclaim->reclaimed++;
        stream_entry_read(&entry, reply_at(item, 3));
        entry.too_large_bytes = reply_int(reply_at(item, 4));
        taker->entry(taker->context, &entry);
    } else if (bytes_equal_text(what, "lost")) {
        counters_add(reclaim->queue->counters, COUNTER_LOST, 1);
        log_at(LOG_ERROR, "entry_lost", log_bytes("entry", entry.id),
               log_text("why", "it was deleted from the stream while pending"));
    }
}

static void on_taken(void *context, const struct reply *reply)
{
    struct reclaim *reclaim = context;
    if (!may_go_on(reclaim, reply))
        return;
    for (size_t i = 0; i < reply_len(reply) && reclaim->ids_at < reclaim->ids_len; i++) {
        take_up(reclaim, reply_at(reply, i));
        reclaim->ids_at++; /* the script may stop early for its byte budget */
    }
    step(reclaim);
}

static void take_batch(struct reclaim *reclaim, size_t batch)
{
    struct queue *queue = reclaim->queue;
    struct redis_args args;
    redis_args_init(&args);
    redis_args_text(&args, queue->keys.events);
    redis_args_text(&args, KEYS_GROUP);
    redis_args_text(&args, queue->consumer);
    redis_args_int(&args, reclaim->taker->max_event_bytes);
    redis_args_int(&args, BATCH_BYTES_BUDGET);
    for (size_t i = 0; i < batch; i++)
        redis_args_text(&args, reclaim->ids[reclaim->ids_at + i]);
    reclaim->waiting = queue_call(queue, SCRIPT_RECLAIM_OWN, 1, &args, on_taken, reclaim) == 0;
    redis_args_release(&args);
}

static void step(void *context)
{
    struct reclaim *reclaim = context;
    size_t left = reclaim->ids_len - reclaim->ids_at;
    if (!reclaim->running || reclaim->waiting)
        return;
    if (left > 0) {
        size_t room = reclaim->taker->room(reclaim->taker->context);
        size_t batch = left < BATCH ? left : BATCH;
        batch = batch < room ? batch : room;
        if (batch == 0)
            loop_timer_arm(&reclaim->timer, WAIT_FOR_ROOM_MS);
        else
            take_batch(reclaim, batch);
    } else if (reclaim->last_page) {
        finish(reclaim);
        return;
    } else {
        ask_page(reclaim);
    }
    if (!reclaim->waiting && !loop_timer_is_armed(&reclaim->timer))
        again_later(reclaim); /* the link is down; control_up starts again */
}
