/* What is taken from Redis and settled, when memory is short: see failing_heap.h. */
#define _GNU_SOURCE 1
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <event2/event.h>

#include "../base/failing_heap.h"
#include "../capacity/inside.h"
#include "../contract/room_of.h"
#include "base/log.h"
#include "contract/event_codec.h"
#include "contract/json_read.h"
#include "delivery/pipeline.h"
#include "delivery/settlement.h"
#include "redis/link_reader.h"
#include "settings/read.h"

#define EVENT                                                                                     \
    "{\"type\":\"message.created\",\"message\":{\"roomId\":438,\"createdAt\":1667548137257,"      \
    "\"body\":{\"text\":\"a text with \\u00e9 and \\\"quotes\\\"\",\"list\":[1,2.5,null,true]}}," \
    "\"fromUser\":{\"displayName\":\"Ana\"},\"room\":{\"name\":\"tests\"},"                       \
    "\"webhooks\":[{\"url\":\"https://a.example/\"},{\"url\":\"https://b.example/\"}]}"

static struct error_text why;

/* --- a connection of ours, which is up and answers when the scenario says so --- */

#define CALLS_MAX 4

static struct {
    redis_reply_fn *fn[CALLS_MAX];
    void *context[CALLS_MAX];
    int len;
} calls;

/* Read before anything fails. */
static struct read_reply {
    struct reply_memory memory;
    redisReader *reader;
    const void *reply;
} stored, claimed;

int redis_link_send(struct redis_link *link, const struct redis_args *args, int64_t deadline_ms,
                    redis_reply_fn *fn, void *context)
{
    (void)link, (void)deadline_ms;
    if (redis_args_failed(args))
        return -1;
    assert_true(calls.len < CALLS_MAX);
    calls.fn[calls.len] = fn;
    calls.context[calls.len++] = context;
    return 0;
}

int redis_link_eval(struct redis_link *link, const struct redis_script *script, int keys_len,
                    const struct redis_args *args, redis_reply_fn *fn, void *context)
{
    (void)script, (void)keys_len;
    return redis_link_send(link, args, 0, fn, context);
}

int redis_link_say(struct redis_link *link, redis_reply_fn *fn, void *context, const char *words)
{
    (void)link, (void)fn, (void)context, (void)words;
    return -1;
}

bool redis_link_is_up(const struct redis_link *link)
{
    (void)link;
    return true;
}

void redis_link_drop(struct redis_link *link, const char *reason)
{
    (void)link, (void)reason;
}

static void answer_call(const void *reply)
{
    assert_int_equal(calls.len, 1);
    calls.len = 0;
    calls.fn[0](calls.context[0], reply);
}

static struct queue queue;
static struct counters counters;

struct rig {
    struct pipeline pipeline;
    int settled;
    int overflows;
    int answered;
    bool unknown; /* a claim was not answered */
    int claimed;
};

static void on_settled(void *context, struct settlement *settlement, bool ours)
{
    struct rig *rig = context;

    assert_true(ours);
    rig->settled++;
    settlement_stored(&rig->pipeline, settlement, ours);
}

static void on_overflow(void *context, const char *lane, int64_t count)
{
    struct rig *rig = context;

    assert_string_equal(lane, "438/main");
    assert_int_equal(count, 5);
    rig->overflows++;
}

static void on_nothing(void *context)
{
    (void)context;
}

static size_t on_room(void *context)
{
    (void)context;
    return 0;
}

static void on_claimed(void *context, const struct claimed_delivery *delivery)
{
    struct rig *rig = context;

    assert_true(bytes_equal_text(delivery->document, "{}"));
    rig->claimed++;
}

static void on_answered(void *context, const struct lane_wish *wish,
                        const struct lane_answer *answer)
{
    struct rig *rig = context;

    (void)wish;
    rig->answered++;
    rig->unknown = rig->unknown || answer->word == LANE_UNKNOWN;
}

