/*
 * What the registry may answer from its cache, and what it knows of hooks' states: with a
 * connection of ours, whose replies are given when the test says so.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include <cmocka.h>
#include <event2/event.h>

#include "../contract/room_of.h"
#include "base/log.h"
#include "contract/lane.h"
#include "hooks/registry.h"
#include "redis/link_reader.h"

#define LEN(array) (sizeof(array) / sizeof((array)[0]))
static const struct room_id room_438 = ROOM_OF("438");

/* --- the connections --- */

struct pending {
    STAILQ_ENTRY(pending) link;
    char command[16];
    char from[RH_STREAM_ID_SIZE]; /* of XRANGE */
    char text[1024];              /* of a script: keys and arguments with spaces between */
    redis_reply_fn *fn;
    void *context;
};

struct redis_link {
    STAILQ_HEAD(, pending) waiting;
};

int redis_link_send(struct redis_link *link, const struct redis_args *args, int64_t deadline_ms,
                    redis_reply_fn *fn, void *context)
{
    struct pending *pending = calloc(1, sizeof(*pending));

    (void)deadline_ms;
    assert_non_null(pending);
    pending->fn = fn;
    pending->context = context;
    bytes_copy_text(redis_args_at(args, 0), pending->command, sizeof(pending->command));
    if (strcmp(pending->command, "XRANGE") == 0)
        bytes_copy_text(redis_args_at(args, 2), pending->from, sizeof(pending->from));
    STAILQ_INSERT_TAIL(&link->waiting, pending, link);
    return 0;
}

/* The command is the script's name. */
int redis_link_eval(struct redis_link *link, const struct redis_script *script, int keys_len,
                    const struct redis_args *args, redis_reply_fn *fn, void *context)
{
    struct pending *pending = calloc(1, sizeof(*pending));
    struct buffer text;

    (void)keys_len;
    assert_non_null(pending);
    pending->fn = fn;
    pending->context = context;
    bytes_copy_text(bytes_of(script->name), pending->command, sizeof(pending->command));
    buffer_init(&text, sizeof(pending->text));
    for (size_t i = 0; i < args->len; i++) {
        if (i > 0)
            buffer_append_char(&text, ' ');
        buffer_append_bytes(&text, redis_args_at(args, i));
    }
    assert_true(bytes_copy_text(buffer_bytes(&text), pending->text, sizeof(pending->text)));
    buffer_release(&text);
    STAILQ_INSERT_TAIL(&link->waiting, pending, link);
    return 0;
}

struct rig {
    struct loop *loop;
    struct redis_link control;
    struct redis_link reader;
    struct queue queue;
    struct counters counters;
    struct registry *registry;
    struct registry_query query;
    struct hook_set *set; /* the last one, kept */
    int hooks;            /* of the last answer; -1: the look-up failed, -2: there was none */
    int followed;
};

static struct rig *rig_new(void)
{
    static const struct registry_rules rules = {.max_age_ms = INT64_C(86400000)};
    struct rig *rig = calloc(1, sizeof(*rig));

    assert_non_null(rig);
    STAILQ_INIT(&rig->control.waiting);
    STAILQ_INIT(&rig->reader.waiting);
    rig->loop = loop_new();
    assert_non_null(rig->loop);
    assert_int_equal(queue_init(&rig->queue, "webhooks"), 0);
    rig->queue.link = &rig->control;
    rig->queue.consumer = "w";
    rig->queue.counters = &rig->counters;
    rig->registry = registry_new(rig->loop, &rig->queue, &rules);
    assert_non_null(rig->registry);
    rig->hooks = -2;
    return rig;
}

static void link_clear(struct redis_link *link)
{
    struct pending *pending;

    while ((pending = STAILQ_FIRST(&link->waiting)) != NULL) {
        STAILQ_REMOVE_HEAD(&link->waiting, link);
        free(pending);
    }
}

static void rig_free(struct rig *rig)
{
    registry_cancel(&rig->query);
    hook_set_drop(rig->set);
    registry_free(rig->registry);
    link_clear(&rig->control);
    link_clear(&rig->reader);
    loop_free(rig->loop);
    free(rig);
}

