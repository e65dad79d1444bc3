#include "queue/adopt.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "contract/parse.h"

#define PAGE 100
#define BATCH 16
#define BATCH_BYTES_BUDGET (4 << 20)
#define WAIT_FOR_ROOM_MS 50

struct adoption {
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
    int64_t adopted;
    int failures; /* refusals in a row */
    struct loop_timer timer;
};

static void step(void *context);

struct adoption *adoption_new(struct loop *loop, struct queue *queue,
                              const struct stream_taker *taker, const struct reading *reading,
                              loop_fn *done, void *context)
{
    struct adoption *adoption = calloc(1, sizeof(*adoption));
    if (adoption == NULL)
        return NULL;
    adoption->queue = queue;
    adoption->taker = taker;
    adoption->reading = reading;
    adoption->done = done;
    adoption->context = context;
    if (loop_timer_init(loop, &adoption->timer, step, adoption) != 0) {
        free(adoption);
        return NULL;
    }
    return adoption;
}

void adoption_free(struct adoption *adoption)
{
    if (adoption == NULL)
        return;
    loop_timer_release(&adoption->timer);
    free(adoption);
}

bool adoption_is_running(const struct adoption *adoption)
{
    return adoption->running;
}

void adoption_start(struct adoption *adoption, int64_t min_idle_ms)
{
    if (!adoption->running || min_idle_ms < adoption->min_idle_ms)
        adoption->min_idle_ms = min_idle_ms;
    adoption->is_expected = false;
    if (adoption->waiting) {
        adoption->running = true;
        adoption->restart = true;
        return;
    }
    snprintf(adoption->cursor, sizeof(adoption->cursor), "-");
    adoption->running = true;
    adoption->restart = false;
    adoption->ids_len = adoption->ids_at = 0;
    adoption->last_page = false;
    adoption->adopted = 0;
    loop_timer_arm(&adoption->timer, 0);
}

void adoption_start_again(struct adoption *adoption)
{
    bool is_news = adoption->running && !adoption->is_expected;
    adoption_start(adoption, 0);
    adoption->is_expected = !is_news;
}

void adoption_stop(struct adoption *adoption)
{
    adoption->running = false;
    adoption->restart = false;
    loop_timer_disarm(&adoption->timer);
}

static void finish(struct adoption *adoption)
{
    adoption->running = false;
    if (adoption->adopted > 0 && !adoption->is_expected)
        log_at(LOG_INFO, "adopted", log_int("entries", adoption->adopted));
    adoption->done(adoption->context);
}

static void again_later(struct adoption *adoption)
{
    loop_timer_arm(&adoption->timer, queue_again_ms(adoption->queue, &adoption->failures));
}

/* False when the walk ends or begins again here. */
static bool may_go_on(struct adoption *adoption, const struct reply *reply)
{
    bool restart = adoption->restart;
    adoption->waiting = false;
    if (!adoption->running)
        return false;
    if (restart) {
        bool is_expected = adoption->is_expected;
        adoption_start(adoption, adoption->min_idle_ms);
        adoption->is_expected = is_expected;
        return false;
    }
    if (reply_is_list(reply)) {
        adoption->failures = 0;
        return true;
    }
    if (redis_fault_of(reply) == FAULT_NOGROUP)
        finish(adoption); /* nothing can be pending; the read makes the group */
    else
        again_later(adoption);
    return false;
}

/* Given for the first time, just now, and the reader waits for an answer: that may hold it. */
static bool is_on_its_way(const struct adoption *adoption, const struct reply *item)
{
    const struct reading *reading = adoption->reading;
    uint64_t ms, seq;
    if (!reading->under_way || reply_int(reply_at(item, 3)) > 1 ||
        reply_int(reply_at(item, 2)) >= STREAM_ENTRY_ARRIVES_MS ||
        parse_stream_id(reply_text(reply_at(item, 0)), &ms, &seq) != 0)
        return false;
    return ms > reading->last_ms || (ms == reading->last_ms && seq > reading->last_seq);
}

