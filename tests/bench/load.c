/*
 * A producer: adds events to a queue's stream, as fast as Redis takes them or at a steady rate.
 *
 *     load redis-port=N events=N [queue=webhooks] [encoding=json] [first-room=0] [rooms=1]
 *          [body=600] [rate=0]
 *
 * Event n is for room first-room + n modulo rooms; encoding is json or msgpack. Its id begins with
 * the microsecond it was sent at. Prints a line of JSON.
 */
#include <hiredis/hiredis.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "arguments.h"
#include "contract/event_codec.h"
#include "histogram.h"
#include "message.h"

#define BATCH_MAX 512

struct load {
    redisContext *redis;
    char key[128];
    int64_t events;
    int64_t first_room;
    int64_t rooms;
    int64_t rate;
    size_t body_len;
    const char *encoding;
    struct buffer packed; /* the document, when it is msgpack */
    int64_t sent;
    int64_t latest_us; /* the most that an event was sent behind its time */
};

static _Noreturn void fail(const char *what)
{
    fprintf(stderr, "load: %s\n", what);
    exit(1);
}

/* The next event's document, valid until the next call. */
static struct bytes make_document(struct load *load)
{
    static char json[MESSAGE_BODY_MAX];
    struct error_text why;
    int64_t room = load->first_room + load->sent % load->rooms;
    struct bytes document = {json, message_document(json, room, load->sent, load->body_len)};
    if (strcmp(load->encoding, "json") == 0)
        return document;
    buffer_clear(&load->packed);
    if (event_json_to_msgpack(document, &load->packed, &why) != 0)
        fail(why.text);
    return buffer_bytes(&load->packed);
}

static void append(struct load *load)
{
    char id[64];
    struct bytes document = make_document(load);
    int id_len = snprintf(id, sizeof(id), "%" PRId64 "-%" PRId64, wall_now_us(), load->sent);
    const char *words[] = {"XADD", load->key, "*", load->encoding, document.data, "id", id};
    size_t lens[] = {4, strlen(load->key), 1, strlen(load->encoding), document.len,
                     2, (size_t)id_len};
    if (redisAppendCommandArgv(load->redis, (int)(sizeof(words) / sizeof(words[0])), words, lens) !=
        REDIS_OK)
        fail(load->redis->errstr);
    load->sent++;
}

static void read_answers(struct load *load, int count)
{
    for (int i = 0; i < count; i++) {
        void *reply = NULL;
        if (redisGetReply(load->redis, &reply) != REDIS_OK)
            fail(load->redis->errstr);
        if (((redisReply *)reply)->type == REDIS_REPLY_ERROR)
            fail(((redisReply *)reply)->str);
        freeReplyObject(reply);
    }
}

static int64_t due_us(const struct load *load, int64_t began_us)
{
    return load->rate == 0 ? 0 : began_us + load->sent * 1000000 / load->rate;
}

static void sleep_until(int64_t us)
{
    struct timespec until = {.tv_sec = us / 1000000, .tv_nsec = us % 1000000 * 1000};
    (void)clock_nanosleep(CLOCK_REALTIME, TIMER_ABSTIME, &until, NULL);
}

static void run(struct load *load)
{
    int64_t began_us = wall_now_us();
    while (load->sent < load->events) {
        int batch = 0;
        if (load->rate > 0)
            sleep_until(due_us(load, began_us));
        int64_t late_us = load->rate > 0 ? wall_now_us() - due_us(load, began_us) : 0;
        if (late_us > load->latest_us)
            load->latest_us = late_us;
        while (batch < BATCH_MAX && load->sent < load->events &&
               (batch == 0 || due_us(load, began_us) <= wall_now_us())) {
            append(load);
            batch++;
        }
        read_answers(load, batch);
    }
}

int main(int argc, char **argv)
{
    struct load load = {0};
    struct arguments arguments;

    arguments_init(&arguments, argc, argv);
    int port = (int)arguments_number(&arguments, "redis-port", 0, 1, 65535);
    load.events = arguments_number(&arguments, "events", 1, 1, INT64_C(1000000000));
    snprintf(load.key, sizeof(load.key), "{%s}:events",
             arguments_text(&arguments, "queue", "webhooks"));
    load.first_room = arguments_number(&arguments, "first-room", 0, 0, INT32_MAX);
    load.rooms = arguments_number(&arguments, "rooms", 1, 1, INT32_MAX);
    load.rate = arguments_number(&arguments, "rate", 0, 0, 1000000);
    load.body_len =
        (size_t)arguments_number(&arguments, "body", 600, MESSAGE_BODY_MIN, MESSAGE_BODY_MAX);
    load.encoding = arguments_text(&arguments, "encoding", "json");
    arguments_finish(&arguments);
    if (strcmp(load.encoding, "json") != 0 && strcmp(load.encoding, "msgpack") != 0)
        fail("encoding must be json or msgpack");
    buffer_init(&load.packed, MESSAGE_BODY_MAX);
    signal(SIGPIPE, SIG_IGN);
    load.redis = redisConnect("127.0.0.1", port);
    if (load.redis == NULL || load.redis->err != 0)
        fail(load.redis == NULL ? "out of memory" : load.redis->errstr);

    int64_t began_us = wall_now_us();
    run(&load);
    printf("{\"events\":%" PRId64 ",\"took_us\":%" PRId64 ",\"latest_us\":%" PRId64 "}\n",
           load.sent, wall_now_us() - began_us, load.latest_us);
    buffer_release(&load.packed);
    redisFree(load.redis);
    return 0;
}
