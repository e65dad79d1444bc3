#include "queue/convert.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "contract/event_codec.h"
#include "contract/parse.h"
#include "queue/prune.h"
#include "queue/record.h"
#include "queue/settle_batch.h"

#define PAGE 100
#define PAGE_BYTES (8 << 20)
#define REPLY_HEAD 3 /* items of a reply before those of the deliveries */
#define REPORT_EVERY_MS 5000
#define INLINE_PREFIX "inline-"

struct convert {
    struct loop *loop;
    struct queue *queue;
    struct loop_timer timer; /* the next page, after a refusal */
    int failures;
    bool running;
    int64_t converted; /* in this run */
    int64_t reported_at_ms;
    int64_t skip; /* deliveries before the next page: they stay for now */
    bool with_states;
    struct prune states;
    loop_fn *over;
    void *context;
};

static void next_page(void *context);

struct convert *convert_new(struct loop *loop, struct queue *queue)
{
    struct convert *convert = calloc(1, sizeof(*convert));
    if (convert == NULL)
        return NULL;
    convert->loop = loop;
    convert->queue = queue;
    if (loop_timer_init(loop, &convert->timer, next_page, convert) != 0) {
        free(convert);
        return NULL;
    }
    return convert;
}

void convert_free(struct convert *convert)
{
    if (convert == NULL)
        return;
    loop_timer_release(&convert->timer);
    free(convert);
}

/* False when nothing can be done with it: then it is asked for again, or the link is lost. */
static bool is_usable(struct convert *convert, const struct reply *reply)
{
    if (reply_is_list(reply)) {
        convert->failures = 0;
        return convert->running;
    }
    if (reply == NULL)
        convert->running = false;
    else if (convert->running)
        loop_timer_arm(&convert->timer, redis_fault_of(reply) == FAULT_NOSCRIPT
                                            ? 0
                                            : queue_again_ms(convert->queue, &convert->failures));
    return false;
}

/* --- what a delivery becomes --- */

/* What one has become in a call's arguments. Its lane and holders are those of its number. */
struct page {
    struct redis_args lanes;
    struct redis_args holders;
    struct redis_args args; /* of the deliveries */
    int64_t len;
};

struct target {
    char id[DELIVERY_ID_SIZE];
    char stream[LANE_STREAM_SIZE];
    char hook_id[RH_NAME_MAX + 1];
};

static int read_target(struct bytes old_id, struct target *ret, struct error_text *why)
{
    char stream_id[RH_STREAM_ID_SIZE];
    uint64_t ms;
    uint64_t seq;
    if (delivery_split(old_id, stream_id, ret->hook_id) != 0 ||
        parse_stream_id(bytes_of(stream_id), &ms, &seq) != 0) {
        error_text_set(why, "it is not named <stream id>/<hook>");
        return -1;
    }
    lane_stream(ms, seq, ret->stream);
    delivery_id(ret->stream, ret->hook_id, ret->id);
    return 0;
}

/* A record_result: NULL in *ret_hook when the event brings no hooks, so that it is a registered
 * one. */
static int read_inline_hook(const struct record *record, const char *hook_id, struct bytes document,
                            struct hook **ret_hook, struct error_text *why)
{
    struct event event = {0};
    struct hook *hook = NULL;
    uint64_t number;
    int problem = event_decode(record->encoding, document, &event, why);
    if (problem != 0)
        return problem == EVENT_NO_MEMORY ? RECORD_NO_MEMORY : RECORD_BAD;
    if (event.has_inline_hooks) {
        struct bytes digits = bytes_of(hook_id + strlen(INLINE_PREFIX));
        problem = HOOK_BAD;
        error_text_set(why, "its event does not bring this hook");
        if (parse_uint64(digits, EVENT_MAX_INLINE_HOOKS, &number) == 0 &&
            number < event.inline_hooks_len)
            problem = hook_parse(bytes_of(hook_id), event.inline_hooks[number], &hook, why);
    }
    event_release(&event);
    *ret_hook = hook;
    if (problem == HOOK_OK)
        return RECORD_OK;
    return problem == HOOK_NO_MEMORY ? RECORD_NO_MEMORY : RECORD_BAD;
}