static void on_page(void *context, const struct reply *reply)
{
    struct adoption *adoption = context;
    const struct stream_taker *taker = adoption->taker;
    if (!may_go_on(adoption, reply))
        return;
    size_t len = reply_len(reply);
    adoption->ids_len = adoption->ids_at = 0;
    adoption->last_page = len < PAGE;
    for (size_t i = 0; i < len && i < PAGE; i++) {
        struct bytes id = reply_text(reply_at(reply_at(reply, i), 0));
        snprintf(adoption->cursor, sizeof(adoption->cursor), "(%.*s", (int)id.len, id.data);
        if (!taker->knows(taker->context, id) && !is_on_its_way(adoption, reply_at(reply, i)) &&
            bytes_copy_text(id, adoption->ids[adoption->ids_len], RH_STREAM_ID_SIZE))
            adoption->ids_len++;
    }
    step(adoption);
}

static void ask_page(struct adoption *adoption)
{
    struct redis_args args;
    redis_args_init(&args);
    redis_args_text(&args, "XPENDING");
    redis_args_text(&args, adoption->queue->keys.events);
    redis_args_text(&args, KEYS_GROUP);
    redis_args_text(&args, "IDLE");
    redis_args_int(&args, adoption->min_idle_ms);
    redis_args_text(&args, adoption->cursor);
    redis_args_text(&args, "+");
    redis_args_int(&args, PAGE);
    redis_args_text(&args, adoption->queue->consumer);
    adoption->waiting = redis_link_send(adoption->queue->link, &args, REDIS_COMMAND_DEADLINE_MS,
                                        on_page, adoption) == 0;
    redis_args_release(&args);
}

static void take_up(struct adoption *adoption, const struct reply *item)
{
    const struct stream_taker *taker = adoption->taker;
    struct stream_entry entry = {.id = reply_text(reply_at(item, 0)),
                                 .claims = (int)reply_int(reply_at(item, 2))};
    struct bytes what = reply_text(reply_at(item, 1));
    if (bytes_equal_text(what, "entry") || bytes_equal_text(what, "too-large")) {
        counters_add(adoption->queue->counters, COUNTER_ADOPTED, 1);
        adoption->adopted++;
        stream_entry_read(&entry, reply_at(item, 3));
        entry.too_large_bytes = reply_int(reply_at(item, 4));
        taker->entry(taker->context, &entry);
    } else if (bytes_equal_text(what, "lost")) {
        counters_add(adoption->queue->counters, COUNTER_LOST, 1);
        log_at(LOG_ERROR, "entry_lost", log_bytes("entry", entry.id),
               log_text("why", "it was deleted from the stream while pending"));
    }
}

static void on_taken(void *context, const struct reply *reply)
{
    struct adoption *adoption = context;
    if (!may_go_on(adoption, reply))
        return;
    for (size_t i = 0; i < reply_len(reply) && adoption->ids_at < adoption->ids_len; i++) {
        take_up(adoption, reply_at(reply, i));
        adoption->ids_at++; /* the script may stop early for its byte budget */
    }
    step(adoption);
}

static void take_batch(struct adoption *adoption, size_t batch)
{
    struct queue *queue = adoption->queue;
    struct redis_args args;
    redis_args_init(&args);
    redis_args_text(&args, queue->keys.events);
    redis_args_text(&args, KEYS_GROUP);
    redis_args_text(&args, queue->consumer);
    redis_args_int(&args, adoption->taker->max_event_bytes);
    redis_args_int(&args, BATCH_BYTES_BUDGET);
    for (size_t i = 0; i < batch; i++)
        redis_args_text(&args, adoption->ids[adoption->ids_at + i]);
    adoption->waiting = queue_call(queue, SCRIPT_ADOPT, 1, &args, on_taken, adoption) == 0;
    redis_args_release(&args);
}

static void step(void *context)
{
    struct adoption *adoption = context;
    size_t left = adoption->ids_len - adoption->ids_at;
    if (!adoption->running || adoption->waiting)
        return;
    if (left > 0) {
        size_t room = adoption->taker->room(adoption->taker->context);
        size_t batch = left < BATCH ? left : BATCH;
        batch = batch < room ? batch : room;
        if (batch == 0)
            loop_timer_arm(&adoption->timer, WAIT_FOR_ROOM_MS);
        else
            take_batch(adoption, batch);
    } else if (adoption->last_page) {
        finish(adoption);
        return;
    } else {
        ask_page(adoption);
    }
    if (!adoption->waiting && !loop_timer_is_armed(&adoption->timer))
        again_later(adoption); /* the link is down; control_up starts anew */
}
