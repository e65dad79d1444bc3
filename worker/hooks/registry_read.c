#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "contract/lane.h"
#include "hooks/registry_internal.h"

static void fail(struct registry_room *room)
{
    hook_set_drop(room->arriving);
    room->arriving = NULL;
    registry_answer_room(room, NULL);
}

static void arrived(struct registry_room *room)
{
    struct registry *registry = room->registry;
    hook_set_drop(room->set);
    room->set = room->arriving;
    room->arriving = NULL;
    registry->bytes += room->arriving_bytes - room->bytes;
    room->bytes = room->arriving_bytes;
    room->read = room->sent;
    room->fresh_until_ms = room->sent_at_ms + REGISTRY_TTL_MS;
    registry_answer_room(room, room->set);
}

/* --- its hooks' state --- */

static void ask_states(struct registry_room *room);

#define PAUSE_MOST_MS (30 * INT64_C(86400000)) /* a later end is from before a clock went back */

/* From a time of the server to the monotonic clock; 0: none, or none that can be. */
static int64_t local_time(const json_t *state, const char *name, int64_t server_now_ms)
{
    int64_t at = json_integer_value(json_object_get(state, name));
    int64_t local = 0;
    if (at <= 0 || __builtin_sub_overflow(at, server_now_ms, &local) || local > PAUSE_MOST_MS ||
        __builtin_add_overflow(local, loop_now_ms(), &local))
        return 0;
    return local;
}

/* What cannot be read says nothing. */
static void apply_state(struct hook_slot *slot, struct bytes text, int64_t server_now_ms)
{
    json_t *state = json_loadb(text.data == NULL ? "" : text.data, text.len, 0, NULL);
    int64_t opens = json_integer_value(json_object_get(state, "opens"));
    const char *of = json_string_value(json_object_get(state, "fingerprint"));
    char fingerprint[HOOK_STATE_FINGERPRINT_SIZE];
    if (of == NULL || strcmp(of, lane_fingerprint(slot->hook, fingerprint)) != 0) {
        json_decref(state); /* of the hook as it was before */
        return;
    }
    slot->state = (struct hook_state){
        .paused_until_ms = local_time(state, "until", server_now_ms),
        .opens = opens > 0 && opens < INT16_MAX ? (int)opens
                 : opens > 0                    ? INT16_MAX
                                                : 0,
        .is_failing = json_object_get(state, "failing_since") != NULL,
    };
    if (json_is_true(json_object_get(state, "disabled")))
        slot->disabled = true;
    json_decref(state);
}

static void on_states(void *context, const struct reply *reply)
{
    struct registry_room *room = context;
    const struct reply *states = reply_at(reply, 1);
    int64_t server_now_ms = reply_int(reply_at(reply, 0));
    size_t at = 0;
    if (redis_fault_of(reply) == FAULT_NOSCRIPT) {
        ask_states(room);
        return;
    }
    if (!reply_is_list(states)) {
        fail(room);
        return;
    }
    for (size_t i = 0; i < room->arriving->len; i++) {
        struct hook_slot *slot = &room->arriving->slots[i];
        if (slot->hook != NULL)
            apply_state(slot, reply_text(reply_at(states, at++)), server_now_ms);
    }
    arrived(room);
}

static void ask_states(struct registry_room *room)
{
    struct queue *queue = room->registry->queue;
    struct redis_args args;
    char lane[LANE_SIZE];
    redis_args_init(&args);
    redis_args_text(&args, queue->keys.hooks_state);
    for (size_t i = 0; i < room->arriving->len; i++) {
        const struct hook *hook = room->arriving->slots[i].hook;
        if (hook != NULL)
            redis_args_copy(&args, bytes_of(lane_of(&room->room_id, hook->id, lane)));
    }
    if (args.len == 1)
        arrived(room); /* no hook that could have a state */
    else if (queue_call(queue, SCRIPT_HOOK_STATES, 1, &args, on_states, room) != 0)
        fail(room);
    redis_args_release(&args);
}

/* --- its hooks --- */

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

/* False: no memory. */
static bool read_slots(struct registry_room *room, const struct reply *reply)
{
    size_t len = reply_len(reply) / 2;
    struct hook_set *set = calloc(1, sizeof(*set) + len * sizeof(set->slots[0]));
    if (set == NULL)
        return false;
    set->references = 1;
    set->len = len;
    room->arriving = set;
    room->arriving_bytes = len * sizeof(set->slots[0]);
    for (size_t i = 0; i < len; i++) {
        struct bytes json = reply_text(reply_at(reply, 2 * i + 1));
        room->arriving_bytes += json.len;
        read_slot(&set->slots[i], reply_text(reply_at(reply, 2 * i)), json,
                  i >= HOOKS_PER_ROOM_MAX);
        if (set->slots[i].problem == HOOK_NO_MEMORY)
            return false;
    }
    return true;
}

static void on_hooks(void *context, const struct reply *reply)
{
    struct registry_room *room = context;
    if (!reply_is_list(reply))
        fail(room);
    else if (!read_slots(room, reply))
        fail(room);
    else
        ask_states(room);
}

void registry_read_room(struct registry_room *room)
{
    struct queue *queue = room->registry->queue;
    struct redis_args args;
    char key[KEY_SIZE];
    room->reading = true;
    room->sent = registry_stamp(room->registry);
    room->sent_at_ms = loop_now_ms();
    redis_args_init(&args);
    redis_args_text(&args, "HGETALL");
    redis_args_text(&args, keys_room(&queue->keys, &room->room_id, key));
    if (redis_link_send(queue->link, &args, REDIS_COMMAND_DEADLINE_MS, on_hooks, room) != 0)
        fail(room);
    redis_args_release(&args);
}
