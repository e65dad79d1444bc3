#include "registry.h"

#define HASH_NONFATAL_OOM 1
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>

struct registry_room {
    UT_hash_handle hh;
    int64_t room_id;
    struct registry *registry;
    struct hook_set *set;   /* NULL until read */
    int64_t read_at_ms;     /* monotonic; when the question for it was sent */
    int64_t fresh_until_ms; /* monotonic */
    int64_t sent_at_ms;     /* of the question under way, or the last one */
    unsigned round;         /* how many answers there were */
    bool reading;
    bool is_due; /* in the registry's list of these */
    TAILQ_ENTRY(registry_room) due;
    struct hook_set *arriving; /* read, its state not yet */
    TAILQ_HEAD(, registry_query) queries;
};

struct registry {
    struct loop *loop;
    struct redis_link *link;
    const struct keys *keys;
    const struct scripts *scripts;
    struct registry_room *rooms;              /* uthash, in order of insertion */
    TAILQ_HEAD(due_rooms, registry_room) due; /* to be read when the timer fires */
    struct loop_timer due_timer;
};

static void read_due(void *context);

struct registry *registry_new(struct loop *loop, struct redis_link *link, const struct keys *keys,
                              const struct scripts *scripts)
{
    struct registry *registry = calloc(1, sizeof(*registry));
    if (registry == NULL)
        return NULL;
    registry->loop = loop;
    registry->link = link;
    registry->keys = keys;
    registry->scripts = scripts;
    TAILQ_INIT(&registry->due);
    if (loop_timer_init(loop, &registry->due_timer, read_due, registry) != 0) {
        free(registry);
        return NULL;
    }
    return registry;
}

static void not_due(struct registry_room *room)
{
    if (room->is_due)
        TAILQ_REMOVE(&room->registry->due, room, due);
    room->is_due = false;
}

static void room_free(struct registry_room *room)
{
    not_due(room);
    HASH_DEL(room->registry->rooms, room);
    hook_set_drop(room->set);
    hook_set_drop(room->arriving);
    free(room);
}

void registry_free(struct registry *registry)
{
    if (registry == NULL)
        return;
    while (registry->rooms != NULL)
        room_free(registry->rooms);
    loop_timer_release(&registry->due_timer);
    free(registry);
}

/* The oldest go first; one that is being asked for stays. */
static void make_space(struct registry *registry)
{
    struct registry_room *room;
    struct registry_room *next;
    HASH_ITER(hh, registry->rooms, room, next) {
        if (HASH_COUNT(registry->rooms) < REGISTRY_ROOMS_MAX)
            return;
        if (!room->reading && TAILQ_EMPTY(&room->queries))
            room_free(room);
    }
}

static struct registry_room *find_room(struct registry *registry, int64_t room_id)
{
    struct registry_room *room = NULL;
    HASH_FIND(hh, registry->rooms, &room_id, sizeof(room_id), room);
    return room;
}

static struct registry_room *add_room(struct registry *registry, int64_t room_id)
{
    struct registry_room *room = calloc(1, sizeof(*room));
    if (room == NULL)
        return NULL;
    make_space(registry);
    room->room_id = room_id;
    room->registry = registry;
    TAILQ_INIT(&room->queries);
    HASH_ADD(hh, registry->rooms, room_id, sizeof(room->room_id), room);
    if (find_room(registry, room_id) == NULL) { /* the table could not grow */
        free(room);
        return NULL;
    }
    return room;
}

static void read_room(struct registry_room *room);

/* Now, or a little later when the room was read only just now. */
static void read_soon(struct registry_room *room)
{
    struct registry *registry = room->registry;
    if (loop_now_ms() - room->sent_at_ms >= REGISTRY_PAUSE_MS) {
        read_room(room);
        return;
    }
    if (!room->is_due)
        TAILQ_INSERT_TAIL(&registry->due, room, due);
    room->is_due = true;
    if (!loop_timer_is_armed(&registry->due_timer))
        loop_timer_arm(&registry->due_timer, REGISTRY_PAUSE_MS);
}

static void read_due(void *context)
{
    struct registry *registry = context;
    struct registry_room *room;
    size_t left = 0;
    TAILQ_FOREACH(room, &registry->due, due)
        left++;
    /* Those that are due again at once come later. */
    while (left-- > 0 && (room = TAILQ_FIRST(&registry->due)) != NULL) {
        not_due(room);
        read_room(room);
    }
}