/* A record_result. */
static int find_lane(const struct reply *item, const struct record_hook *of, struct record *record,
                     struct error_text *why)
{
    struct hook *hook = NULL;
    if (strncmp(of->hook_id, INLINE_PREFIX, strlen(INLINE_PREFIX)) == 0) {
        int problem =
            read_inline_hook(record, of->hook_id, reply_text(reply_at(item, 4)), &hook, why);
        if (problem != RECORD_OK)
            return problem;
    }
    if (hook != NULL)
        lane_of_inline(hook, &of->room_id, record->lane);
    else if (of->room_id.len > 0)
        lane_of(&of->room_id, of->hook_id, record->lane);
    else
        error_text_set(why, "the record names no room");
    hook_free(hook);
    return record->lane[0] == '\0' ? RECORD_BAD : RECORD_OK;
}

/* A record_result. */
static int read_old(const struct reply *item, struct target *ret_target, struct record *ret_record,
                    struct error_text *why)
{
    struct record_hook hook;
    if (read_target(reply_text(reply_at(item, 0)), ret_target, why) != 0)
        return RECORD_BAD;
    if (!reply_is_text(reply_at(item, 3))) {
        error_text_set(why, "the record has no second line");
        return RECORD_BAD;
    }
    int problem = record_decode_old(reply_text(reply_at(item, 3)), ret_record, &hook, why);
    if (problem != RECORD_OK)
        return problem;
    if (strcmp(hook.hook_id, ret_target->hook_id) != 0) {
        error_text_set(why, "the record is of the hook %s", hook.hook_id);
        return RECORD_BAD;
    }
    return find_lane(item, &hook, ret_record, why);
}

/* The number of the lane and of the holders, which no other delivery of the page uses. */
static void put_lane(struct convert *convert, struct page *page, const char *lane,
                     const char *stream)
{
    const struct keys *keys = &convert->queue->keys;
    char key[KEY_SIZE];
    redis_args_copy(&page->lanes, bytes_of(keys_lane(keys, lane, key)));
    redis_args_copy(&page->holders, bytes_of(keys_holders(keys, stream, key)));
    redis_args_int(&page->args, ++page->len);
}

static void put_readable(struct convert *convert, struct page *page, const struct target *target,
                         const struct record *record)
{
    struct buffer json;
    redis_args_text(&page->args, record->history.attempts > 0 ? "retry" : "wait");
    redis_args_copy(&page->args, bytes_of(target->id));
    put_lane(convert, page, record->lane, target->stream);
    redis_args_int(&page->args, page->len);
    buffer_init(&json, RECORD_META_MAX);
    record_encode(record, &json);
    page->args.failed = page->args.failed || buffer_failed(&json);
    redis_args_copy(&page->args, buffer_bytes(&json));
    buffer_release(&json);
}

/* Returns -1 when memory is out. */
static int put_item(struct convert *convert, struct page *page, const struct reply *item)
{
    struct bytes id = reply_text(reply_at(item, 0));
    struct bytes line_1 = reply_text(reply_at(item, 2));
    struct target target;
    struct record record = {.lane = ""};
    struct error_text why = {""};
    redis_args_borrow(&page->args, id);
    redis_args_borrow(&page->args, line_1);
    if (!reply_is_text(reply_at(item, 2)) || (line_1.len > 0 && line_1.data[0] == '{')) {
        redis_args_text(&page->args, "drop");
        return 0;
    }
    int problem = read_old(item, &target, &record, &why);
    if (problem == RECORD_NO_MEMORY)
        return -1;
    if (problem == RECORD_OK) {
        put_readable(convert, page, &target, &record);
        return 0;
    }
    log_at(LOG_ERROR, "record_unreadable", log_bytes("delivery", id), log_text("error", why.text));
    redis_args_text(&page->args, "unreadable");
    put_lane(convert, page, LANE_UNREADABLE, "0-0");
    return 0;
}

/* --- deliveries --- */

static void report(struct convert *convert, int64_t left)
{
    if (convert->over == NULL || loop_now_ms() - convert->reported_at_ms < REPORT_EVERY_MS)
        return;
    convert->reported_at_ms = loop_now_ms();
    log_at(LOG_INFO, "converting", log_int("deliveries", convert->converted),
           log_int("left", left));
}

static void on_converted(void *context, const struct reply *reply)
{
    struct convert *convert = context;
    if (!is_usable(convert, reply))
        return;
    int64_t stayed = 0;
    int64_t len = reply_len(reply) > REPLY_HEAD ? (int64_t)reply_len(reply) - REPLY_HEAD : 0;
    for (int64_t i = 0; i < len; i++)
        stayed += reply_int(reply_at(reply, REPLY_HEAD + (size_t)i)) == 1 ? 0 : 1;
    convert->skip += stayed;
    convert->converted += len - stayed;
    counters_add(convert->queue->counters, COUNTER_CONVERTED, len - stayed);
    next_page(convert);
}