/* Answers the oldest command, which is this one; text is in Redis' protocol, NULL: it was lost. */
static void answer(struct redis_link *link, const char *command, const char *text)
{
    struct pending *pending = STAILQ_FIRST(&link->waiting);
    struct reply_memory memory;
    redisReader *reader;
    void *reply = NULL;

    assert_non_null(pending);
    assert_string_equal(pending->command, command);
    STAILQ_REMOVE_HEAD(&link->waiting, link);
    reply_memory_init(&memory);
    reader = redis_reader_new(&memory);
    assert_non_null(reader);
    if (text)
        redisReaderFeed(reader, text, strlen(text));
    assert_int_equal(redisReaderGetReply(reader, &reply), REDIS_OK);
    assert_true(!text == !reply);
    pending->fn(pending->context, reply);
    redisReaderFree(reader);
    reply_memory_release(&memory);
    free(pending);
}

static bool is_asked(const struct redis_link *link, const char *command)
{
    const struct pending *pending = STAILQ_FIRST(&link->waiting);

    return pending && strcmp(pending->command, command) == 0;
}

/* A room that was read just now is read again a little later. */
static void wait_for_reading(struct rig *rig)
{
    int64_t limit_ms = loop_now_ms() + 2000;

    while (STAILQ_EMPTY(&rig->control.waiting)) {
        assert_true(loop_now_ms() < limit_ms);
        event_base_loop(loop_base(rig->loop), EVLOOP_ONCE);
    }
    assert_true(is_asked(&rig->control, "HGETALL"));
}

static void on_hooks(void *context, struct hook_set *set)
{
    struct rig *rig = context;

    rig->hooks = set ? (int)set->len : -1;
    hook_set_drop(rig->set);
    rig->set = set;
    if (set)
        hook_set_keep(set);
}

static void on_followed(void *context)
{
    struct rig *rig = context;

    rig->followed++;
}

/* Of an event that arrives now. */
static void look_up(struct rig *rig, enum registry_source source)
{
    rig->hooks = -2;
    registry_look_up(rig->registry, &room_438, source, registry_stamp(rig->registry), &rig->query,
                     on_hooks, rig);
}

/* Of a room with one or two hooks, none of which is valid, for they need no state. */
#define ONE_HOOK "*2\r\n$1\r\na\r\n$1\r\n{\r\n"
#define TWO_HOOKS "*4\r\n$1\r\na\r\n$1\r\n{\r\n$1\r\nb\r\n$1\r\n{\r\n"
#define NOTHING "*0\r\n"
#define ENTRY(id, room) \
    "*2\r\n$3\r\n" id "\r\n*4\r\n$4\r\nroom\r\n$3\r\n" room "\r\n$4\r\nhook\r\n$1\r\na\r\n"

/* The room is cached, and the news so far are these. */
static void make_cached(struct rig *rig, const char *news)
{
    look_up(rig, REGISTRY_CONTROL);
    answer(&rig->control, "HGETALL", ONE_HOOK);
    assert_int_equal(rig->hooks, 1);
    look_up(rig, REGISTRY_CONTROL);
    answer(&rig->control, "XRANGE", news);
    if (rig->hooks == -2) {
        wait_for_reading(rig);
        answer(&rig->control, "HGETALL", ONE_HOOK);
    }
    assert_int_equal(rig->hooks, 1);
    assert_true(STAILQ_EMPTY(&rig->control.waiting));
}

/* --- tests --- */

static void cached_room_answers_once_the_news_are_known(void **state)
{
    struct rig *rig = rig_new();

    (void)state;
    make_cached(rig, NOTHING);
    look_up(rig, REGISTRY_CONTROL);
    assert_int_equal(rig->hooks, -2);
    answer(&rig->control, "XRANGE", NOTHING);
    assert_int_equal(rig->hooks, 1);
    assert_true(STAILQ_EMPTY(&rig->control.waiting));
    rig_free(rig);
}

static void news_are_asked_for_once_for_all_that_come_together(void **state)
{
    struct rig *rig = rig_new();
    struct registry_query other;

    (void)state;
    make_cached(rig, NOTHING);
    look_up(rig, REGISTRY_CONTROL);
    registry_look_up(rig->registry, &room_438, REGISTRY_CONTROL, registry_stamp(rig->registry),
                     &other, on_hooks, rig);
    answer(&rig->control, "XRANGE", NOTHING);
    assert_true(STAILQ_EMPTY(&rig->control.waiting));
    rig_free(rig);
}

