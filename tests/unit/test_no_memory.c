/*
 * Each allocation of a scenario fails once, the first, the second, and so on until none is left to
 * fail. Whatever the scenario then says must be true: done, or that memory was short. A shortage
 * must never become a verdict about what a stranger sent, nothing may crash, and nothing may be
 * left behind. malloc and its kin are ours here, also for the libraries.
 */
#define _GNU_SOURCE 1
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <event2/event.h>
#include <openssl/crypto.h>

#include "base/log.h"
#include "contract/event_codec.h"
#include "contract/hook.h"
#include "contract/json_read.h"
#include "delivery/pipeline.h"
#include "delivery/settlement.h"
#include "hooks/registry.h"
#include "http/client_internal.h"
#include "http/render.h"
#include "queue/record.h"
#include "redis/link_reader.h"
#include "settings/read.h"

/* --- the allocator --- */

#define ALLOCATIONS_MAX 100000

static struct {
    long until_failure; /* 1: the next one fails; 0: none does */
    long live;          /* blocks that are not given back */
    bool failed;
} heap;

/* glibc's own, by the names it keeps for such as us. */
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *memory, size_t size);
void __libc_free(void *memory);

#define INSTEAD_OF_LIBC __attribute__((visibility("default")))

static bool must_fail(void)
{
    if (heap.until_failure == 0 || --heap.until_failure > 0)
        return false;
    heap.failed = true;
    errno = ENOMEM;
    return true;
}

INSTEAD_OF_LIBC void *malloc(size_t size)
{
    void *memory = must_fail() ? NULL : __libc_malloc(size);

    heap.live += memory != NULL;
    return memory;
}

INSTEAD_OF_LIBC void *calloc(size_t count, size_t size)
{
    void *memory = must_fail() ? NULL : __libc_calloc(count, size);

    heap.live += memory != NULL;
    return memory;
}

INSTEAD_OF_LIBC void *realloc(void *memory, size_t size)
{
    void *moved = must_fail() ? NULL : __libc_realloc(memory, size);

    heap.live += memory == NULL && moved != NULL;
    return moved;
}

INSTEAD_OF_LIBC void free(void *memory)
{
    heap.live -= memory != NULL;
    __libc_free(memory);
}

/* --- scenarios: each returns 0 when it was done, -1 when it says that memory was short --- */

#define SECRET "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
#define HOOK                                                                                      \
    "{\"url\":\"https://host.example:8443/a?b\",\"verificationSignature\":\"9JOLCJUVylQxxdhX\","  \
    "\"secret\":[\"" SECRET "\",{\"key\":\"" SECRET "\",\"until\":1}],\"format\":\"standard\","   \
    "\"headers\":{\"X-A\":\"1\",\"X-B\":\"a longer value, so that the line has to grow a bit\"}," \
    "\"enabled\":true,\"timeout\":\"5s\",\"maxAge\":\"1h\",\"rateLimit\":\"10/s\"}"
#define EVENT                                                                                     \
    "{\"type\":\"message.created\",\"message\":{\"roomId\":438,\"createdAt\":1667548137257,"      \
    "\"body\":{\"text\":\"a text with \\u00e9 and \\\"quotes\\\"\",\"list\":[1,2.5,null,true]}}," \
    "\"fromUser\":{\"displayName\":\"Ana\"},\"room\":{\"name\":\"tests\"},"                       \
    "\"webhooks\":[{\"url\":\"https://a.example/\"},{\"url\":\"https://b.example/\"}]}"
#define RECORD                                                                     \
    "{\"lane\":\"438/main\",\"attempts\":3,\"first_attempt_at\":1667548137257,"    \
    "\"last_attempt_at\":1667548138257,\"status\":503,\"error\":\"answered 503\"," \
    "\"cuts\":1,\"encoding\":\"json\"}\n" EVENT
#define OLD_RECORD "{\"room\":438,\"hook\":\"main\",\"attempts\":3,\"encoding\":\"json\"}"

#define MESSAGE_OUT                                                                            \
    "{\"roomId\":438,\"createdAt\":1667548137257,\"body\":{\"text\":\"a text with \u00e9 and " \
    "\\\"quotes\\\"\",\"list\":[1,2.5,null,true]}}"

static struct error_text why;

static int try_hook(void)
{
    struct hook *hook = NULL;
    int problem = hook_parse(BYTES("main"), BYTES(HOOK), &hook, &why);

    if (problem != HOOK_OK && problem != HOOK_NO_MEMORY)
        fail_msg("problem %d: %s", problem, why.text);
    hook_free(hook);
    return problem == HOOK_OK ? 0 : -1;
}

static int try_event(enum rh_encoding encoding, struct bytes document)
{
    struct event event;
    int problem = event_decode(encoding, document, &event, &why);

    assert_true(problem == EVENT_OK || problem == EVENT_NO_MEMORY);
    if (problem != EVENT_OK)
        return -1;
    assert_true(bytes_equal(event.message, BYTES(MESSAGE_OUT))); /* not a byte is missing */
    assert_int_equal(event.inline_hooks_len, 2);
    event_release(&event);
    return 0;
}