/* Gives every asker the answer, but for those who came after the question was sent and want a newer
 * one. An asker may ask again from its callback. */
static void answer(struct registry_room *room, struct hook_set *set)
{
    struct registry_query *query;
    room->round++;
    if (set != NULL)
        hook_set_keep(set);
    while ((query = TAILQ_FIRST(&room->queries)) != NULL && query->round != room->round) {
        TAILQ_REMOVE(&room->queries, query, link);
        if (set != NULL && query->since_ms > room->sent_at_ms) {
            query->round = room->round;
            TAILQ_INSERT_TAIL(&room->queries, query, link);
            continue;
        }
        query->room = NULL;
        query->fn(query->context, set);
    }
    hook_set_drop(set);
    room->reading = false; /* only now: a room that is not being read may be forgotten */
    if (!TAILQ_EMPTY(&room->queries))
        read_soon(room);
}

static void fail(struct registry_room *room)
{
    hook_set_drop(room->arriving);
    room->arriving = NULL;
    answer(room, NULL);
}

static void arrived(struct registry_room *room)
{
    hook_set_drop(room->set);
    room->set = room->arriving;
    room->arriving = NULL;
    room->read_at_ms = room->sent_at_ms;
    room->fresh_until_ms = loop_now_ms() + REGISTRY_TTL_MS;
    answer(room, room->set);
}

/* {"until":ms,"disabled":bool,"reason":"…"}; what cannot be read says nothing. */
static void apply_state(struct hook_slot *slot, struct bytes text)
{
    json_t *state = json_loadb(text.data == NULL ? "" : text.data, text.len, 0, NULL);
    const json_t *until = json_object_get(state, "until");
    if (json_is_integer(until))
        slot->paused_until_ms = json_integer_value(until);
    if (json_is_true(json_object_get(state, "disabled")))
        slot->disabled = true;
    json_decref(state);
}

static void on_state(void *context, const struct reply *reply)
{
    struct registry_room *room = context;
    size_t at = 0;
    if (!reply_is_list(reply)) {
        fail(room);
        return;
    }
    for (size_t i = 0; i < room->arriving->len; i++) {
        struct hook_slot *slot = &room->arriving->slots[i];
        if (slot->hook != NULL)
            apply_state(slot, reply_text(reply_at(reply, at++)));
    }
    arrived(room);
}

static void ask_state(struct registry_room *room)
{
    struct redis_args args;
    char field[HOOK_STATE_FIELD_SIZE];
    redis_args_init(&args);
    redis_args_text(&args, "HMGET");
    redis_args_text(&args, room->registry->keys->hooks_state);
    for (size_t i = 0; i < room->arriving->len; i++) {
        const struct hook *hook = room->arriving->slots[i].hook;
        if (hook != NULL)
            redis_args_copy(&args, bytes_of(hook_state_field(hook, room->room_id, field)));
    }
    if (args.len == 2)
        arrived(room); /* no hook that could have a state */
    else if (redis_link_send(room->registry->link, &args, REDIS_COMMAND_DEADLINE_MS, on_state,
                             room) != 0)
        fail(room);
    redis_args_release(&args);
}

static void read_slot(struct hook_slot *slot, struct bytes id, struct bytes json, bool too_many)
{
    struct error_text why = {""};
    if (!bytes_copy_text(id, slot->id, sizeof(slot->id))) {
        bytes_printable(id, slot->id, sizeof(slot->id));
        slot->problem = HOOK_BAD;
        error_text_set(&why, "the hook's id is longer than %d bytes", RH_NAME_MAX);
    } else if (too_many) {
        slot->problem = HOOK_BAD;
        error_text_set(&why, "the room has more than %d hooks", HOOKS_PER_ROOM_MAX);
    } else {
        slot->problem = hook_parse(id, json, &slot->hook, &why);
        slot->disabled = slot->hook != NULL && !slot->hook->enabled;
    }
    snprintf(slot->why, sizeof(slot->why), "%.199s", why.text);
}

static void on_hooks(void *context, const struct reply *reply)
{
    struct registry_room *room = context;
    size_t len = reply_len(reply) / 2;
    if (!reply_is_list(reply)) {
        fail(room);
        return;
    }
    struct hook_set *set = calloc(1, sizeof(*set) + len * sizeof(set->slots[0]));
    if (set == NULL) {
        fail(room);
        return;
    }
    set->references = 1;
    set->len = len;
    room->arriving = set;
    for (size_t i = 0; i < len; i++) {
        read_slot(&set->slots[i], reply_text(reply_at(reply, 2 * i)),
                  reply_text(reply_at(reply, 2 * i + 1)), i >= HOOKS_PER_ROOM_MAX);
        if (set->slots[i].problem == HOOK_NO_MEMORY) {
            fail(room);
            return;
        }
    }
    ask_state(room);
}

