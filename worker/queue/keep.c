#include "queue/keep.h"

#include <stdlib.h>
#include <string.h>

#include "contract/lane.h"
#include "redis/fault.h"

#define NOTES_MAX 4096
#define TEXT_MAX (16u << 20)
#define BATCH 100                /* events of one script call */
#define BATCH_BYTES (256u << 10) /* the same: it stands in everybody's way for half a ms */
#define FIELDS 4

/* Its texts lie in the buffer, one behind the other, in the order of the script's arguments. */
struct note {
    size_t lens[FIELDS];
};

struct keep {
    struct queue *queue;
    struct keep_limits limits;
    struct loop_timer timer; /* the next batch */
    struct note *notes;      /* NOTES_MAX, oldest first */
    size_t len;
    struct buffer text;
    size_t batch_len; /* the first ones, which are under way */
    size_t batch_text;
    bool is_under_way;
};

static void on_timer(void *context);

struct keep *keep_new(struct loop *loop, struct queue *queue, const struct keep_limits *limits)
{
    struct keep *keep = calloc(1, sizeof(*keep));
    if (keep == NULL)
        return NULL;
    keep->queue = queue;
    buffer_init(&keep->text, TEXT_MAX);
    keep->notes = calloc(NOTES_MAX, sizeof(keep->notes[0]));
    if (keep->notes == NULL || loop_timer_init(loop, &keep->timer, on_timer, keep) != 0) {
        keep_free(keep);
        return NULL;
    }
    keep_set_limits(keep, limits);
    return keep;
}

void keep_free(struct keep *keep)
{
    if (keep == NULL)
        return;
    loop_timer_release(&keep->timer);
    buffer_release(&keep->text);
    free(keep->notes);
    free(keep);
}

bool keep_is_on(const struct keep *keep)
{
    return keep->limits.keep_ms > 0;
}

void keep_set_limits(struct keep *keep, const struct keep_limits *limits)
{
    keep->limits = *limits;
}

bool keep_is_idle(const struct keep *keep)
{
    return !keep->is_under_way && (keep->len == 0 || !redis_link_is_up(keep->queue->link));
}

/* --- gathering --- */

static void drop(struct keep *keep, size_t events)
{
    counters_add(keep->queue->counters, COUNTER_KEEP_DROPPED, (int64_t)events);
}

void keep_add(struct keep *keep, const struct keep_note *note)
{
    size_t before = keep->text.len;
    if (keep->len == NOTES_MAX) {
        drop(keep, 1);
        return;
    }
    const struct bytes head[] = {bytes_of(note->stream), bytes_of(note->room), note->hooks};
    struct note *kept = &keep->notes[keep->len];
    for (int i = 0; i < FIELDS - 1; i++) {
        buffer_append_bytes(&keep->text, head[i]);
        kept->lens[i] = head[i].len;
    }
    size_t document = keep->text.len;
    kept_event_encode(&note->event, &keep->text);
    if (buffer_failed(&keep->text)) {
        keep->text.failed = false; /* what was there before is whole */
        buffer_shorten(&keep->text, before);
        drop(keep, 1);
        return;
    }
    kept->lens[FIELDS - 1] = keep->text.len - document;
    keep->len++;
    if (keep->is_under_way)
        return;
    if (keep->len >= BATCH)
        loop_timer_arm(&keep->timer, 0);
    else if (!loop_timer_is_armed(&keep->timer))
        loop_timer_arm(&keep->timer, KEEP_GATHER_MS);
}

/* --- writing --- */

static void on_written(void *context, const struct reply *reply);

static size_t bytes_of_note(const struct note *note)
{
    size_t bytes = 0;
    for (int i = 0; i < FIELDS; i++)
        bytes += note->lens[i];
    return bytes;
}

/* The first ones of what was gathered. One that is larger than all may be is left to the script,
 * alone. */
static void choose_batch(struct keep *keep)
{
    keep->batch_len = keep->batch_text = 0;
    while (keep->batch_len < keep->len && keep->batch_len < BATCH) {
        size_t bytes = bytes_of_note(&keep->notes[keep->batch_len]);
        if (keep->batch_len > 0 && keep->batch_text + bytes > BATCH_BYTES)
            break;
        keep->batch_text += bytes;
        keep->batch_len++;
    }
}

static bool send_batch(struct keep *keep)
{
    const char *at = keep->text.data;
    struct redis_args args;
    redis_args_init(&args);
    redis_args_text(&args, keep->queue->keys.delivered);
    redis_args_text(&args, keep->queue->keys.delivered_documents);
    redis_args_int(&args, keep->limits.keep_ms);
    redis_args_int(&args, keep->limits.max_bytes);
    for (size_t i = 0; i < keep->batch_len; i++) {
        for (int field = 0; field < FIELDS; field++) {
            size_t len = keep->notes[i].lens[field];
            redis_args_borrow(&args, (struct bytes){at, len});
            at += len;
        }
    }
    keep->is_under_way = queue_call(keep->queue, SCRIPT_KEEP, 2, &args, on_written, keep) == 0;
    redis_args_release(&args);
    return keep->is_under_way;
}

static void forget_batch(struct keep *keep)
{
    keep->len -= keep->batch_len;
    memmove(keep->notes, keep->notes + keep->batch_len, keep->len * sizeof(keep->notes[0]));
    keep->text.len -= keep->batch_text;
    if (keep->text.len > 0)
        memmove(keep->text.data, keep->text.data + keep->batch_text, keep->text.len);
    else
        buffer_release(&keep->text); /* a burst does not hold its memory */
    keep->batch_len = keep->batch_text = 0;
}

static void go_on(struct keep *keep)
{
    if (keep->len > 0)
        loop_timer_arm(&keep->timer, keep->len >= BATCH ? 0 : KEEP_GATHER_MS);
}

static void on_written(void *context, const struct reply *reply)
{
    struct keep *keep = context;
    bool is_number = reply != NULL && !reply_is_error(reply);
    bool is_kept = is_number && reply_int(reply) > 0;
    bool goes_on = is_number && reply_int(reply) == 0; /* room was made, and more is needed */
    keep->is_under_way = false;
    if ((goes_on || redis_fault_of(reply) == FAULT_NOSCRIPT) && keep_is_on(keep) &&
        send_batch(keep))
        return;
    if (!is_kept)
        drop(keep, keep->batch_len);
    forget_batch(keep);
    go_on(keep);
}

static void begin_batch(struct keep *keep)
{
    choose_batch(keep);
    if (keep_is_on(keep) && send_batch(keep))
        return;
    if (keep_is_on(keep))
        drop(keep, keep->batch_len);
    forget_batch(keep);
    go_on(keep);
}

static void on_timer(void *context)
{
    struct keep *keep = context;
    if (!keep->is_under_way && keep->len > 0)
        begin_batch(keep);
}

/* --- deleting --- */

static void on_tidied(void *context, const struct reply *reply)
{
    if (reply != NULL && !reply_is_error(reply) && reply_int(reply) == 0)
        keep_tidy(context);
}

void keep_tidy(struct queue *queue)
{
    struct redis_args args;
    redis_args_init(&args);
    redis_args_text(&args, queue->keys.delivered);
    redis_args_text(&args, queue->keys.delivered_documents);
    (void)queue_call(queue, SCRIPT_KEEP_TIDY, 2, &args, on_tidied, queue);
    redis_args_release(&args);
}