static int try_event_json(void)
{
    return try_event(RH_JSON, BYTES(EVENT));
}

static struct buffer packed_event;
static json_t *filling;

static int try_event_msgpack(void)
{
    return try_event(RH_MSGPACK, buffer_bytes(&packed_event));
}

static int try_event_packing(void)
{
    struct buffer packed;
    int problem;

    buffer_init(&packed, 65536);
    problem = event_json_to_msgpack(BYTES(EVENT), &packed, &why);
    buffer_release(&packed);
    assert_true(problem == EVENT_OK || problem == EVENT_NO_MEMORY);
    return problem == EVENT_OK ? 0 : -1;
}

static int try_record(void)
{
    struct record record;
    struct buffer text;
    int problem = record_decode(BYTES(RECORD), &record, &why);
    bool failed;

    assert_true(problem == RECORD_OK || problem == RECORD_NO_MEMORY);
    if (problem != RECORD_OK)
        return -1;
    buffer_init(&text, 65536);
    record_encode(&record, &text);
    failed = buffer_failed(&text);
    buffer_release(&text);
    return failed ? -1 : 0;
}

static int try_old_record(void)
{
    struct record record;
    struct record_hook hook;
    int problem = record_decode_old(BYTES(OLD_RECORD), &record, &hook, &why);

    assert_true(problem == RECORD_OK || problem == RECORD_NO_MEMORY);
    return problem == RECORD_OK ? 0 : -1;
}

static int try_inline_hooks(void)
{
    struct event event;
    struct hook_set *set;
    int result = -1;

    if (event_decode(RH_JSON, BYTES(EVENT), &event, &why) != EVENT_OK)
        return -1;
    set = hook_set_inline(&event);
    if (set && set->slots[0].hook && set->slots[1].hook)
        result = 0;
    for (size_t i = 0; set && i < set->len; i++)
        assert_true(set->slots[i].hook || set->slots[i].problem == HOOK_NO_MEMORY);
    hook_set_drop(set);
    event_release(&event);
    return result;
}

static int render_and_release(const struct event *event, const struct hook *hook)
{
    struct request request;
    struct render_input input = {.event = event,
                                 .hook = hook,
                                 .event_id = BYTES("id"),
                                 .traceparent = BYTES("traceparent"),
                                 .now_s = 1667548137};
    int result;

    request_init(&request, 65536);
    result = render(&input, &request);
    request_release(&request);
    return result;
}

static int try_render(void)
{
    struct event event;
    struct hook *hook = NULL;
    int result = -1;

    if (event_decode(RH_JSON, BYTES(EVENT), &event, &why) != EVENT_OK)
        return -1;
    if (hook_parse(BYTES("main"), BYTES(HOOK), &hook, &why) == HOOK_OK)
        result = render_and_release(&event, hook);
    hook_free(hook);
    event_release(&event);
    return result;
}

/* --- outcomes: a connection of ours, which is up and answers when the scenario says so --- */

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
    struct lanes_config lanes = {
        .room = on_room, .claimed = on_claimed, .answered = on_answered, .context = rig};
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
    return pipeline->settle && pipeline->lanes &&
                   loop_turn_init(pipeline->loop, &pipeline->turn, on_nothing, NULL) == 0
               ? 0
               : -1;
}

