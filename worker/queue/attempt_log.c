#include "queue/attempt_log.h"

#include <stdlib.h>
#include <string.h>

#include "contract/lane.h"
#include "queue/log_tidy.h"

#define NOTES_MAX 2048
#define TEXT_MAX (1 << 20)
#define BATCH 256 /* entries of one script call: it stands in everybody's way for half a ms */
#define FIELDS 8

/* Its texts lie in the log's buffer, one behind the other. */
struct note {
    char lane[LANE_SIZE];
    char fingerprint[HOOK_STATE_FINGERPRINT_SIZE];
    size_t offset;
    size_t lens[FIELDS];
};

struct attempt_log {
    struct queue *queue;
    struct attempt_log_limits limits;
    struct log_tidy tidy;
    struct loop_timer timer;
    struct note *notes; /* NOTES_MAX, oldest first */
    size_t len;
    struct buffer text;
    size_t round_len;  /* the first ones: sorted by lane, and written batch by batch */
    size_t round_at;   /* the next of these */
    size_t round_text; /* where the texts behind theirs begin */
    bool is_under_way;
    int64_t sent; /* entries of the batch that is under way */
};

static void on_timer(void *context);

struct attempt_log *attempt_log_new(struct loop *loop, struct queue *queue,
                                    const struct attempt_log_limits *limits)
{
    struct attempt_log *log = calloc(1, sizeof(*log));
    if (log == NULL)
        return NULL;
    log->queue = queue;
    log->tidy.queue = queue;
    attempt_log_set_limits(log, limits);
    buffer_init(&log->text, TEXT_MAX);
    log->notes = calloc(NOTES_MAX, sizeof(log->notes[0]));
    if (log->notes == NULL || loop_timer_init(loop, &log->timer, on_timer, log) != 0) {
        attempt_log_free(log);
        return NULL;
    }
    return log;
}

void attempt_log_free(struct attempt_log *log)
{
    if (log == NULL)
        return;
    loop_timer_release(&log->timer);
    buffer_release(&log->text);
    free(log->notes);
    free(log);
}

void attempt_log_set_limits(struct attempt_log *log, const struct attempt_log_limits *limits)
{
    log->limits = *limits;
    log->tidy.max_bytes = limits->max_bytes;
    log->tidy.logs_all = limits->what == ATTEMPT_LOG_ALL;
}

bool attempt_log_is_idle(const struct attempt_log *log)
{
    return !log->is_under_way && (log->len == 0 || !redis_link_is_up(log->queue->link));
}

/* --- gathering --- */

static void drop(struct attempt_log *log, int64_t entries)
{
    counters_add(log->queue->counters, COUNTER_LOG_DROPPED, entries);
}

static void put(struct attempt_log *log, struct note *note, int *field, struct bytes text)
{
    buffer_append_bytes(&log->text, text);
    note->lens[(*field)++] = text.len;
}

static void put_number(struct attempt_log *log, struct note *note, int *field, int64_t number)
{
    size_t before = log->text.len;
    buffer_append_int64(&log->text, number);
    note->lens[(*field)++] = log->text.len - before;
}

static bool is_wanted(const struct attempt_log *log, const struct attempt_note *note)
{
    return log->limits.what == ATTEMPT_LOG_ALL ||
           (log->limits.what == ATTEMPT_LOG_FAILURES && strcmp(note->outcome, "delivered") != 0);
}

void attempt_log_add(struct attempt_log *log, const struct attempt_note *note)
{
    char answer[LOG_ANSWER_MAX + 1];
    int field = 0;
    if (!is_wanted(log, note) || note->lane[0] == '\0')
        return;
    if (log->len == NOTES_MAX || log->text.len + 4 * LOG_ANSWER_MAX > TEXT_MAX) {
        drop(log, 1);
        return;
    }
    struct note *kept = &log->notes[log->len];
    (void)bytes_copy_text(bytes_of(note->lane), kept->lane, sizeof(kept->lane));
    (void)bytes_copy_text(bytes_of(note->fingerprint), kept->fingerprint,
                          sizeof(kept->fingerprint));
    kept->offset = log->text.len;
    put(log, kept, &field, bytes_of(note->event_id));
    put_number(log, kept, &field, note->attempt);
    put_number(log, kept, &field, note->status);
    put_number(log, kept, &field, note->took_ms);
    put(log, kept, &field, bytes_of(note->outcome));
    put(log, kept, &field, bytes_of(note->reason));
    put(log, kept, &field, bytes_of(note->error));
    put(log, kept, &field, bytes_of(bytes_printable(note->answer, answer, sizeof(answer))));
    if (buffer_failed(&log->text)) { /* no memory: what was gathered before goes too */
        drop(log, (int64_t)(log->len - log->round_at) + 1);
        buffer_clear(&log->text);
        log->len = log->round_len = log->round_at = 0;
        return;
    }
    log->len++;
    if (log->is_under_way)
        return;
    if (log->len >= NOTES_MAX / 2)
        loop_timer_arm(&log->timer, 0); /* before there is no room */
    else if (!loop_timer_is_armed(&log->timer))
        loop_timer_arm(&log->timer, LOG_GATHER_MS);
}

