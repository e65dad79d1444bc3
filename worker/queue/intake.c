#include "queue/intake.h"

#include <stdlib.h>

#include "base/log.h"
#include "contract/parse.h"
#include "queue/losses.h"
#include "queue/reclaim.h"

#define READ_COUNT_MAX 256
#define READ_BYTES_TARGET (8 << 20)
#define ENTRY_BYTES_GUESS 1024
#define END_AGAIN_MS 5

struct intake {
    struct loop *loop;
    struct queue *queue;
    struct redis_link *reader;
    struct stream_taker taker;
    struct reclaim *reclaim;
    bool control_ready; /* the control link is up, the group exists */
    bool stopped;
    struct reading read;
    bool is_followed;    /* by something of which the answer did not come yet */
    int64_t entry_bytes; /* moving average */
    int64_t reader_id;   /* CLIENT ID of the reader, to end its blocking */
    int failures;        /* refusals in a row */
    struct loop_timer again;
    struct loop_timer end_again; /* the read under way was not blocked yet */
};

static void read_more(struct intake *intake);
static void on_end_again(void *context);

static void on_again(void *context)
{
    read_more(context);
}

static void on_reclaimed(void *context)
{
    read_more(context);
}

struct intake *intake_new(struct loop *loop, struct queue *queue, struct redis_link *reader,
                          const struct stream_taker *taker)
{
    struct intake *intake = calloc(1, sizeof(*intake));
    if (intake == NULL)
        return NULL;
    intake->loop = loop;
    intake->queue = queue;
    intake->reader = reader;
    intake->taker = *taker;
    intake->entry_bytes = ENTRY_BYTES_GUESS;
    intake->reclaim = reclaim_new(loop, queue, &intake->taker, &intake->read, on_reclaimed, intake);
    if (intake->reclaim == NULL || loop_timer_init(loop, &intake->again, on_again, intake) != 0 ||
        loop_timer_init(loop, &intake->end_again, on_end_again, intake) != 0) {
        intake_free(intake);
        return NULL;
    }
    return intake;
}

void intake_free(struct intake *intake)
{
    if (intake == NULL)
        return;
    reclaim_free(intake->reclaim);
    loop_timer_release(&intake->again);
    loop_timer_release(&intake->end_again);
    free(intake);
}

static void take_entries(struct intake *intake, const struct reply *entries)
{
    size_t len = reply_len(entries);
    if (len > 0)
        (void)parse_stream_id(reply_text(reply_at(reply_at(entries, len - 1), 0)),
                              &intake->read.last_ms, &intake->read.last_seq);
    for (size_t i = 0; i < len; i++) {
        const struct reply *item = reply_at(entries, i);
        struct stream_entry entry = {
            .id = reply_text(reply_at(item, 0)), .claims = 1, .by_reader = true};
        stream_entry_read(&entry, reply_at(item, 1));
        int64_t size = (int64_t)(entry.json.len + entry.msgpack.len) + 64;
        intake->entry_bytes += (size - intake->entry_bytes) / 8;
        counters_add(intake->queue->counters, COUNTER_EVENTS, 1);
        intake->taker.entry(intake->taker.context, &entry);
    }
}

static void again_after(struct intake *intake)
{
    loop_timer_arm(&intake->again, queue_again_ms(intake->queue, &intake->failures));
}

static void on_group(void *context, const struct reply *reply)
{
    struct intake *intake = context;
    if (reply == NULL)
        return;
    if (reply_int(reply_at(reply, 1)) == 1) {
        counters_add(intake->queue->counters, COUNTER_GROUP_CREATED, 1);
        log_at(LOG_WARN, "group_created", log_text("queue", intake->queue->keys.queue));
    }
    losses_opened(intake->queue, reply);
    again_after(intake);
}

/* Stream or group are gone, e.g. by FLUSHALL. */
static void make_group(struct intake *intake)
{
    struct redis_args args;
    redis_args_init(&args);
    redis_args_text(&args, intake->queue->keys.events);
    redis_args_text(&args, intake->queue->keys.meta);
    redis_args_text(&args, KEYS_GROUP);
    redis_args_text(&args, KEYS_CONTRACT);
    redis_args_text(&args, intake->queue->consumer);
    intake->read.last_ms = intake->read.last_seq = 0; /* ids may begin again */
    (void)queue_call(intake->queue, SCRIPT_OPEN_QUEUE, 2, &args, on_group, intake);
    redis_args_release(&args);
}

static void on_refused(struct intake *intake, const struct reply *reply)
{
    again_after(intake);
    if (redis_fault_of(reply) == FAULT_NOGROUP) {
        make_group(intake);
        loop_timer_arm(&intake->again, QUEUE_AGAIN_MAX_MS); /* its answer comes before that */
    }
}

