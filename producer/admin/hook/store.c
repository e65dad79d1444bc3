#include "admin/hook/store.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "admin_lua.h"
#include "contract/lane.h"

#define DUE_A_CALL "500"
#define FROM_SIZE 48 /* a score */

static bool ask_field(struct session *session, const char *key, const char *field,
                      struct reply **ret_reply)
{
    const struct bytes args[] = {BYTES("HGET"), bytes_of(key), bytes_of(field)};

    return session_ask(session, args, 3, ret_reply);
}

bool hook_store_read(struct session *session, const struct hook *hook, const struct room_id *room,
                     struct stored_state *ret_state)
{
    char lane[LANE_SIZE];
    char fingerprint[HOOK_STATE_FINGERPRINT_SIZE];
    struct reply *learnt;
    struct reply *recent;

    (void)lane_of(room, hook->id, lane);
    if (!ask_field(session, session->keys.hooks_state, lane, &learnt))
        return false;
    bool asked = ask_field(session, session->keys.hooks_recent, lane, &recent);
    if (asked) {
        hook_state_read(reply_text(learnt), reply_text(recent), lane_fingerprint(hook, fingerprint),
                        ret_state);
        reply_free(recent);
    }
    reply_free(learnt);
    return asked;
}

bool hook_store_change(struct session *session, const struct room_id *room, const char *hook_id,
                       enum hook_store_change change, struct hook_store_found *ret_found)
{
    static const char *const words[] = {
        [HOOK_STORE_FORGET] = "forget", [HOOK_STORE_RESUME] = "resume", [HOOK_STORE_LOOK] = "look"};
    const struct keys *keys = &session->keys;
    char lane[LANE_SIZE];
    char lane_key[KEY_SIZE];
    struct reply *reply;

    keys_lane(keys, lane_of(room, hook_id, lane), lane_key);
    const struct bytes args[] = {BYTES("EVAL"),
                                 BYTES(lua_hook_forget),
                                 BYTES("7"),
                                 bytes_of(keys->hooks_state),
                                 bytes_of(keys->hooks_recent),
                                 bytes_of(keys->hooks_changed),
                                 bytes_of(keys->gates),
                                 bytes_of(keys->lanes),
                                 bytes_of(keys->lanes_shut),
                                 bytes_of(lane_key),
                                 room_id_bytes(room),
                                 bytes_of(hook_id),
                                 bytes_of(words[change])};
    if (!session_ask(session, args, sizeof(args) / sizeof(args[0]), &reply))
        return false;
    ret_found->known = reply_int(reply_at(reply, 0)) == 1;
    ret_found->waiting = reply_int(reply_at(reply, 1));
    reply_free(reply);
    return true;
}

/* from is "" at first, and at the end. */
static bool make_page_due(struct session *session, const char *lane_key, char from[FROM_SIZE],
                          int64_t *ret_due)
{
    const struct keys *keys = &session->keys;
    const struct bytes args[] = {BYTES("EVAL"),
                                 BYTES(lua_hook_resume),
                                 BYTES("4"),
                                 bytes_of(keys->lanes),
                                 bytes_of(keys->lanes_shut),
                                 bytes_of(keys->leases),
                                 bytes_of(lane_key),
                                 bytes_of(from),
                                 BYTES(DUE_A_CALL)};
    struct reply *reply;

    if (!session_ask(session, args, sizeof(args) / sizeof(args[0]), &reply))
        return false;
    *ret_due = reply_int(reply_at(reply, 0));
    (void)bytes_copy_text(reply_text(reply_at(reply, 1)), from, FROM_SIZE);
    reply_free(reply);
    return true;
}

bool hook_store_make_due(struct session *session, const struct room_id *room, const char *hook_id)
{
    char lane[LANE_SIZE];
    char lane_key[KEY_SIZE];
    char from[FROM_SIZE] = "";
    uint64_t sum = 0;
    int64_t due;
    bool done;

    keys_lane(&session->keys, lane_of(room, hook_id, lane), lane_key);
    do {
        done = make_page_due(session, lane_key, from, &due);
        sum += done ? (uint64_t)due : 0;
        session_progress(session, "retries made due", sum);
    } while (done && from[0] != '\0');
    session_progress_end(session);
    return done;
}
