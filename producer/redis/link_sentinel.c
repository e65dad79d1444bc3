#include "redis/link_sentinel.h"

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <hiredis/hiredis.h>
#include <stdlib.h>

#include "redis/link_io.h"
#include "redis/sentinel.h"

#define SENTINEL_REPLY_MAX 65536

struct sentinel_query {
    struct loop *loop;
    const struct redis_address *address;
    struct ssl_ctx_st **tls;
    sentinel_fn *fn;
    void *context;
    int at;    /* the Sentinel being asked */
    int asked; /* how many in this round */
    struct bufferevent *io;
    bool logs_in; /* the reply to the login is still to come */
    redisReader *reader;
    size_t fed;
    struct error_text why;
    struct loop_timer timer;
};

static void ask_next(struct sentinel_query *query);

static void hang_up(struct sentinel_query *query)
{
    if (query->io != NULL)
        bufferevent_free(query->io);
    if (query->reader != NULL)
        redisReaderFree(query->reader);
    query->io = NULL;
    query->reader = NULL;
    query->fed = 0;
    loop_timer_disarm(&query->timer);
}

static void failed(struct sentinel_query *query, const char *what)
{
    const struct redis_host *sentinel = &query->address->sentinels[query->at];
    sentinel_failed(sentinel, what, &query->why);
    hang_up(query);
    query->at = (query->at + 1) % query->address->sentinels_len;
    ask_next(query);
}

static void on_timer(void *context)
{
    failed(context, "no answer within 1s");
}

struct sentinel_query *sentinel_query_new(struct loop *loop, const struct redis_address *address,
                                          struct ssl_ctx_st **tls, sentinel_fn *fn, void *context)
{
    struct sentinel_query *query = calloc(1, sizeof(*query));
    if (query == NULL)
        return NULL;
    query->loop = loop;
    query->address = address;
    query->tls = tls;
    query->fn = fn;
    query->context = context;
    if (loop_timer_init(loop, &query->timer, on_timer, query) != 0) {
        free(query);
        return NULL;
    }
    return query;
}

void sentinel_query_free(struct sentinel_query *query)
{
    if (query == NULL)
        return;
    hang_up(query);
    loop_timer_release(&query->timer);
    free(query);
}

/* True when more replies are to come; else the query is over, or asks another Sentinel. */
static bool judge(struct sentinel_query *query, const struct reply *reply)
{
    struct redis_host master;
    struct error_text why;
    if (query->logs_in && sentinel_judge_login(reply, &why) == 0) {
        query->logs_in = false;
        return true;
    }
    if (query->logs_in || sentinel_judge(reply, &master, &why) != 0) {
        failed(query, why.text);
        return false;
    }
    hang_up(query);
    query->fn(query->context, &master, "");
    return false;
}

static void take_replies(struct sentinel_query *query)
{
    bool goes_on = true;
    while (goes_on) {
        void *reply = NULL;
        if (redisReaderGetReply(query->reader, &reply) != REDIS_OK) {
            failed(query, "its answer is not the Redis protocol");
            return;
        }
        if (reply == NULL)
            return;
        goes_on = judge(query, reply);
        freeReplyObject(reply);
    }
}

static void on_readable(struct bufferevent *io, void *context)
{
    struct sentinel_query *query = context;
    struct evbuffer *input = bufferevent_get_input(io);
    size_t len = evbuffer_get_length(input);
    const unsigned char *data = evbuffer_pullup(input, -1);
    query->fed += len;
    if (data == NULL || query->fed > SENTINEL_REPLY_MAX ||
        redisReaderFeed(query->reader, (const char *)data, len) != REDIS_OK) {
        failed(query, "its answer is not the Redis protocol");
        return;
    }
    evbuffer_drain(input, len);
    take_replies(query);
}

static void on_event(struct bufferevent *io, short what, void *context)
{
    struct sentinel_query *query = context;
    struct sentinel_command commands[SENTINEL_COMMANDS];
    size_t len = sentinel_commands(query->address, commands);
    if ((what & BEV_EVENT_CONNECTED) == 0) {
        struct error_text why = {"closed the connection"};
        if ((what & BEV_EVENT_EOF) == 0)
            redis_link_error(io, &why);
        failed(query, why.text);
        return;
    }
    redis_link_connected(io);
    query->logs_in = len > 1;
    int result = 0;
    for (size_t i = 0; result == 0 && i < len; i++) {
        struct redis_args args;
        redis_args_init(&args);
        redis_args_list(&args, commands[i].args, commands[i].args_len);
        result = redis_link_write(io, &args);
        redis_args_release(&args);
    }
    if (result != 0)
        failed(query, "out of memory");
}

static void ask_next(struct sentinel_query *query)
{
    if (query->asked++ == query->address->sentinels_len) {
        query->fn(query->context, NULL, query->why.text);
        return;
    }
    const struct redis_host *sentinel = &query->address->sentinels[query->at];
    query->io = redis_link_open(query->loop, *query->tls, sentinel);
    query->reader = redisReaderCreate();
    if (query->io == NULL || query->reader == NULL) {
        failed(query, "out of memory");
        return;
    }
    bufferevent_setcb(query->io, on_readable, NULL, on_event, query);
    bufferevent_enable(query->io, EV_READ | EV_WRITE);
    loop_timer_arm(&query->timer, SENTINEL_TIMEOUT_MS);
    const char *why = redis_link_begin(query->io, query->loop, sentinel);
    if (why != NULL)
        failed(query, why);
}

void sentinel_query_start(struct sentinel_query *query)
{
    query->asked = 0;
    ask_next(query);
}

void sentinel_query_stop(struct sentinel_query *query)
{
    hang_up(query);
}
