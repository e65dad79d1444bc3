/*
 * Any bytes as what Redis answers. The first byte picks a part of the worker; its commands go to a
 * connection of ours that gives them the replies in the input, one after the other, and none when
 * the input is used up. The part must bear every shape of reply, and what it hands on must be
 * readable.
 */
#include "fuzz.h"

#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "base/log.h"
#include "hooks/registry.h"
#include "queue/intake.h"
#include "queue/lanes.h"
#include "queue/leader.h"
#include "queue/liveness.h"
#include "queue/queue.h"
#include "queue/record.h"
#include "queue/settle.h"
#include "redis/link_reader.h"
#include "redis/login.h"
#include "redis/sentinel.h"

#define REPLIES_MAX 64
#define TURNS_MAX 64
#define DIGITS_MAX 5 /* of a length: hiredis allocates for what an array's head declares */
#define CONSUMER "host-1-01234567"

static const struct room_id room = {.len = 3, .text = "438"};
static const struct room_id other_room = {.len = 8, .text = "!a:b.org"};

static void must(bool truth)
{
    if (!truth)
        abort();
}

/* Reads every byte, so that AddressSanitizer sees one that is not there. */
static void touch(struct bytes text)
{
    volatile char sum = 0;

    for (size_t i = 0; i < text.len; i++)
        sum = (char)(sum + text.data[i]);
}

/* --- the connection --- */

struct pending {
    STAILQ_ENTRY(pending) link;
    redis_reply_fn *fn;
    void *context;
};

struct redis_link {
    STAILQ_HEAD(, pending) waiting;
    bool is_down;
};

static struct redis_link link_of_all;

int redis_link_send(struct redis_link *link, const struct redis_args *args, int64_t deadline_ms,
                    redis_reply_fn *fn, void *context)
{
    struct pending *pending = calloc(1, sizeof(*pending));

    (void)deadline_ms;
    must(pending && !redis_args_failed(args));
    if (link->is_down) {
        free(pending);
        return -1;
    }
    for (size_t i = 0; i < args->len; i++)
        touch(redis_args_at(args, i));
    *pending = (struct pending){.fn = fn, .context = context};
    STAILQ_INSERT_TAIL(&link->waiting, pending, link);
    return 0;
}

int redis_link_say(struct redis_link *link, redis_reply_fn *fn, void *context, const char *words)
{
    struct redis_args args;
    int result;

    redis_args_init(&args);
    redis_args_text(&args, words);
    result = redis_link_send(link, &args, 0, fn, context);
    redis_args_release(&args);
    return result;
}

int redis_link_eval(struct redis_link *link, const struct redis_script *script, int keys_len,
                    const struct redis_args *args, redis_reply_fn *fn, void *context)
{
    must(script->text[0] != '\0' && keys_len >= 0 && (size_t)keys_len <= args->len);
    return redis_link_send(link, args, 0, fn, context);
}

bool redis_link_is_up(const struct redis_link *link)
{
    return !link->is_down;
}

void redis_link_drop(struct redis_link *link, const char *why)
{
    touch(bytes_of(why));
    link->is_down = true;
}

/* --- what the parts hand on --- */

static size_t on_room(void *context)
{
    (void)context;
    return 10;
}

static bool on_follow(void *context)
{
    (void)context;
    return true;
}

static bool on_knows(void *context, struct bytes id)
{
    (void)context;
    touch(id);
    return id.len % 2 == 1;
}

static void on_entry(void *context, const struct stream_entry *entry)
{
    (void)context;
    touch(entry->id);
    touch(entry->json);
    touch(entry->msgpack);
    touch(entry->event_id);
    touch(entry->hook);
    touch(entry->traceparent);
}

static void on_due(void *context, const struct due_lane *lane)
{
    struct lane_parts parts;

    (void)context;
    touch(lane->name);
    if (lane_split(lane->name, &parts) == 0)
        must(parts.is_inline == (parts.hook_id[0] == '\0'));
}

static void on_claimed(void *context, const struct claimed_delivery *claimed)
{
    struct record record;
    struct error_text why;

    (void)context;
    must(claimed->wish && claimed->answer && strlen(claimed->fence) < FENCE_SIZE);
    must(strncmp(claimed->fence, CONSUMER ":", sizeof(CONSUMER)) == 0);
    touch(claimed->id);
    touch(claimed->document);
    must(claimed->has_document == (claimed->document.len > 0));
    if (claimed->has_record && record_decode(claimed->record, &record, &why) == 0)
        touch(record.document);
}

static void on_answered(void *context, const struct lane_wish *wish,
                        const struct lane_answer *answer)
{
    int *left = context;

    must(strcmp(wish->lane, "438/main") == 0 || strcmp(wish->lane, "/:0123456789abcdef") == 0);
    must(answer->word <= LANE_UNKNOWN);
    (*left)--;
}