static int rig_begin(struct rig *rig)
{
    struct pipeline *pipeline = &rig->pipeline;
    struct settle_config settle = {.caps = {.lane_max = 10},
                                   .put = settlement_put,
                                   .settled = on_settled,
                                   .overflow = on_overflow,
                                   .context = rig};
    struct lanes_config lanes = {.room = on_room,
                                 .shut_room = on_room,
                                 .claimed = on_claimed,
                                 .answered = on_answered,
                                 .context = rig};
    static const struct keep_limits keep = {.keep_ms = 0};
    static const struct settings settings = {.max_age_ms = INT64_C(86400000)};

    *rig = (struct rig){.settled = 0};
    calls.len = 0;
    pipeline->queue = &queue;
    pipeline->settings = &settings;
    pipeline->lease_ms = 20000;
    entries_init(&pipeline->entries);
    pipeline->loop = loop_new();
    if (!pipeline->loop)
        return -1;
    pipeline->settle = settle_new(pipeline->loop, &queue, &settle);
    pipeline->lanes = lanes_new(pipeline->loop, &queue, &lanes);
    pipeline->keep = keep_new(pipeline->loop, &queue, &keep);
    return pipeline->keep && pipeline->settle && pipeline->lanes &&
                   loop_turn_init(pipeline->loop, &pipeline->turn, on_nothing, NULL) == 0
               ? 0
               : -1;
}

static void rig_end(struct rig *rig)
{
    struct pipeline *pipeline = &rig->pipeline;

    assert_int_equal(pipeline->entries.len, 0);
    settle_free(pipeline->settle);
    keep_free(pipeline->keep);
    lanes_free(pipeline->lanes);
    if (pipeline->turn.event)
        loop_turn_release(&pipeline->turn);
    loop_free(pipeline->loop);
}

/* What was submitted is stored at the second try at the latest: one allocation failed. It is told
 * once, whatever failed. */
static void store(struct rig *rig)
{
    int before = rig->settled;

    settle_flush(rig->pipeline.settle);
    if (calls.len == 0) {
        assert_true(heap.failed);
        settle_flush(rig->pipeline.settle);
    }
    answer_call(stored.reply);
    assert_int_equal(rig->settled, before + 1);
    assert_int_equal(settle_waiting(rig->pipeline.settle), 0);
}

/* One delivery of each outcome. The last has none, and is detached. */
static struct delivery *add_deliveries(struct rig *rig, struct entry *entry)
{
    static const enum outcome outcomes[] = {OUTCOME_DELIVERED, OUTCOME_WAIT, OUTCOME_RETRY,
                                            OUTCOME_DEAD, OUTCOME_NONE};
    struct delivery *delivery = NULL;

    for (size_t i = 0; i < sizeof(outcomes) / sizeof(outcomes[0]); i++) {
        char id[] = "hook-0";

        id[5] = (char)('0' + i);
        delivery = delivery_new(&rig->pipeline.entries, entry, NULL, NULL, id);
        if (!delivery)
            return NULL;
        lane_of(&ROOM_OF("438"), outcomes[i] == OUTCOME_RETRY ? id : "main", delivery->lane);
        delivery->reason = DEAD_EXHAUSTED;
        buffer_append_text(&delivery->response, "an answer\n");
        if (buffer_failed(&delivery->response))
            return NULL;
        delivery->outcome = outcomes[i];
        if (outcomes[i] != OUTCOME_NONE)
            delivery_move(&rig->pipeline.entries, delivery, DELIVERY_CONCLUDED);
    }
    return delivery;
}

/* A document that its deliveries share. */
static struct entry *add_entry(struct rig *rig)
{
    static char document[8192];
    struct entry *entry;

    memset(document, ' ', sizeof(document));
    memcpy(document, EVENT, sizeof(EVENT) - 1);
    entry = entry_new(&rig->pipeline.entries, SOURCE_STREAM, BYTES("1667548137257-0"), RH_JSON,
                      (struct bytes){document, sizeof(document)});
    if (!entry)
        return NULL;
    entry->pipeline = &rig->pipeline;
    if (!entry_remember(&rig->pipeline.entries, entry) ||
        event_decode(RH_JSON, entry->document, &entry->event, &why) != EVENT_OK) {
        settlement_forget(&rig->pipeline, entry);
        return NULL;
    }
    return entry;
}

static int settle_all(struct rig *rig, struct entry *entry)
{
    struct delivery *last = add_deliveries(rig, entry);

    if (!last) {
        settlement_forget(&rig->pipeline, entry);
        return -1;
    }
    entry_move(&rig->pipeline.entries, entry, ENTRY_OPEN);
    settlement_of_entry(&rig->pipeline, entry);
    store(rig);
    assert_int_equal(rig->overflows, 1);
    assert_true(last->leased);
    last->outcome = OUTCOME_RETRY;
    delivery_move(&rig->pipeline.entries, last, DELIVERY_CONCLUDED);
    settlement_of_delivery(&rig->pipeline, last);
    store(rig);
    assert_int_equal(rig->overflows, 2);
    return 0;
}