static void on_read(void *context, const struct reply *reply)
{
    struct intake *intake = context;
    intake->read.under_way = false;
    if (reply == NULL)
        return; /* the link is down; it reports when it is back */
    if (reply_is_error(reply)) {
        on_refused(intake, reply);
        return;
    }
    intake->failures = 0;
    take_entries(intake, reply_at(reply_at(reply, 0), 1));
    read_more(intake);
}

static size_t read_count(struct intake *intake)
{
    size_t room = intake->taker.room(intake->taker.context);
    size_t by_bytes = (size_t)(READ_BYTES_TARGET / (intake->entry_bytes + 1)) + 1;
    size_t count = room < READ_COUNT_MAX ? room : READ_COUNT_MAX;
    return count < by_bytes ? count : by_bytes;
}

static void read_more(struct intake *intake)
{
    struct redis_args args;
    if (intake->stopped || intake->read.under_way || intake->is_followed ||
        !intake->control_ready || !redis_link_is_up(intake->reader) ||
        reclaim_is_running(intake->reclaim))
        return;
    size_t count = read_count(intake);
    if (count == 0)
        return; /* intake_kick comes with room */
    redis_args_init(&args);
    redis_args_text(&args, "XREADGROUP");
    redis_args_text(&args, "GROUP");
    redis_args_text(&args, KEYS_GROUP);
    redis_args_text(&args, intake->queue->consumer);
    redis_args_text(&args, "COUNT");
    redis_args_int(&args, (int64_t)count);
    redis_args_text(&args, "BLOCK");
    redis_args_int(&args, INTAKE_BLOCK_MS);
    redis_args_text(&args, "STREAMS");
    redis_args_text(&args, intake->queue->keys.events);
    redis_args_text(&args, ">");
    if (redis_link_send(intake->reader, &args, INTAKE_DEADLINE_MS, on_read, intake) == 0) {
        intake->read.under_way = true;
        intake->is_followed = intake->taker.follow(intake->taker.context);
    } else {
        again_after(intake);
    }
    redis_args_release(&args);
}

void intake_followed(struct intake *intake)
{
    intake->is_followed = false;
    intake_kick(intake);
}

void intake_kick(struct intake *intake)
{
    if (!intake->read.under_way && !loop_timer_is_armed(&intake->again))
        read_more(intake);
}

void intake_reclaim(struct intake *intake, int64_t min_idle_ms)
{
    if (intake->control_ready && !intake->stopped)
        reclaim_start(intake->reclaim, min_idle_ms);
}

void intake_take_again(struct intake *intake)
{
    if (intake->control_ready && !intake->stopped)
        reclaim_start_again(intake->reclaim);
}

void intake_control_up(struct intake *intake)
{
    intake->control_ready = true;
    intake->failures = 0;
    intake_reclaim(intake, 0);
}

static void on_reader_id(void *context, const struct reply *reply)
{
    struct intake *intake = context;
    intake->reader_id = reply_int(reply);
}

/* What was on its way to the reader when its connection broke is pending for us: look before
 * reading. */
void intake_reader_up(struct intake *intake)
{
    (void)redis_link_say(intake->reader, on_reader_id, intake, "CLIENT ID");
    intake_reclaim(intake, 0);
    read_more(intake);
}

void intake_link_down(struct intake *intake)
{
    intake->control_ready = intake->control_ready && redis_link_is_up(intake->queue->link);
    loop_timer_disarm(&intake->again);
    if (!redis_link_is_up(intake->reader))
        intake->reader_id = 0;
}

/* It may come to Redis before the read that it is to end. */
static void on_unblocked(void *context, const struct reply *reply)
{
    struct intake *intake = context;
    if (reply != NULL && !reply_is_error(reply) && reply_int(reply) == 0 && intake->read.under_way)
        loop_timer_arm(&intake->end_again, END_AGAIN_MS);
}

static void on_end_again(void *context)
{
    struct intake *intake = context;
    if (intake->stopped || read_count(intake) == 0)
        intake_end_read(intake);
}

void intake_end_read(struct intake *intake)
{
    struct redis_args args;
    if (!intake->read.under_way || intake->reader_id == 0)
        return;
    redis_args_init(&args);
    redis_args_text(&args, "CLIENT");
    redis_args_text(&args, "UNBLOCK");
    redis_args_int(&args, intake->reader_id);
    (void)redis_link_send(intake->queue->link, &args, REDIS_COMMAND_DEADLINE_MS, on_unblocked,
                          intake);
    redis_args_release(&args);
}

void intake_stop(struct intake *intake)
{
    if (intake->stopped)
        return;
    intake->stopped = true;
    reclaim_stop(intake->reclaim);
    loop_timer_disarm(&intake->again);
    intake_end_read(intake);
}

bool intake_is_stopped(const struct intake *intake)
{
    return intake->stopped && !intake->read.under_way && !reclaim_is_running(intake->reclaim);
}