static void what_the_reader_brings_needs_the_news_behind_it(void **state)
{
    struct rig *rig = rig_new();

    (void)state;
    make_cached(rig, "*1\r\n" ENTRY("5-0", "439"));
    assert_int_equal(registry_follow_read(rig->registry, &rig->reader, 1000, on_followed, rig), 0);
    look_up(rig, REGISTRY_READER);
    assert_int_equal(rig->hooks, -2);
    assert_int_equal(rig->followed, 0);
    assert_string_equal(STAILQ_FIRST(&rig->reader.waiting)->from, "5-0");
    answer(&rig->reader, "XRANGE", "*2\r\n" ENTRY("5-0", "439") ENTRY("6-0", "438"));
    assert_int_equal(rig->followed, 1);
    assert_int_equal(rig->hooks, -2);
    wait_for_reading(rig);
    answer(&rig->control, "HGETALL", TWO_HOOKS);
    assert_int_equal(rig->hooks, 2);
    rig_free(rig);
}

static void missed_news_make_the_cache_void(void **state)
{
    static const struct {
        const char *what;
        const char *before;
        const char *then;
        bool reads;
    } rows[] = {
        {"no news ever", NOTHING, NOTHING, false},
        {"the first ones", NOTHING, "*1\r\n" ENTRY("5-0", "439"), true},
        {"none since", "*1\r\n" ENTRY("5-0", "439"), "*1\r\n" ENTRY("5-0", "439"), false},
        {"another room's", "*1\r\n" ENTRY("5-0", "439"),
         "*2\r\n" ENTRY("5-0", "439") ENTRY("6-0", "440"), false},
        {"this room's", "*1\r\n" ENTRY("5-0", "439"),
         "*2\r\n" ENTRY("5-0", "439") ENTRY("6-0", "438"), true},
        {"trimmed", "*1\r\n" ENTRY("5-0", "439"), "*1\r\n" ENTRY("6-0", "440"), true},
        {"deleted, or another server", "*1\r\n" ENTRY("5-0", "439"), NOTHING, true},
        {"refused", "*1\r\n" ENTRY("5-0", "439"), "-WRONGTYPE no stream\r\n", true},
        {"lost", "*1\r\n" ENTRY("5-0", "439"), NULL, true},
    };

    (void)state;
    for (size_t i = 0; i < LEN(rows); i++) {
        struct rig *rig = rig_new();

        print_message("%s\n", rows[i].what);
        make_cached(rig, rows[i].before);
        look_up(rig, REGISTRY_CONTROL);
        answer(&rig->control, "XRANGE", rows[i].then);
        assert_int_equal(rig->hooks, rows[i].reads ? -2 : 1);
        if (rows[i].reads) {
            wait_for_reading(rig);
            answer(&rig->control, "HGETALL", TWO_HOOKS);
            assert_int_equal(rig->hooks, 2);
        }
        rig_free(rig);
    }
}

static void more_news_than_are_told_at_once_make_the_cache_void(void **state)
{
    static const char head[] = "*1000\r\n";
    static const char entry[] = ENTRY("5-0", "439");
    struct rig *rig = rig_new();
    struct buffer news;

    (void)state;
    buffer_init(&news, sizeof(head) + 1000 * sizeof(entry));
    buffer_append_text(&news, head);
    for (int i = 0; i < 1000; i++)
        buffer_append_text(&news, entry);
    buffer_append_bytes(&news, (struct bytes){"", 1});
    assert_false(buffer_failed(&news));
    make_cached(rig, "*1\r\n" ENTRY("5-0", "439"));
    look_up(rig, REGISTRY_CONTROL);
    answer(&rig->control, "XRANGE", buffer_bytes(&news).data);
    wait_for_reading(rig);
    buffer_release(&news);
    rig_free(rig);
}

/* It was on its way before the event came, and the change may have been between the two. */
static void earlier_question_is_no_answer_to_what_changed_since(void **state)
{
    struct rig *rig = rig_new();
    struct registry_query other;

    (void)state;
    registry_look_up(rig->registry, &room_438, REGISTRY_CONTROL, registry_stamp(rig->registry),
                     &other, on_hooks, rig);
    assert_true(is_asked(&rig->control, "HGETALL"));
    registry_follow_read(rig->registry, &rig->reader, 1000, on_followed, rig);
    look_up(rig, REGISTRY_READER);
    answer(&rig->reader, "XRANGE", "*1\r\n" ENTRY("5-0", "438"));
    answer(&rig->control, "HGETALL", ONE_HOOK); /* for the other one */
    assert_int_equal(rig->hooks, 1);
    wait_for_reading(rig);
    answer(&rig->control, "HGETALL", TWO_HOOKS);
    assert_int_equal(rig->hooks, 2);
    rig_free(rig);
}