static int try_outcomes(void)
{
    struct rig rig;
    struct entry *entry;
    int result = rig_begin(&rig);

    if (result == 0) {
        entry = add_entry(&rig);
        result = entry ? settle_all(&rig, entry) : -1;
        assert_int_equal(rig.settled, result == 0 ? 2 : 0);
    }
    rig_end(&rig);
    return result;
}

/* Without memory for its letter the entry stays pending: nothing of it is settled. */
static int try_burial(void)
{
    const struct letter_cause cause = {
        .reason = DEAD_MALFORMED, .error = "not an event", .json = BYTES(EVENT)};
    struct rig rig;
    struct entry *entry;
    int result = rig_begin(&rig);

    if (result == 0) {
        entry = add_entry(&rig);
        if (entry)
            settlement_bury(&rig.pipeline, entry, &cause);
        if (settle_waiting(rig.pipeline.settle) == 1)
            store(&rig);
        result = rig.settled == 1 ? 0 : -1;
    }
    rig_end(&rig);
    return result;
}

/* Each lane is answered once, also when nothing could be sent. */
static int try_claims(void)
{
    static const struct lane_wish wishes[] = {
        {.lane = "438/main", .fingerprint = "01234567", .count = 2, .lease_ms = 20000},
        {.lane = "438/other", .fingerprint = "-", .mode = CLAIM_ALL, .count = 2},
    };
    struct rig rig;
    int result = rig_begin(&rig);

    if (result == 0) {
        lanes_claim(rig.pipeline.lanes, wishes, 2);
        if (calls.len == 1)
            answer_call(claimed.reply);
        assert_int_equal(rig.answered, 2);
        assert_int_equal(rig.claimed, rig.unknown ? 0 : 1);
        result = rig.unknown ? -1 : 0;
    }
    rig_end(&rig);
    return result;
}

/* Enough for their table to grow; one that is not in it is not known, and no other is. */
static int try_entries(void)
{
    struct entries entries;
    int result = 0;

    entries_init(&entries);
    for (int i = 0; i < 400; i++) {
        char id[RH_STREAM_ID_SIZE];
        struct entry *entry;

        snprintf(id, sizeof(id), "1667548137257-%d", i);
        entry = entry_new(&entries, SOURCE_STREAM, bytes_of(id), RH_JSON, BYTES("{}"));
        if (!entry || !entry_remember(&entries, entry))
            result = -1;
        assert_int_equal(entries_know(&entries, bytes_of(id)), entry && entry->in_table);
    }
    for (struct entry *entry = TAILQ_FIRST(&entries.of_state[ENTRY_NEW]); entry;
         entry = TAILQ_NEXT(entry, of_state))
        assert_int_equal(entries_know(&entries, bytes_of(entry->stream_id)), entry->in_table);
    while (!TAILQ_EMPTY(&entries.of_state[ENTRY_NEW]))
        entry_free(&entries, TAILQ_FIRST(&entries.of_state[ENTRY_NEW]));
    assert_int_equal(entries.len, 0);
    assert_null(entries.table);
    return result;
}

static int try_rates(void)
{
    struct rates rates = {.table = NULL};
    int missing = 0;

    for (int64_t i = 1; i <= 400; i++) {
        char lane[LANE_SIZE];

        struct room_id room = room_of_int(i);

        rates_note(&rates, lane_of(&room, "main", lane), i);
    }
    for (int64_t i = 1; i <= 400; i++) {
        char lane[LANE_SIZE];
        struct room_id room = room_of_int(i);
        int64_t interval_us = rates_find(&rates, lane_of(&room, "main", lane));

        assert_true(interval_us == i || interval_us == 0);
        missing += interval_us == 0;
    }
    rates_release(&rates);
    assert_true(missing <= 1);
    return missing ? -1 : 0;
}

/* It starts threads of libcurl, which allocate when they like. */
int __wrap_http_client_self_test(struct http_client *client, struct error_text *problem);

int __wrap_http_client_self_test(struct http_client *client, struct error_text *problem)
{
    (void)client, (void)problem;
    return 0;
}

static struct settings pipeline_settings;