static void on_hooks(void *context, struct hook_set *set)
{
    (void)context;
    for (size_t i = 0; set && i < set->len; i++) {
        struct hook_slot *slot = &set->slots[i];

        touch(bytes_of(slot->id));
        touch(bytes_of(slot->why));
        must((slot->hook == NULL) == (slot->problem != HOOK_OK));
    }
}

/* The hooks of the room fail, and so on: all that is told the other workers. */
static void on_hooks_to_try(void *context, struct hook_set *set)
{
    static const struct hook_failure failure = {
        .was_probe = true, .timed_out = true, .status = 503, .error = "answered 503"};
    struct registry *registry = context;
    char lane[LANE_SIZE];

    for (size_t i = 0; set && i < set->len; i++) {
        struct hook_ref ref = {.room_id = &room, .slot = &set->slots[i]};

        if (!ref.slot->hook)
            continue;
        registry_failed(registry, &ref, &failure);
        must(!registry_is_clear(registry, &ref));
        registry_answered(registry, &ref);
        registry_pause(registry, &ref, 1000);
        registry_lane_is_free(registry, lane_of(&room, ref.slot->id, lane), loop_now_ms() + 1);
        must(registry_is_clear(registry, &ref));
        registry_gone(registry, &ref);
        registry_succeeded(registry, &ref, false);
        ref.is_inline = true;
        registry_failed(registry, &ref, &failure);
    }
}

static void on_put(void *context, struct settlement *settlement, struct settle_batch *batch)
{
    struct redis_args *args = settle_args(batch);

    (void)context;
    must(settlement->kind != SETTLE_ACK);
    redis_args_int(args, settle_lane(batch, "438/main", "01234567", 1000));
    redis_args_int(args, settle_lane(batch, settlement->id.data, "-", 0));
    redis_args_int(args, settle_holders(batch, settlement->id.data));
}

static void on_overflow(void *context, const char *lane, int64_t count)
{
    (void)context;
    (void)count;
    touch(bytes_of(lane));
}

static void on_settled(void *context, struct settlement *settlement, bool ours)
{
    int *left = context;

    (void)ours;
    must(settlement->owner == context);
    settlement->owner = NULL; /* a second time would be seen */
    (*left)--;
}

static struct liveness_trouble on_trouble(void *context)
{
    (void)context;
    return (struct liveness_trouble){.fault = "oom", .what = "", .unstored = 1};
}

static size_t on_in_flight(void *context)
{
    (void)context;
    return 1;
}

static void on_nothing(void *context)
{
    (void)context;
}

static void on_alive(void *context, const struct liveness_beat *beat)
{
    (void)context;
    must(beat->until_ms > 0 && beat->redis_ms > 0);
}

static void on_reclaim(void *context, int64_t min_idle_ms)
{
    (void)context;
    must(min_idle_ms >= 0);
}

static void on_refused(void *context, const char *why)
{
    (void)context;
    touch(bytes_of(why));
    must(bytes_is_utf8(bytes_of(why)));
}

/* --- one part after the other --- */

struct rig {
    struct loop *loop;
    struct queue queue;
    struct counters counters;
    redisReader *reader;
    struct reply_memory replies;
};

/* The next whole reply; NULL when there is none, or it is not the protocol. */
static void *next_reply(struct rig *rig)
{
    void *reply = NULL;

    return redisReaderGetReply(rig->reader, &reply) == REDIS_OK ? reply : NULL;
}

/* Answers what waits, and lets the loop do what is due, until neither makes anything new. */
static void run(struct rig *rig)
{
    int replies = 0;

    for (int turn = 0; turn < TURNS_MAX; turn++) {
        struct pending *pending = STAILQ_FIRST(&link_of_all.waiting);

        event_base_loop(loop_base(rig->loop), EVLOOP_NONBLOCK);
        if (!pending)
            continue;
        STAILQ_REMOVE_HEAD(&link_of_all.waiting, link);
        void *reply = replies++ < REPLIES_MAX && !link_of_all.is_down ? next_reply(rig) : NULL;
        if (pending->fn)
            pending->fn(pending->context, reply);
        reply_memory_clear(&rig->replies);
        free(pending);
    }
    link_of_all.is_down = true;
    while (!STAILQ_EMPTY(&link_of_all.waiting)) {
        struct pending *pending = STAILQ_FIRST(&link_of_all.waiting);

        STAILQ_REMOVE_HEAD(&link_of_all.waiting, link);
        if (pending->fn)
            pending->fn(pending->context, NULL);
        free(pending);
    }
}