static void another_server_makes_the_cache_void(void **state)
{
    struct rig *rig = rig_new();

    (void)state;
    make_cached(rig, NOTHING);
    registry_link_up(rig->registry);
    look_up(rig, REGISTRY_CONTROL);
    wait_for_reading(rig);
    rig_free(rig);
}

/* Also when it was asked in the same millisecond. */
static void anew_is_what_was_asked_for_later(void **state)
{
    struct rig *rig = rig_new();

    (void)state;
    make_cached(rig, NOTHING);
    look_up(rig, REGISTRY_ANEW);
    assert_int_equal(rig->hooks, -2);
    wait_for_reading(rig);
    answer(&rig->control, "HGETALL", TWO_HOOKS);
    assert_int_equal(rig->hooks, 2);
    rig_free(rig);
}

/* --- what is known of a hook that keeps its deliveries back --- */

#define HOOK "{\"url\":\"https://a.test/x\"}"
#define GOOD_HOOK "*2\r\n$4\r\nmain\r\n$26\r\n" HOOK "\r\n"
#define LANE "438/main"
#define GATE_KEYS                                                                           \
    "{webhooks}:hooks-state {webhooks}:hooks-changed {webhooks}:happened {webhooks}:gates " \
    "{webhooks}:lanes "                                                                     \
    "{webhooks}:lanes-shut {webhooks}:lane:" LANE " w "

/* The room's one hook, with this state; fingerprint NULL: the hook's own. */
static struct hook_ref read_hook(struct rig *rig, const char *fingerprint, const char *state)
{
    struct hook *hook;
    struct error_text why;
    char own[HOOK_STATE_FINGERPRINT_SIZE];
    char json[200];
    char reply[400];

    assert_int_equal(hook_parse(BYTES("main"), BYTES(HOOK), &hook, &why), HOOK_OK);
    lane_fingerprint(hook, own);
    hook_free(hook);
    snprintf(json, sizeof(json), "{\"fingerprint\":\"%s\",%s}", fingerprint ? fingerprint : own,
             state);
    snprintf(reply, sizeof(reply), "*2\r\n:1000\r\n*1\r\n$%zu\r\n%s\r\n", strlen(json), json);
    look_up(rig, REGISTRY_CONTROL);
    answer(&rig->control, "HGETALL", GOOD_HOOK);
    assert_string_equal(STAILQ_FIRST(&rig->control.waiting)->text, "{webhooks}:hooks-state " LANE);
    answer(&rig->control, "hook_states", reply);
    assert_int_equal(rig->hooks, 1);
    assert_int_equal(rig->set->slots[0].problem, HOOK_OK);
    return (struct hook_ref){.room_id = &room_438, .slot = &rig->set->slots[0]};
}

static void assert_gate(struct rig *rig, const struct hook_ref *ref, const char *rest)
{
    const struct pending *pending = STAILQ_FIRST(&rig->control.waiting);
    char fingerprint[HOOK_STATE_FINGERPRINT_SIZE];
    char expected[1024];

    snprintf(expected, sizeof(expected), GATE_KEYS "438 main %s 86400000 %s",
             lane_fingerprint(ref->slot->hook, fingerprint), rest);
    assert_non_null(pending);
    assert_string_equal(pending->text, expected);
    answer(&rig->control, "gate", NOTHING);
}

/* What is asked behind the first word of this kind and how long ago it was. */
static const char *rest_of_gate(struct rig *rig, const char *kind)
{
    const char *at = strstr(STAILQ_FIRST(&rig->control.waiting)->text, kind);

    assert_non_null(at);
    at += strlen(kind);
    assert_in_range(strspn(at, "0123456789"), 1, 5);
    return strchr(at, ' ') + 1;
}

/* What is urgent is told at the loop's next turn. */
static void wait_for_gate(struct rig *rig)
{
    event_base_loop(loop_base(rig->loop), EVLOOP_NONBLOCK);
    assert_true(is_asked(&rig->control, "gate"));
}