static void read_room(struct registry_room *room)
{
    struct redis_args args;
    char key[KEY_SIZE];
    room->reading = true;
    room->sent_at_ms = loop_now_ms();
    redis_args_init(&args);
    redis_args_text(&args, "HGETALL");
    redis_args_text(&args, keys_room(room->registry->keys, room->room_id, key));
    if (redis_link_send(room->registry->link, &args, REDIS_COMMAND_DEADLINE_MS, on_hooks, room) !=
        0)
        fail(room);
    redis_args_release(&args);
}

void registry_look_up(struct registry *registry, int64_t room_id, int64_t since_ms,
                      struct registry_query *query, registry_fn *fn, void *context)
{
    struct registry_room *room = find_room(registry, room_id);
    query->since_ms = since_ms;
    query->fn = fn;
    query->context = context;
    query->room = NULL;
    if (room == NULL)
        room = add_room(registry, room_id);
    if (room == NULL) {
        fn(context, NULL);
        return;
    }
    if (room->set != NULL && loop_now_ms() < room->fresh_until_ms && room->read_at_ms >= since_ms) {
        struct hook_set *set = room->set;
        hook_set_keep(set);
        fn(context, set);
        hook_set_drop(set);
        return;
    }
    query->room = room;
    query->round = room->round;
    TAILQ_INSERT_TAIL(&room->queries, query, link);
    if (!room->reading && !room->is_due)
        read_soon(room);
}

void registry_cancel(struct registry_query *query)
{
    if (query->room == NULL)
        return;
    TAILQ_REMOVE(&query->room->queries, query, link);
    query->room = NULL;
}

static void tell(struct registry *registry, int64_t room_id, const struct hook *hook,
                 int64_t until_ms, bool disabled, const char *reason)
{
    struct redis_args args;
    struct buffer json;
    char field[HOOK_STATE_FIELD_SIZE];
    buffer_init(&json, 512);
    buffer_append_format(&json, "{\"until\":%lld,\"disabled\":%s,\"reason\":\"%s\",\"at\":%lld}",
                         (long long)until_ms, disabled ? "true" : "false", reason,
                         (long long)loop_wall_ms());
    redis_args_init(&args);
    redis_args_text(&args, registry->keys->hooks_state);
    redis_args_text(&args, hook_state_field(hook, room_id, field));
    redis_args_int(&args, until_ms);
    redis_args_text(&args, disabled ? "1" : "0");
    redis_args_borrow(&args, buffer_bytes(&json));
    /* Ignoring a failure: the next answer of the receiver teaches the same again. */
    if (!buffer_failed(&json))
        (void)redis_link_eval(registry->link, &registry->scripts->script[SCRIPT_HOOK_STATE], 1,
                              &args, NULL, NULL);
    redis_args_release(&args);
    buffer_release(&json);
}

static struct hook_slot *cached_slot(struct registry *registry, int64_t room_id,
                                     const struct hook *hook)
{
    struct registry_room *room = find_room(registry, room_id);
    if (room == NULL || room->set == NULL)
        return NULL;
    struct hook_slot *slot = hook_set_find(room->set, bytes_of(hook->id));
    bool same = slot != NULL && slot->hook != NULL &&
                strcmp(slot->hook->fingerprint, hook->fingerprint) == 0;
    return same ? slot : NULL;
}

void registry_pause(struct registry *registry, int64_t room_id, const struct hook *hook,
                    int64_t until_ms)
{
    struct hook_slot *slot = cached_slot(registry, room_id, hook);
    if (slot != NULL && (slot->disabled || slot->paused_until_ms >= until_ms))
        return;
    if (slot != NULL)
        slot->paused_until_ms = until_ms;
    tell(registry, room_id, hook, until_ms, false, "retry-after");
}

void registry_disable(struct registry *registry, int64_t room_id, const struct hook *hook,
                      const char *reason)
{
    struct hook_slot *slot = cached_slot(registry, room_id, hook);
    if (slot != NULL && slot->disabled)
        return;
    if (slot != NULL)
        slot->disabled = true;
    tell(registry, room_id, hook, 0, true, reason);
}
