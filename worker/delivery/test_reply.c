#include "delivery/test_reply.h"

#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "contract/json_text.h"
#include "contract/test_event.h"

#define REPLY_MAX 4096
#define ANSWER_MAX 200 /* of the answer's first line */

/* Also when it was given up for others. A refused URL or address counts as an attempt, but nothing
 * went out. */
static bool was_sent(const struct delivery *delivery, enum outcome outcome)
{
    bool refused = outcome == OUTCOME_DEAD &&
                   (delivery->reason == DEAD_BLOCKED || delivery->reason == DEAD_BAD_URL);
    return !refused && (delivery->history.attempts > 0 || delivery->history.cuts > 0);
}

static const char *name_of(const struct delivery *delivery, enum outcome outcome)
{
    if (outcome == OUTCOME_DELIVERED)
        return TEST_EVENT_DELIVERED;
    return was_sent(delivery, outcome) ? TEST_EVENT_FAILED : TEST_EVENT_NOT_SENT;
}

static const char *error_of(const struct delivery *delivery, enum outcome outcome)
{
    switch (outcome) {
    case OUTCOME_SKIPPED:
        return "the hook is disabled";
    case OUTCOME_WAIT:
    case OUTCOME_RELEASED:
        return "the worker is stopping, or short of memory, descriptors or look-ups";
    case OUTCOME_RETRY:
        if (delivery->history.error[0] == '\0')
            return "given up when others needed its place";
        break;
    case OUTCOME_NONE:
    case OUTCOME_DELIVERED:
    case OUTCOME_DEAD:
        break;
    }
    return delivery->history.error;
}

static struct bytes first_line(const struct buffer *response)
{
    struct bytes line = buffer_bytes(response);
    const char *end = line.len == 0 ? NULL : memchr(line.data, '\n', line.len);
    if (end != NULL)
        line.len = (size_t)(end - line.data);
    if (line.len > 0 && line.data[line.len - 1] == '\r')
        line.len--;
    if (line.len > ANSWER_MAX)
        line.len = ANSWER_MAX;
    return line;
}

static void put_text(struct buffer *out, const char *name, struct bytes text)
{
    if (text.len == 0)
        return;
    buffer_append_format(out, ",\"%s\":", name);
    json_put_untrusted(out, text);
}

static void write_reply(const struct delivery *delivery, enum outcome outcome, struct buffer *out)
{
    const struct history *history = &delivery->history;
    buffer_append_format(out, "{\"outcome\":\"%s\"", name_of(delivery, outcome));
    if (outcome == OUTCOME_DEAD)
        put_text(out, "reason", bytes_of(dead_reason_name(delivery->reason)));
    put_text(out, "error", bytes_of(error_of(delivery, outcome)));
    if (was_sent(delivery, outcome)) {
        if (history->status > 0)
            buffer_append_format(out, ",\"status\":%d", history->status);
        buffer_append_format(out, ",\"ms\":%lld",
                             (long long)(loop_now_ms() - delivery->started_ms));
        put_text(out, "answer", first_line(&delivery->response));
    }
    buffer_append_char(out, '}');
}

/* A refusal is counted and logged by the link; the sender waits in vain, which it can. */
static void on_stored(void *context, const struct reply *reply)
{
    (void)context;
    (void)reply;
}

static void send_reply(struct pipeline *pipeline, const struct entry *entry, struct bytes json)
{
    struct redis_args args;
    char key[KEY_SIZE];
    redis_args_init(&args);
    redis_args_text(&args, "SET");
    redis_args_text(&args, keys_reply(&pipeline->queue->keys, entry->stream_id, key));
    redis_args_borrow(&args, json);
    redis_args_text(&args, "EX");
    redis_args_int(&args, TEST_EVENT_REPLY_KEPT_S);
    (void)redis_link_send(pipeline->queue->link, &args, REDIS_COMMAND_DEADLINE_MS, on_stored, NULL);
    redis_args_release(&args);
}

enum outcome test_reply(struct pipeline *pipeline, const struct delivery *delivery,
                        enum outcome outcome)
{
    const struct entry *entry = delivery->entry;
    struct buffer json;
    log_at(LOG_INFO, "tested", log_text("entry", entry->stream_id),
           log_bytes("room", room_id_bytes(&entry->event.room_id)),
           log_text("hook", delivery->hook_id), log_text("outcome", name_of(delivery, outcome)),
           log_int("status", delivery->history.status),
           log_text("error", error_of(delivery, outcome)));
    buffer_init(&json, REPLY_MAX);
    write_reply(delivery, outcome, &json);
    if (!buffer_failed(&json))
        send_reply(pipeline, entry, buffer_bytes(&json));
    buffer_release(&json);
    return outcome == OUTCOME_DELIVERED ? OUTCOME_DELIVERED : OUTCOME_SKIPPED;
}

bool test_is_too_old(const struct pipeline *pipeline, const struct delivery *delivery)
{
    return delivery->entry->is_test &&
           pipeline_age_ms(pipeline, delivery->entry) > TEST_EVENT_MAX_AGE_MS;
}