/* Answers a look, and what was claimed meanwhile. */
static void try_lanes(struct rig *rig)
{
    static const struct lane_wish wishes[] = {
        {.lane = "438/main",
         .fingerprint = "01234567",
         .mode = CLAIM_DUE,
         .count = 2,
         .lease_ms = 20000,
         .max_age_ms = 1000,
         .interval_us = 100},
        {.lane = "/:0123456789abcdef", .fingerprint = "-", .mode = CLAIM_ALL, .count = 2},
    };
    int left = 0;
    struct lanes_config config = {.room = on_room,
                                  .shut_room = on_room,
                                  .due = on_due,
                                  .claimed = on_claimed,
                                  .answered = on_answered,
                                  .context = &left};
    struct lanes *lanes = lanes_new(rig->loop, &rig->queue, &config);

    must(lanes != NULL);
    lanes_up(lanes);
    event_base_loop(loop_base(rig->loop), EVLOOP_ONCE); /* until it looks */
    must(!STAILQ_EMPTY(&link_of_all.waiting));
    for (int i = 0; i < 2; i++) {
        left += 2;
        lanes_claim(lanes, wishes, 2);
        lanes_hint(lanes, i == 0 ? 0 : INT64_MAX);
        run(rig);
        must(left == 0);
        link_of_all.is_down = false;
        lanes_kick(lanes);
    }
    lanes_stop(lanes);
    must(lanes_is_stopped(lanes));
    lanes_free(lanes);
}

static void try_intake(struct rig *rig)
{
    struct stream_taker taker = {.max_event_bytes = 1024,

                                 .room = on_room,
                                 .follow = on_follow,
                                 .knows = on_knows,
                                 .entry = on_entry};
    struct intake *intake = intake_new(rig->loop, &rig->queue, &link_of_all, &taker);

    must(intake != NULL);
    intake_control_up(intake);
    intake_reader_up(intake);
    run(rig);
    link_of_all.is_down = false;
    intake_followed(intake);
    intake_reclaim(intake, 10000);
    run(rig);
    intake_free(intake);
}

static const struct registry_rules rules = {.disable_after_ms = 1000, .max_age_ms = 86400000};

static void try_registry(struct rig *rig)
{
    struct registry *registry = registry_new(rig->loop, &rig->queue, &rules);
    struct registry_query queries[2] = {{.waits_in = NULL}};

    must(registry != NULL);
    registry_link_up(registry);
    for (int i = 0; i < 3; i++) {
        (void)registry_follow_read(registry, &link_of_all, 1000, on_nothing, NULL);
        registry_look_up(registry, &room, REGISTRY_READER, registry_stamp(registry), &queries[0],
                         on_hooks, NULL);
        registry_look_up(registry, i == 2 ? &room : &other_room, REGISTRY_CONTROL,
                         registry_stamp(registry), &queries[1], on_hooks, NULL);
        run(rig);
        registry_cancel(&queries[0]);
        registry_cancel(&queries[1]);
    }
    registry_free(registry);
}

static void try_liveness(struct rig *rig)
{
    struct convert *convert = convert_new(rig->loop, &rig->queue);
    struct leader_config of_leader = {.queue = &rig->queue,
                                      .convert = convert,
                                      .ttl_ms = 15000,
                                      .suspect_claims = 3,
                                      .caps = {.dead_max_bytes = 1 << 20},
                                      .alert_hook = BYTES("{}"),
                                      .alert_lane = "/:",
                                      .reclaim = on_reclaim};
    struct leader *leader = leader_new(&of_leader);
    struct liveness_config config = {.queue = &rig->queue,
                                     .host = "host",
                                     .pool = "",
                                     .leader = leader,
                                     .convert = convert,
                                     .ttl_ms = 15000,
                                     .in_flight = on_in_flight,
                                     .trouble = on_trouble,
                                     .ready = on_nothing,
                                     .alive = on_alive,
                                     .reclaim = on_reclaim,
                                     .refused = on_refused};
    struct liveness *liveness = liveness_new(rig->loop, &config);

    must(convert && leader && liveness);
    liveness_link_up(liveness);
    leader_look_after(leader);
    run(rig);
    link_of_all.is_down = false;
    liveness_leave(liveness, on_nothing, NULL);
    run(rig);
    liveness_free(liveness);
    leader_free(leader);
    convert_free(convert);
}