/* --- writing --- */

/* By lane, and within a lane in their order. */
static int compare(const void *a, const void *b)
{
    const struct note *one = a;
    const struct note *other = b;
    int order = strcmp(one->lane, other->lane);
    return order != 0 ? order : (one->offset > other->offset) - (one->offset < other->offset);
}

static void put_entry(struct redis_args *args, const struct attempt_log *log,
                      const struct note *note)
{
    const char *at = log->text.data + note->offset;
    for (int i = 0; i < FIELDS; i++) {
        redis_args_borrow(args, (struct bytes){at, note->lens[i]});
        at += note->lens[i];
    }
}

static size_t same_lane(const struct note *notes, size_t len)
{
    size_t same = 1;
    while (same < len && strcmp(notes[same].lane, notes[0].lane) == 0)
        same++;
    return same;
}

static void put_batch(const struct attempt_log *log, const struct note *notes, size_t len,
                      struct redis_args *keys, struct redis_args *args)
{
    char key[KEY_SIZE];
    redis_args_text(keys, log->queue->keys.logs);
    redis_args_text(keys, log->queue->keys.log_sizes);
    redis_args_text(keys, log->queue->keys.hooks_recent);
    redis_args_int(args, log->limits.per_hook);
    redis_args_int(args, LOG_LASTS_MS);
    redis_args_int(args, log->limits.what == ATTEMPT_LOG_ALL ? 1 : 0);
    for (size_t i = 0; i < len;) {
        size_t same = same_lane(&notes[i], len - i);
        redis_args_copy(keys, bytes_of(keys_log(&log->queue->keys, notes[i].lane, key)));
        redis_args_text(args, notes[i].lane);
        redis_args_text(args, notes[i + same - 1].fingerprint);
        redis_args_int(args, (int64_t)same);
        for (size_t end = i + same; i < end; i++)
            put_entry(args, log, &notes[i]);
    }
}

static void on_written(void *context, const struct reply *reply)
{
    struct attempt_log *log = context;
    log->is_under_way = false;
    if (reply == NULL || reply_is_error(reply))
        drop(log, log->sent);
    else if (reply_int(reply) > log->limits.max_bytes)
        log_tidy_run(&log->tidy);
    if (log->len > 0)
        loop_timer_arm(&log->timer, log->round_len > 0 ? 0 : LOG_GATHER_MS);
}

/* What a lane's log is given at one go costs less, so all that were gathered are sorted. */
static void begin_round(struct attempt_log *log)
{
    qsort(log->notes, log->len, sizeof(log->notes[0]), compare);
    log->round_len = log->len;
    log->round_at = 0;
    log->round_text = log->text.len;
}

/* Those that came meanwhile move to the front. */
static void end_round(struct attempt_log *log)
{
    log->len -= log->round_len;
    memmove(log->notes, log->notes + log->round_len, log->len * sizeof(log->notes[0]));
    for (size_t i = 0; i < log->len; i++)
        log->notes[i].offset -= log->round_text;
    log->text.len -= log->round_text;
    memmove(log->text.data, log->text.data + log->round_text, log->text.len);
    log->text.data[log->text.len] = '\0';
    log->round_len = log->round_at = 0;
}

static bool send_batch(struct attempt_log *log, const struct note *notes, size_t len)
{
    struct redis_args keys;
    struct redis_args args;
    redis_args_init(&keys);
    redis_args_init(&args);
    put_batch(log, notes, len, &keys, &args);
    int keys_len = (int)keys.len;
    redis_args_append(&keys, &args);
    bool sent = queue_call(log->queue, SCRIPT_LOG_ATTEMPTS, keys_len, &keys, on_written, log) == 0;
    redis_args_release(&keys);
    redis_args_release(&args);
    return sent;
}

static void on_timer(void *context)
{
    struct attempt_log *log = context;
    if (log->is_under_way || log->len == 0)
        return;
    if (log->round_len == 0)
        begin_round(log);
    size_t left = log->round_len - log->round_at;
    size_t len = left < BATCH ? left : BATCH;
    log->is_under_way = send_batch(log, &log->notes[log->round_at], len);
    log->sent = (int64_t)len;
    if (!log->is_under_way)
        drop(log, log->sent);
    log->round_at += len;
    if (log->round_at == log->round_len)
        end_round(log);
    if (!log->is_under_way && log->len > 0)
        loop_timer_arm(&log->timer, LOG_GATHER_MS);
}