static void state_of_the_same_hook_counts(void **state)
{
    static const struct {
        const char *fingerprint;
        const char *state;
        bool is_clear;
    } rows[] = {
        {NULL, "\"opens\":0", true},
        {NULL, "\"opens\":2", false},
        {NULL, "\"until\":1000", true},
        {NULL, "\"until\":61000", false},
        {NULL, "\"until\":2592001000", false}, /* 30 days */
        {NULL, "\"until\":2592001001", true},
        {NULL, "\"until\":\"61000\",\"opens\":true", true},
        {"00000000", "\"opens\":2,\"until\":61000,\"disabled\":true", true},
    };

    (void)state;
    for (size_t i = 0; i < LEN(rows); i++) {
        struct rig *rig = rig_new();
        struct hook_ref ref = read_hook(rig, rows[i].fingerprint, rows[i].state);

        assert_int_equal(registry_is_clear(rig->registry, &ref), rows[i].is_clear);
        assert_int_equal(hook_state_is_clear(&ref.slot->state, loop_now_ms()), rows[i].is_clear);
        assert_false(ref.slot->disabled);
        rig_free(rig);
    }
}

static void free_lane_ends_what_is_known_of_its_hook(void **state)
{
    struct rig *rig = rig_new();
    struct hook_ref ref = read_hook(rig, NULL, "\"opens\":2,\"until\":61000");

    (void)state;
    assert_false(registry_is_clear(rig->registry, &ref));
    registry_lane_is_free(rig->registry, "438/other", loop_now_ms());
    registry_lane_is_free(rig->registry, "439/main", loop_now_ms());
    registry_lane_is_free(rig->registry, "438/:0123456789abcdef", loop_now_ms());
    registry_lane_is_free(rig->registry, "no lane", loop_now_ms());
    assert_false(registry_is_clear(rig->registry, &ref));
    registry_lane_is_free(rig->registry, LANE, loop_now_ms());
    assert_true(registry_is_clear(rig->registry, &ref));
    rig_free(rig);
}

/* Redis was asked before this worker learnt it, or in the same millisecond. */
static void free_lane_is_no_news_of_what_was_learnt_since(void **state)
{
    struct rig *rig = rig_new();
    struct hook_ref ref = read_hook(rig, NULL, "\"opens\":0");
    int64_t learnt_ms;

    (void)state;
    registry_pause(rig->registry, &ref, 60000);
    assert_gate(rig, &ref, "pause 60000");
    assert_false(registry_is_clear(rig->registry, &ref));
    learnt_ms = ref.slot->state.changed_at_ms;
    registry_lane_is_free(rig->registry, LANE, learnt_ms - 1);
    registry_lane_is_free(rig->registry, LANE, learnt_ms);
    assert_false(registry_is_clear(rig->registry, &ref));
    registry_pause(rig->registry, &ref, 1000); /* never shortens it, nothing to tell */
    assert_true(STAILQ_EMPTY(&rig->control.waiting));
    registry_lane_is_free(rig->registry, LANE, learnt_ms + 1);
    assert_true(registry_is_clear(rig->registry, &ref));
    rig_free(rig);
}

/* A failed probe opens it once more, an answer closes it. */
static void probe_opens_and_closes_the_hook(void **state)
{
    static const struct hook_failure failure = {
        .was_probe = true, .status = 503, .error = "answered 503"};
    struct rig *rig = rig_new();
    struct hook_ref ref = read_hook(rig, NULL, "\"opens\":2");

    (void)state;
    registry_failed(rig->registry, &ref, &failure);
    assert_int_equal(ref.slot->state.opens, 3);
    assert_false(registry_is_clear(rig->registry, &ref));
    wait_for_gate(rig);
    assert_int_equal(strncmp(rest_of_gate(rig, " failed "), "1 503 answered 503 3 ", 21), 0);
    answer(&rig->control, "gate", NOTHING);
    registry_answered(rig->registry, &ref);
    assert_true(registry_is_clear(rig->registry, &ref));
    wait_for_gate(rig);
    assert_string_equal(rest_of_gate(rig, " ok "), "0");
    rig_free(rig);
}

