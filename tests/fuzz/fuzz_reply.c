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
#include "hooks/permits.h"
#include "hooks/registry.h"
#include "queue/intake.h"
#include "queue/leader.h"
#include "queue/liveness.h"
#include "queue/queue.h"
#include "queue/record.h"
#include "queue/retry_clock.h"
#include "queue/settle.h"
#include "redis/link_reader.h"
#include "redis/login.h"
#include "redis/sentinel.h"

#define REPLIES_MAX 64
#define TURNS_MAX 64
#define DIGITS_MAX 5 /* of a length: hiredis allocates for what an array's head declares */
#define CONSUMER "host-1-01234567"

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

static void on_retry(void *context, const struct claimed_retry *retry)
{
    struct record record;
    struct error_text why;

    (void)context;
    touch(retry->delivery_id);
    if (record_decode(retry->record, &record, &why) == 0)
        touch(record.document);
}

static size_t on_quotas(void *context, struct retry_quota out[RETRY_QUOTAS_MAX])
{
    (void)context;
    out[0] = (struct retry_quota){.room_id = 438, .hook_id = "main", .quota = 1, .push_ms = 1000};
    return 1;
}

static void on_pushed(void *context, const struct retry_quota *quota, size_t count)
{
    (void)context;
    (void)count;
    must(strcmp(quota->hook_id, "main") == 0);
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

static void on_permit(void *context, const struct permit *permit)
{
    (void)context;
    must(permit->says != PERMIT_WAIT || permit->wait_ms >= 0);
}

static void on_settled(void *context, struct settlement *settlement, bool ours)
{
    int *left = context;

    (void)ours;
    (*left)--;
    redis_args_release(&settlement->args);
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

static void on_adopt(void *context, int64_t min_idle_ms)
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

static void try_retry_clock(struct rig *rig)
{
    struct retry_clock_config config = {.queue = &rig->queue,
                                        .lease_ms = 20000,
                                        .room = on_room,
                                        .retry = on_retry,
                                        .quotas = on_quotas,
                                        .pushed = on_pushed};
    struct retry_clock *clock = retry_clock_new(rig->loop, &config);

    must(clock != NULL);
    retry_clock_up(clock);
    retry_clock_hint(clock, 0);
    for (int i = 0; i < 4; i++) {
        retry_clock_kick(clock);
        retry_clock_hint(clock, 0);
        run(rig);
        link_of_all.is_down = false;
    }
    retry_clock_free(clock);
}

static void try_intake(struct rig *rig)
{
    struct stream_taker taker = {.max_event_bytes = 1024,
                                 .dead_max = 10,
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
    intake_adopt(intake, 10000);
    run(rig);
    intake_free(intake);
}

static void try_registry(struct rig *rig)
{
    struct registry *registry = registry_new(rig->loop, &rig->queue, 1000);
    struct registry_query queries[2] = {{.waits_in = NULL}};

    must(registry != NULL);
    registry_link_up(registry);
    for (int i = 0; i < 3; i++) {
        (void)registry_follow_read(registry, &link_of_all, 1000, on_nothing, NULL);
        registry_look_up(registry, 438, REGISTRY_READER, registry_stamp(registry), &queries[0],
                         on_hooks, NULL);
        registry_look_up(registry, i == 2 ? 438 : -7, REGISTRY_CONTROL, registry_stamp(registry),
                         &queries[1], on_hooks, NULL);
        run(rig);
        registry_cancel(&queries[0]);
        registry_cancel(&queries[1]);
    }
    registry_free(registry);
}

static void try_liveness(struct rig *rig)
{
    struct leader_config of_leader = {.queue = &rig->queue,
                                      .ttl_ms = 15000,
                                      .suspect_claims = 3,
                                      .dead_max_bytes = 1 << 20,
                                      .adopt = on_adopt};
    struct leader *leader = leader_new(&of_leader);
    struct liveness_config config = {.queue = &rig->queue,
                                     .host = "host",
                                     .pool = "",
                                     .leader = leader,
                                     .ttl_ms = 15000,
                                     .in_flight = on_in_flight,
                                     .trouble = on_trouble,
                                     .ready = on_nothing,
                                     .alive = on_alive,
                                     .adopt = on_adopt,
                                     .refused = on_refused};
    struct liveness *liveness = liveness_new(rig->loop, &config);

    must(leader && liveness);
    liveness_link_up(liveness);
    leader_look_after(leader);
    run(rig);
    link_of_all.is_down = false;
    liveness_leave(liveness, on_nothing, NULL);
    run(rig);
    liveness_free(liveness);
    leader_free(leader);
}

static void try_settle(struct rig *rig)
{
    static const char *const ids[SETTLE_KINDS] = {"1-0", "1-1", "1-1/main"};
    int left = 0;
    struct settle_config config = {.queue = &rig->queue,
                                   .dead_max = 10,
                                   .done = on_settled,
                                   .refusal = on_nothing,
                                   .context = &left};
    struct settle *settle = settle_new(rig->loop, &config);
    struct settlement settlements[SETTLE_KINDS];

    must(settle != NULL);
    for (int kind = 0; kind < SETTLE_KINDS; kind++) {
        settlements[kind] = (struct settlement){.kind = (enum settle_kind)kind, .id = ids[kind]};
        redis_args_init(&settlements[kind].args);
        redis_args_text(&settlements[kind].args, "token");
        settle_submit(settle, &settlements[kind]);
        left++;
    }
    run(rig);
    must((int)settle_waiting(settle) == left);
    settle_free(settle);
    for (int kind = 0; kind < SETTLE_KINDS; kind++)
        redis_args_release(&settlements[kind].args);
}

static void try_permits(struct rig *rig)
{
    struct permits *permits = permits_new(rig->loop, &rig->queue);
    struct permit_query queries[2] = {
        {.kind = PERMIT_PROBE, .field = "438/main/01234567", .lease_ms = 1000},
        {.kind = PERMIT_PACE, .field = "438/main/01234567", .interval_us = 1000, .most_ms = 1000},
    };

    must(permits != NULL);
    for (int i = 0; i < 2; i++)
        permits_ask(permits, &queries[i], on_permit, NULL);
    run(rig);
    for (int i = 0; i < 2; i++)
        permits_cancel(&queries[i]);
    permits_free(permits);
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
    try_accessors, try_retry_clock, try_intake, try_registry, try_liveness, try_settle, try_permits,
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