static void read_pipeline_settings(void)
{
    char program[] = "roomhook-worker";
    char *argv[] = {program, NULL};
    char *environment[] = {NULL};
    enum settings_action action;

    assert_int_equal(settings_read(1, argv, environment, &pipeline_settings, &action, &why), 0);
}

static int try_pipeline(void)
{
    static const struct address_guard guard;
    const struct pipeline_config config = {
        .settings = &pipeline_settings, .queue = &queue, .guard = &guard};
    struct loop *loop = loop_new();
    struct pipeline *pipeline = loop ? pipeline_new(loop, &config, &why) : NULL;
    int result = pipeline ? 0 : -1;

    if (!pipeline && loop && !strstr(why.text, "memory"))
        fail_msg("%s", why.text);
    pipeline_free(pipeline);
    loop_free(loop);
    return result;
}

/* The lane's turn: it is claimed, and what comes is a dead letter. Whatever fails, the place that
 * is promised to the lane comes back. */
static void take_turn(struct pipeline *pipeline)
{
    struct capacity_lane *lane =
        capacity_lane(pipeline->capacity, "438/:0123456789abcdef", NULL, NULL);

    if (!lane)
        return;
    capacity_set_backlog(pipeline->capacity, lane, CAPACITY_BACKLOG_NOW);
    pipeline->alive_until_ms = INT64_MAX;
    pipeline_arm(pipeline);
    event_base_loop(loop_base(pipeline->loop), EVLOOP_NONBLOCK);
    if (calls.len == 1)
        answer_call(claimed.reply);
    assert_int_equal(in_flight_of(pipeline->capacity), 0);
}

static int try_turn(void)
{
    static const struct address_guard guard;
    const struct pipeline_config config = {
        .settings = &pipeline_settings, .queue = &queue, .guard = &guard};
    struct loop *loop = loop_new();
    struct pipeline *pipeline = loop ? pipeline_new(loop, &config, &why) : NULL;
    int result = -1;

    calls.len = 0;
    if (pipeline) {
        take_turn(pipeline);
        result = settle_waiting(pipeline->settle) == 1 ? 0 : -1;
        assert_int_equal(pipeline->entries.len, settle_waiting(pipeline->settle));
    }
    pipeline_free(pipeline);
    loop_free(loop);
    return result;
}

/* --- the sweeps --- */

SWEEP(outcomes)
SWEEP(burial)
SWEEP(claims)
SWEEP(entries)
SWEEP(rates)
SWEEP(pipeline)
SWEEP(turn)

#define STORED "*4\r\n:0\r\n*2\r\n:1\r\n:5\r\n*0\r\n:1\r\n"
#define CLAIMED                                                                                \
    "*4\r\n:1667548137257\r\n*2\r\n*4\r\n:1\r\n$4\r\nfree\r\n:-1\r\n:0\r\n*4\r\n:0\r\n"        \
    "$5\r\nempty\r\n:-1\r\n:0\r\n*1\r\n*6\r\n:1\r\n$25\r\n1667548137257-000000/main\r\n:0\r\n" \
    ":0\r\n:0\r\n$2\r\n{}\r\n*2\r\n$20\r\n1667548137257-000000\r\n$2\r\n{}\r\n"

static void read_reply(struct read_reply *into, const char *text)
{
    void *reply = NULL;

    reply_memory_init(&into->memory);
    into->reader = redis_reader_new(&into->memory);
    assert_non_null(into->reader);
    redisReaderFeed(into->reader, text, strlen(text));
    assert_int_equal(redisReaderGetReply(into->reader, &reply), REDIS_OK);
    assert_non_null(reply);
    into->reply = reply;
}

static void release_reply(struct read_reply *read)
{
    redisReaderFree(read->reader);
    reply_memory_release(&read->memory);
}

static int set_up(void **state)
{
    (void)state;
    log_configure(LOG_ERROR + 1, LOG_LOGFMT);
    read_reply(&stored, STORED);
    read_reply(&claimed, CLAIMED);
    assert_int_equal(queue_init(&queue, "webhooks"), 0);
    queue.consumer = "host-1-01234567";
    queue.counters = &counters;
    read_pipeline_settings();
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    release_reply(&stored);
    release_reply(&claimed);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(outcomes_sweep), cmocka_unit_test(burial_sweep),
        cmocka_unit_test(claims_sweep),   cmocka_unit_test(entries_sweep),
        cmocka_unit_test(rates_sweep),    cmocka_unit_test(pipeline_sweep),
        cmocka_unit_test(turn_sweep),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
