#include "admin/hook/list.h"

#include <string.h>

#include "contract/lane.h"

struct listing {
    struct session *session;
    const struct room_id *room;
    hook_listed_fn *fn;
    void *context;
};

/* 0, or -1: no memory. */
static int list_one(const struct listing *listing, struct bytes id, struct bytes json,
                    struct bytes known)
{
    char fingerprint[HOOK_STATE_FINGERPRINT_SIZE];
    struct hook *hook = NULL;
    struct stored_state state = {0};
    struct error_text why;
    struct hook_listed listed = {.id = id, .state = &state, .why = why.text};

    if (hook_parse(id, json, &hook, &why) == HOOK_OK) {
        listed.hook = hook;
        hook_state_parse(known, &state);
        if (strcmp(state.fingerprint, lane_fingerprint(hook, fingerprint)) != 0)
            state = (struct stored_state){0}; /* of another URL, or with other credentials */
    }
    int result = listing->fn(listing->context, &listed);
    hook_free(hook);
    return result;
}

/* What workers learnt about some of a room's hooks, in their order. */
static bool ask_states(const struct listing *listing, const struct reply *hooks, size_t first,
                       size_t len, struct reply **ret_states)
{
    struct bytes args[SESSION_BATCH + 2] = {BYTES("HMGET"),
                                            bytes_of(listing->session->keys.hooks_state)};
    char lanes[SESSION_BATCH][LANE_SIZE];

    for (size_t i = 0; i < len; i++) {
        char id[RH_NAME_MAX + 1];
        bool is_name =
            bytes_copy_text(reply_text(reply_at(hooks, 2 * (first + i))), id, sizeof(id));
        args[2 + i] = is_name ? bytes_of(lane_of(listing->room, id, lanes[i])) : BYTES("");
    }
    return session_ask(listing->session, args, 2 + len, ret_states);
}

static bool list_some(const struct listing *listing, const struct reply *hooks, size_t first,
                      size_t len)
{
    struct reply *states;
    int result = 0;

    if (!ask_states(listing, hooks, first, len, &states))
        return false;
    for (size_t i = 0; i < len && result == 0; i++) {
        size_t at = 2 * (first + i);
        result = list_one(listing, reply_text(reply_at(hooks, at)),
                          reply_text(reply_at(hooks, at + 1)), reply_text(reply_at(states, i)));
    }
    reply_free(states);
    if (result < 0)
        session_failed(listing->session, "out of memory");
    return result == 0;
}

bool hooks_list(struct session *session, const struct room_id *room, hook_listed_fn *fn,
                void *context)
{
    const struct listing listing = {session, room, fn, context};
    const struct hook_listed no_hash = {.id = BYTES(""), .why = "the room's key is not a hash"};
    char room_key[KEY_SIZE];
    const struct bytes args[] = {BYTES("HGETALL"),
                                 bytes_of(keys_room(&session->keys, room, room_key))};
    struct reply *hooks;
    bool ok = true;

    if (redis_command(session->redis, args, 2, &hooks) != RH_OK) {
        if (redis_error_fault(session->redis) == FAULT_WRONGTYPE)
            return fn(context, &no_hash) == 0;
        session_redis_failed(session);
        return false;
    }
    size_t count = reply_len(hooks) / 2;
    for (size_t first = 0; first < count && ok; first += SESSION_BATCH)
        ok = list_some(&listing, hooks, first,
                       count - first < SESSION_BATCH ? count - first : SESSION_BATCH);
    reply_free(hooks);
    return ok;
}