/* Another worker may have reported the failure after this one read what is known of the hook. */
static void success_of_a_retry_is_reported(void **state)
{
    struct rig *rig = rig_new();
    struct hook_ref ref = read_hook(rig, NULL, "\"opens\":0");

    (void)state;
    registry_succeeded(rig->registry, &ref, false);
    event_base_loop(loop_base(rig->loop), EVLOOP_NONBLOCK);
    assert_true(STAILQ_EMPTY(&rig->control.waiting));
    registry_succeeded(rig->registry, &ref, true);
    while (STAILQ_EMPTY(&rig->control.waiting))
        event_base_loop(loop_base(rig->loop), EVLOOP_ONCE);
    assert_string_equal(rest_of_gate(rig, " ok "), "0");
    rig_free(rig);
}

static void probe_that_said_nothing_opens_its_gate_again(void **state)
{
    struct rig *rig = rig_new();

    (void)state;
    registry_probe_again(rig->registry, LANE, "01234567", 86400000, 250);
    assert_string_equal(STAILQ_FIRST(&rig->control.waiting)->text,
                        GATE_KEYS "  01234567 86400000 probe 250");
    rig_free(rig);
}

static void on_lane_changed(void *context, struct bytes lane)
{
    struct buffer *said = context;

    buffer_append_bytes(said, lane);
    buffer_append_char(said, ';');
}

#define LANE_ENTRY(id, lane) "*2\r\n$3\r\n" id "\r\n*2\r\n$4\r\nlane\r\n$3\r\n" lane "\r\n"

/* Also when it is the first of all news. */
static void news_of_lanes_are_reported(void **state)
{
    struct rig *rig = rig_new();
    struct buffer said;
    struct registry_rules rules = {.lane_changed = on_lane_changed, .context = &said};

    (void)state;
    buffer_init(&said, 100);
    registry_set_rules(rig->registry, &rules);
    make_cached(rig, "*1\r\n" LANE_ENTRY("5-0", "/:a"));
    look_up(rig, REGISTRY_CONTROL);
    answer(&rig->control, "XRANGE", "*2\r\n" LANE_ENTRY("5-0", "/:a") LANE_ENTRY("6-0", "/:b"));
    assert_true(bytes_equal_text(buffer_bytes(&said), "/:a;/:b;"));
    buffer_release(&said);
    rig_free(rig);
}

#define STATE_ENTRY(id)                                                                        \
    "*2\r\n$3\r\n" id "\r\n*6\r\n$4\r\nroom\r\n$3\r\n438\r\n$4\r\nhook\r\n$1\r\nb\r\n$2\r\nby" \
    "\r\n$1\r\nw\r\n"

/* But not those about a state that a worker learnt. With another connection all are reported again:
 * what came of them may be lost with the last one. */
static void news_of_hooks_are_reported(void **state)
{
    struct rig *rig = rig_new();
    struct buffer said;
    struct registry_rules rules = {.hook_changed = on_lane_changed, .context = &said};

    (void)state;
    buffer_init(&said, 100);
    registry_set_rules(rig->registry, &rules);
    make_cached(rig, "*2\r\n" STATE_ENTRY("4-0") ENTRY("5-0", "439"));
    look_up(rig, REGISTRY_CONTROL);
    answer(&rig->control, "XRANGE", "*2\r\n" ENTRY("5-0", "439") ENTRY("6-0", "440"));
    assert_true(bytes_equal_text(buffer_bytes(&said), "439/a;440/a;"));
    buffer_clear(&said);
    registry_link_up(rig->registry);
    assert_int_equal(registry_follow_read(rig->registry, &rig->reader, 1000, on_followed, rig), 0);
    answer(&rig->reader, "XRANGE", "*1\r\n" ENTRY("6-0", "440"));
    assert_true(bytes_equal_text(buffer_bytes(&said), "440/a;"));
    buffer_release(&said);
    rig_free(rig);
}

static void gone_is_told_once(void **state)
{
    struct rig *rig = rig_new();
    struct hook_ref ref = read_hook(rig, NULL, "\"opens\":0");

    (void)state;
    registry_gone(rig->registry, &ref);
    assert_true(ref.slot->disabled);
    assert_gate(rig, &ref, "gone");
    registry_gone(rig->registry, &ref);
    assert_true(STAILQ_EMPTY(&rig->control.waiting));
    rig_free(rig);
}