/* The keys and first arguments as convert.lua has them. No letters are written, and nobody is told
 * which lane is too long: the next that is put there reports it. */
static int send_page(struct convert *convert, const struct page *page)
{
    const struct keys *keys = &convert->queue->keys;
    struct redis_args args;
    redis_args_init(&args);
    settle_put_keys(keys, SETTLE_LEASED, &args);
    redis_args_text(&args, keys->retries);
    redis_args_append(&args, &page->lanes);
    redis_args_append(&args, &page->holders);
    int keys_len = (int)args.len;
    for (int i = 0; i < 3; i++)
        redis_args_int(&args, 0); /* dead-max, dead-max-bytes, lane-max */
    redis_args_int(&args, page->len);
    for (int64_t i = 0; i < page->len; i++) {
        redis_args_text(&args, "-"); /* the gate is not asked: too early costs a look */
        redis_args_int(&args, 0);
    }
    redis_args_append(&args, &page->args);
    int sent = queue_call(convert->queue, SCRIPT_CONVERT, keys_len, &args, on_converted, convert);
    redis_args_release(&args);
    return sent;
}

static int convert_page(struct convert *convert, const struct reply *found)
{
    struct page page = {.len = 0};
    int problem = 0;
    redis_args_init(&page.lanes);
    redis_args_init(&page.holders);
    redis_args_init(&page.args);
    for (size_t i = 1; i < reply_len(found) && problem == 0; i++)
        problem = put_item(convert, &page, reply_at(found, i));
    if (problem == 0)
        problem = send_page(convert, &page);
    redis_args_release(&page.lanes);
    redis_args_release(&page.holders);
    redis_args_release(&page.args);
    return problem;
}

static void end(struct convert *convert)
{
    convert->running = false;
    if (convert->over != NULL || convert->converted > 0)
        log_at(LOG_INFO, "converted", log_int("deliveries", convert->converted),
               log_int("held", convert->skip));
    if (convert->over != NULL)
        convert->over(convert->context);
}

static void on_states(void *context, const struct reply *reply)
{
    struct convert *convert = context;
    if (!is_usable(convert, reply))
        return;
    (void)prune_read(&convert->states, reply);
    if (prune_is_over(&convert->states))
        end(convert);
    else
        next_page(convert);
}

static void on_found(void *context, const struct reply *reply)
{
    struct convert *convert = context;
    if (!is_usable(convert, reply))
        return;
    if (reply_len(reply) > 1) {
        report(convert, reply_int(reply_at(reply, 0)));
        if (convert_page(convert, reply) != 0)
            loop_timer_arm(&convert->timer, queue_again_ms(convert->queue, &convert->failures));
    } else if (convert->over != NULL) {
        convert->with_states = true;
        next_page(convert);
    } else {
        end(convert);
    }
}

static int look(struct convert *convert)
{
    struct redis_args args;
    redis_args_init(&args);
    redis_args_text(&args, convert->queue->keys.retries);
    redis_args_text(&args, convert->queue->keys.deliveries);
    redis_args_int(&args, convert->skip);
    redis_args_int(&args, PAGE);
    redis_args_int(&args, PAGE_BYTES);
    int sent = queue_call(convert->queue, SCRIPT_CONVERT_LOOK, 2, &args, on_found, convert);
    redis_args_release(&args);
    return sent;
}

static void next_page(void *context)
{
    struct convert *convert = context;
    if (!convert->running)
        return;
    int sent = convert->with_states
                   ? prune_send(&convert->states, convert->queue, on_states, convert)
                   : look(convert);
    if (sent != 0)
        loop_timer_arm(&convert->timer, queue_again_ms(convert->queue, &convert->failures));
}

void convert_run(struct convert *convert, loop_fn *over, void *context)
{
    if (convert->running)
        return;
    convert->running = true;
    convert->converted = 0;
    convert->reported_at_ms = 0;
    convert->skip = 0;
    convert->with_states = false;
    prune_init(&convert->states);
    convert->over = over;
    convert->context = context;
    next_page(convert);
}

void convert_link_down(struct convert *convert)
{
    convert->running = false;
    loop_timer_disarm(&convert->timer);
}