static void rig_end(struct rig *rig)
{
    struct pipeline *pipeline = &rig->pipeline;

    assert_int_equal(pipeline->entries.len, 0);
    settle_free(pipeline->settle);
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
        lane_of(438, outcomes[i] == OUTCOME_RETRY ? id : "main", delivery->lane);
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

        rates_note(&rates, lane_of(i, "main", lane), i);
    }
    for (int64_t i = 1; i <= 400; i++) {
        char lane[LANE_SIZE];
        int64_t interval_us = rates_find(&rates, lane_of(i, "main", lane));

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

/* The lane's turn: it is claimed, and what comes is a dead letter. Whatever fails, the place that is
 * promised to the lane comes back. */
static void take_turn(struct pipeline *pipeline)
{
    struct capacity_lane *lane =
        capacity_lane(pipeline->capacity, "438/:0123456789abcdef", NULL, NULL);

    if (!lane)
        return;
    capacity_set_backlog(pipeline->capacity, lane, CAPACITY_BACKLOG_NOW, loop_now_ms());
    pipeline->alive_until_ms = INT64_MAX;
    pipeline_arm(pipeline);
    event_base_loop(loop_base(pipeline->loop), EVLOOP_NONBLOCK);
    if (calls.len == 1)
        answer_call(claimed.reply);
    assert_int_equal(capacity_in_flight(pipeline->capacity), 0);
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

static char settings_path[] = "/tmp/roomhook-test-XXXXXX";

/* The file says more than the defaults, so that a half-read one would be seen. */
static int try_settings(void)
{
    static struct settings settings;
    char program[] = "roomhook-worker";
    char flag[] = "--config";
    char *argv[] = {program, flag, settings_path, NULL};
    char *environment[] = {NULL};
    enum settings_action action;
    int result = settings_read(3, argv, environment, &settings, &action, &why);

    assert_true(result != 0 || (settings.max_in_flight == 77 && settings.dead_max == 78));
    return result;
}

static int try_client(void)
{
    static const struct address_guard guard;
    struct http_client_config config = {.guard = &guard,
                                        .ca_file = "/etc/ssl/certs/ca-certificates.crt",
                                        .max_transfers = 2,
                                        .max_response_bytes = 1024,
                                        .max_body_bytes = 1024};
    struct loop *loop = loop_new();
    struct http_client *client = loop ? http_client_new(loop, &config, &why) : NULL;
    int result = client ? 0 : -1;

    http_client_free(client);
    loop_free(loop);
    return result;
}

static int try_parsed_url(void)
{
    static struct http_client client;
    struct url url;
    struct http_target target = {.url_text = "https://a.test/x", .url = &url};
    int result = url_parse(bytes_of(target.url_text), &url, &why);
    struct parsed_url *parsed;

    client_url_init(&client);
    parsed = client_url_get(&client, &target);
    client_url_leave(parsed);
    client_url_free_all(&client);
    return result == 0 && parsed ? 0 : -1;
}

/* --- the sweep --- */

static int run_failing(int (*scenario)(void), long n)
{
    int result;

    heap.failed = false;
    heap.until_failure = n;
    result = scenario();
    heap.until_failure = 0;
    OPENSSL_thread_stop(); /* it keeps the errors it met, a few blocks at most */
    return result;
}

/* Once without a failure first: what libraries keep for ever is made there. */
static void sweep(int (*scenario)(void))
{
    long live;
    long n = 0;

    assert_int_equal(run_failing(scenario, 0), 0);
    live = heap.live;
    do {
        int result = run_failing(scenario, ++n);

        if (heap.live != live)
            fail_msg("allocation %ld failed: %ld blocks are left behind", n, heap.live - live);
        if (!heap.failed)
            assert_int_equal(result, 0);
        assert_true(n < ALLOCATIONS_MAX);
    } while (heap.failed);
    assert_true(n > 1); /* or nothing was tested */
    print_message("           %ld allocations failed, one at a time\n", n - 1);
}

#define SWEEP(name)                        \
    static void name##_sweep(void **state) \
    {                                      \
        (void)state;                       \
        sweep(try_##name);                 \
    }

SWEEP(hook)
SWEEP(event_json)
SWEEP(event_msgpack)
SWEEP(event_packing)
SWEEP(record)
SWEEP(inline_hooks)
SWEEP(render)
SWEEP(old_record)
SWEEP(outcomes)
SWEEP(burial)
SWEEP(claims)
SWEEP(entries)
SWEEP(rates)
SWEEP(pipeline)
SWEEP(turn)
SWEEP(settings)
SWEEP(client)
SWEEP(parsed_url)

/* With the block of json_read full every allocation is malloc's and can fail. */
static void fill_block(void)
{
    struct buffer text;
    bool no_memory;

    buffer_init(&text, 65536);
    buffer_append_text(&text, "[0");
    for (int i = 0; i < 8000; i++)
        buffer_append_text(&text, ",0");
    buffer_append_text(&text, "]");
    filling = json_read(buffer_bytes(&text), JSON_NUL_REFUSED, &no_memory, &why);
    assert_non_null(filling);
    buffer_release(&text);
}

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
    static const char text[] = "max-in-flight = 77\ndead-max = 78\nallow-address = 10.0.0.0/8\n";
    int descriptor = mkstemp(settings_path);

    (void)state;
    assert_true(descriptor >= 0);
    assert_int_equal(write(descriptor, text, strlen(text)), strlen(text));
    close(descriptor);
    log_configure(LOG_ERROR + 1, LOG_LOGFMT);
    json_read_own_memory();
    fill_block();
    read_reply(&stored, STORED);
    read_reply(&claimed, CLAIMED);
    assert_int_equal(queue_init(&queue, "webhooks"), 0);
    queue.consumer = "host-1-01234567";
    queue.counters = &counters;
    read_pipeline_settings();
    buffer_init(&packed_event, 65536);
    assert_int_equal(event_json_to_msgpack(BYTES(EVENT), &packed_event, &why), EVENT_OK);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    unlink(settings_path);
    json_decref(filling);
    release_reply(&stored);
    release_reply(&claimed);
    buffer_release(&packed_event);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hook_sweep),          cmocka_unit_test(event_json_sweep),
        cmocka_unit_test(event_msgpack_sweep), cmocka_unit_test(event_packing_sweep),
        cmocka_unit_test(record_sweep),        cmocka_unit_test(inline_hooks_sweep),
        cmocka_unit_test(render_sweep),        cmocka_unit_test(outcomes_sweep),
        cmocka_unit_test(old_record_sweep),    cmocka_unit_test(claims_sweep),
        cmocka_unit_test(entries_sweep),       cmocka_unit_test(rates_sweep),
        cmocka_unit_test(pipeline_sweep),      cmocka_unit_test(turn_sweep),
        cmocka_unit_test(burial_sweep),        cmocka_unit_test(settings_sweep),
        cmocka_unit_test(client_sweep),        cmocka_unit_test(parsed_url_sweep),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
