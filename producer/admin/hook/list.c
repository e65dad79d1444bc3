#include "admin/hook/list.h"

#include "contract/lane.h"

struct listing {
    struct session *session;
    const struct room_id *room;
    hook_listed_fn *fn;
    void *context;
};

/* 0, or -1: no memory. */
static int list_one(const struct listing *listing, struct bytes id, struct bytes json,
                    struct bytes learnt, struct bytes recent)
{
    char fingerprint[HOOK_STATE_FINGERPRINT_SIZE];
    struct hook *hook = NULL;
    struct stored_state state = {0};
    struct error_text why;
    struct hook_listed listed = {.id = id, .state = &state, .why = why.text};

    if (hook_parse(id, json, &hook, &why) == HOOK_OK) {
        listed.hook = hook;
        hook_state_read(learnt, recent, lane_fingerprint(hook, fingerprint), &state);
    }
    int result = listing->fn(listing->context, &listed);
    hook_free(hook);
    return result;
}

/* The states of some of a room's hooks, in their order. */
struct states {
    struct reply *learnt;
    struct reply *recent;
};

static bool ask_states(const struct listing *listing, const struct reply *hooks, size_t first,
                       size_t len, struct states *ret_states)
{
    const struct keys *keys = &listing->session->keys;
    struct bytes args[SESSION_BATCH + 2] = {BYTES("HMGET"), bytes_of(keys->hooks_state)};
    char lanes[SESSION_BATCH][LANE_SIZE];

    for (size_t i = 0; i < len; i++) {
        char id[RH_NAME_MAX + 1];
        bool is_name =
            bytes_copy_text(reply_text(reply_at(hooks, 2 * (first + i))), id, sizeof(id));
        args[2 + i] = is_name ? bytes_of(lane_of(listing->room, id, lanes[i])) : BYTES("");
    }
    if (!session_ask(listing->session, args, 2 + len, &ret_states->learnt))
        return false;
    args[1] = bytes_of(keys->hooks_recent);
    if (session_ask(listing->session, args, 2 + len, &ret_states->recent))
        return true;
    reply_free(ret_states->learnt);
    return false;
}

static bool list_some(const struct listing *listing, const struct reply *hooks, size_t first,
                      size_t len)
{
    struct states states;
    int result = 0;

    if (!ask_states(listing, hooks, first, len, &states))
        return false;
    for (size_t i = 0; i < len && result == 0; i++) {
        size_t at = 2 * (first + i);
        result = list_one(
            listing, reply_text(reply_at(hooks, at)), reply_text(reply_at(hooks, at + 1)),
            reply_text(reply_at(states.learnt, i)), reply_text(reply_at(states.recent, i)));
    }
    reply_free(states.learnt);
    reply_free(states.recent);
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
