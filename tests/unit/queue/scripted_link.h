/*
 * A connection of ours for unit tests: it keeps what is sent, and answers when the test says so.
 */
#ifndef QUEUE_SCRIPTED_LINK_H
#define QUEUE_SCRIPTED_LINK_H

#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "base/loop.h"
#include "contract/bytes.h"
#include "queue/queue.h"
#include "redis/link_reader.h"

struct call {
    STAILQ_ENTRY(call) link;
    const char *script;
    int keys_len;
    struct buffer text; /* keys and arguments with spaces between */
    redis_reply_fn *fn;
    void *context;
};

struct redis_link {
    STAILQ_HEAD(, call) calls;
    size_t len;
    bool is_down;
    bool is_full; /* nothing can be sent */
};

int redis_link_eval(struct redis_link *link, const struct redis_script *script, int keys_len,
                    const struct redis_args *args, redis_reply_fn *fn, void *context)
{
    struct call *call;

    if (link->is_full || link->is_down)
        return -1;
    call = calloc(1, sizeof(*call));
    assert_true(call && !redis_args_failed(args));
    call->script = script->name;
    call->keys_len = keys_len;
    call->fn = fn;
    call->context = context;
    buffer_init(&call->text, 1 << 20);
    for (size_t i = 0; i < args->len; i++) {
        if (i > 0)
            buffer_append_char(&call->text, ' ');
        buffer_append_bytes(&call->text, redis_args_at(args, i));
    }
    buffer_append_char(&call->text, '\0');
    assert_false(buffer_failed(&call->text));
    STAILQ_INSERT_TAIL(&link->calls, call, link);
    link->len++;
    return 0;
}

bool redis_link_is_up(const struct redis_link *link)
{
    return !link->is_down;
}

static void call_free(struct call *call)
{
    buffer_release(&call->text);
    free(call);
}

static struct call *take_call(struct redis_link *link)
{
    struct call *call = STAILQ_FIRST(&link->calls);

    assert_non_null(call);
    STAILQ_REMOVE_HEAD(&link->calls, link);
    link->len--;
    return call;
}

/* The oldest call is this one, word for word. */
static inline void assert_called(const struct redis_link *link, const char *script, int keys_len,
                                 const char *text)
{
    const struct call *call = STAILQ_FIRST(&link->calls);

    assert_non_null(call);
    assert_string_equal(call->script, script);
    assert_string_equal(call->text.data, text);
    assert_int_equal(call->keys_len, keys_len);
}

/* Answers the oldest call, which is of this script; text is in Redis' protocol, NULL: it was
 * lost. */
static void answer(struct redis_link *link, const char *script, const char *text)
{
    struct call *call = take_call(link);
    struct reply_memory memory;
    redisReader *reader;
    void *reply = NULL;

    assert_string_equal(call->script, script);
    reply_memory_init(&memory);
    reader = redis_reader_new(&memory);
    assert_non_null(reader);
    if (text)
        redisReaderFeed(reader, text, strlen(text));
    assert_int_equal(redisReaderGetReply(reader, &reply), REDIS_OK);
    assert_true(!text == !reply);
    call->fn(call->context, reply);
    redisReaderFree(reader);
    reply_memory_release(&memory);
    call_free(call);
}

/* Runs the loop until something is sent. */
static void wait_for_call(struct loop *loop, const struct redis_link *link)
{
    int64_t limit_ms = loop_now_ms() + 2000;

    while (link->len == 0) {
        assert_true(loop_now_ms() < limit_ms);
        event_base_loop(loop_base(loop), EVLOOP_ONCE);
    }
}

static void link_begin(struct redis_link *link, struct queue *queue, struct counters *counters)
{
    *link = (struct redis_link){.len = 0};
    STAILQ_INIT(&link->calls);
    assert_int_equal(queue_init(queue, "q"), 0);
    queue->link = link;
    queue->consumer = "w";
    *counters = (struct counters){.sending = false};
    queue->counters = counters;
}

/* What is not answered is lost. */
static void link_end(struct redis_link *link)
{
    link->is_down = true;
    while (link->len > 0) {
        struct call *call = take_call(link);

        if (call->fn)
            call->fn(call->context, NULL);
        call_free(call);
    }
}

#endif