static void try_settle(struct rig *rig)
{
    static const char *const ids[SETTLE_KINDS] = {"1-0", "1-1", "0000000000001-000001/main"};
    int left = 0;
    struct settle_config config = {
        .caps = {.dead_max = 10, .dead_max_bytes = 1 << 20, .lane_max = 10},
        .put = on_put,
        .settled = on_settled,
        .overflow = on_overflow,
        .refusal = on_nothing,
        .context = &left};
    struct settle *settle = settle_new(rig->loop, &rig->queue, &config);
    struct settlement settlements[SETTLE_KINDS];

    must(settle != NULL);
    for (int kind = 0; kind < SETTLE_KINDS; kind++) {
        settlements[kind] = (struct settlement){.kind = (enum settle_kind)kind,
                                                .id = bytes_of(ids[kind]),
                                                .bytes = 100,
                                                .lane = "438/main",
                                                .fence = "w:1",
                                                .owner = &left};
        settle_submit(settle, &settlements[kind]);
        left++;
    }
    run(rig);
    must((int)settle_waiting(settle) == left);
    link_of_all.is_down = false;
    settle_resume(settle);
    run(rig);
    must((int)settle_waiting(settle) == left);
    settle_free(settle);
}

static void try_gates(struct rig *rig)
{
    struct registry *registry = registry_new(rig->loop, &rig->queue, &rules);
    struct registry_query query = {.waits_in = NULL};

    must(registry != NULL);
    registry_look_up(registry, &room, REGISTRY_CONTROL, registry_stamp(registry), &query,
                     on_hooks_to_try, registry);
    run(rig);
    registry_cancel(&query);
    registry_free(registry);
}

/* --- the accessors alone --- */

static void walk(const struct reply *reply, int depth)
{
    must(depth < 16);
    touch(reply_text(reply));
    touch(reply_error_text(reply));
    (void)reply_int(reply);
    must(reply_is_list(reply) || reply_len(reply) == 0);
    must(!reply_is_nil(reply) || !reply_is_text(reply));
    must(!reply_at(reply, reply_len(reply)) && !reply_at(reply, SIZE_MAX));
    for (size_t i = 0; i < reply_len(reply); i++)
        walk(reply_at(reply, i), depth + 1);
}

/* What both clients make of the replies to a greeting and of a Sentinel's. */
static void try_judges(const struct reply *reply)
{
    struct redis_host master;
    struct error_text why = {""};

    for (int step = 0; step < LOGIN_STEPS; step++) {
        enum redis_fault fault = login_judge((enum login_step)step, reply, &why);
        must(fault == FAULT_NONE || fault == redis_fault_of(reply) ||
             (step == LOGIN_ROLE && fault == FAULT_READONLY));
        touch(bytes_of(why.text));
    }
    if (sentinel_judge_login(reply, &why) != 0)
        must(reply_is_error(reply));
    if (sentinel_judge(reply, &master, &why) == 0)
        must(reply_len(reply) >= 2 && master.name[0] != '\0' && master.port > 0);
    touch(bytes_of(why.text));
}

static void try_accessors(struct rig *rig)
{
    void *reply;

    walk(NULL, 0);
    for (int i = 0; i < REPLIES_MAX && (reply = next_reply(rig)) != NULL; i++) {
        must(redis_fault_of(reply) < FAULTS);
        try_judges(reply);
        walk(reply, 0);
        reply_memory_clear(&rig->replies);
    }
}

static void (*const parts[])(struct rig *rig) = {
    try_accessors, try_lanes, try_intake, try_registry, try_liveness, try_settle, try_gates,
};

/* hiredis 0.14 allocates what the head of an array declares, before there is anything in it. */
static bool declares_too_much(const uint8_t *data, size_t size)
{
    for (size_t i = 0; i + 1 < size; i++) {
        size_t digits = 0;

        while (data[i] == '*' && i + 1 + digits < size && data[i + 1 + digits] >= '0' &&
               data[i + 1 + digits] <= '9')
            digits++;
        if (digits > DIGITS_MAX)
            return true;
    }
    return false;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct rig rig = {.loop = NULL};

    if (size == 0 || declares_too_much(data, size))
        return 0;
    log_configure(LOG_ERROR + 1, LOG_LOGFMT);
    STAILQ_INIT(&link_of_all.waiting);
    link_of_all.is_down = false;
    rig.loop = loop_new();
    reply_memory_init(&rig.replies);
    rig.reader = redis_reader_new(&rig.replies);
    must(rig.loop && rig.reader && queue_init(&rig.queue, "webhooks") == 0);
    rig.queue.link = &link_of_all;
    rig.queue.consumer = CONSUMER;
    rig.queue.counters = &rig.counters;
    redisReaderFeed(rig.reader, (const char *)data + 1, size - 1);
    parts[data[0] % (sizeof(parts) / sizeof(parts[0]))](&rig);
    redisReaderFree(rig.reader);
    reply_memory_release(&rig.replies);
    loop_free(rig.loop);
    return 0;
}