/* An admin changed the URL while the attempt ran. */
static void answer_of_the_former_hook_teaches_nothing(void **state)
{
    static const struct hook_failure failure = {
        .was_probe = true, .status = 503, .error = "answered 503"};
    struct rig *rig = rig_new();
    struct hook_ref ref = read_hook(rig, NULL, "\"opens\":0");
    struct hook *former;
    struct error_text why;

    (void)state;
    assert_int_equal(
        hook_parse(BYTES("main"), BYTES("{\"url\":\"https://b.test/x\"}"), &former, &why), HOOK_OK);
    struct hook_slot slot = {.hook = former, .state = {.is_failing = true, .opens = 1}};
    ref.slot = &slot;
    registry_failed(rig->registry, &ref, &failure);
    registry_pause(rig->registry, &ref, 60000);
    registry_gone(rig->registry, &ref);
    registry_answered(rig->registry, &ref);
    registry_succeeded(rig->registry, &ref, false);
    event_base_loop(loop_base(rig->loop), EVLOOP_NONBLOCK);
    assert_true(STAILQ_EMPTY(&rig->control.waiting));
    assert_false(rig->set->slots[0].disabled);
    assert_true(hook_state_is_clear(&rig->set->slots[0].state, loop_now_ms()));
    hook_free(former);
    rig_free(rig);
}

/* There is no room whose hooks could be read: what this worker knows is by its lane. */
static void inline_hook_is_known_by_its_lane(void **state)
{
    static const struct hook_failure failure = {.was_probe = true, .error = "connect"};
    static struct event event = {.has_inline_hooks = true, .room_id = ROOM_OF("438")};
    static const struct room_id none = {.len = 0};
    struct rig *rig = rig_new();
    struct hook_ref ref = read_hook(rig, NULL, "\"opens\":0");
    char lane[LANE_SIZE];

    (void)state;
    ref.is_inline = true;
    lane_of_inline(ref.slot->hook, &room_438, lane);
    assert_true(registry_is_clear(rig->registry, &ref));
    registry_failed(rig->registry, &ref, &failure);
    assert_false(registry_is_clear(rig->registry, &ref));
    ref.is_inline = false; /* the registered one is another */
    assert_true(registry_is_clear(rig->registry, &ref));
    ref.is_inline = true;
    ref.room_id = &none; /* so is that of events without a room */
    assert_true(registry_is_clear(rig->registry, &ref));
    registry_recall_inline(rig->registry, &event, rig->set);
    assert_int_equal(rig->set->slots[0].state.opens, 1);
    registry_lane_is_free(rig->registry, LANE, loop_now_ms() + 1);
    ref.room_id = &room_438;
    assert_false(registry_is_clear(rig->registry, &ref));
    registry_lane_is_free(rig->registry, lane, loop_now_ms() + 1);
    assert_true(registry_is_clear(rig->registry, &ref));
    rig_free(rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cached_room_answers_once_the_news_are_known),
        cmocka_unit_test(news_are_asked_for_once_for_all_that_come_together),
        cmocka_unit_test(what_the_reader_brings_needs_the_news_behind_it),
        cmocka_unit_test(missed_news_make_the_cache_void),
        cmocka_unit_test(more_news_than_are_told_at_once_make_the_cache_void),
        cmocka_unit_test(earlier_question_is_no_answer_to_what_changed_since),
        cmocka_unit_test(another_server_makes_the_cache_void),
        cmocka_unit_test(anew_is_what_was_asked_for_later),
        cmocka_unit_test(state_of_the_same_hook_counts),
        cmocka_unit_test(free_lane_ends_what_is_known_of_its_hook),
        cmocka_unit_test(free_lane_is_no_news_of_what_was_learnt_since),
        cmocka_unit_test(probe_opens_and_closes_the_hook),
        cmocka_unit_test(success_of_a_retry_is_reported),
        cmocka_unit_test(probe_that_said_nothing_opens_its_gate_again),
        cmocka_unit_test(news_of_lanes_are_reported),
        cmocka_unit_test(news_of_hooks_are_reported),
        cmocka_unit_test(gone_is_told_once),
        cmocka_unit_test(answer_of_the_former_hook_teaches_nothing),
        cmocka_unit_test(inline_hook_is_known_by_its_lane),
    };

    log_configure(LOG_ERROR + 1, LOG_LOGFMT);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
