#include "admin/hook/change.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "admin_lua.h"
#include "contract/json_text.h"

#define JSON_DEPTH (TEMPLATE_DEPTH_MAX + 2) /* deeper is refused with more words below */
#define SWAP_TRIES 20 /* somebody else changes the same hook at the same moment, again and again */

void hook_target_init(const struct session *session, struct hook_target *target,
                      const struct room_id *room, const char *id)
{
    *target = (struct hook_target){.room = *room, .id = id};
    keys_room(&session->keys, &target->room, target->room_key);
}

enum admin_result hook_target_missing(const struct session *session,
                                      const struct hook_target *target)
{
    return session_refused(session, ADMIN_MISSING, "room %s has no hook %s", target->room.text,
                           target->id);
}

/* Stores new in place of old. 1, 0 when another is stored by now, -1 with the failure
 * reported. */
static int swap(struct session *session, const struct hook_target *target, struct bytes old,
                struct bytes new)
{
    const struct bytes args[] = {BYTES("EVAL"),
                                 old.len > 0 ? BYTES(lua_hook_edit) : BYTES(lua_hook_swap),
                                 BYTES("2"),
                                 bytes_of(target->room_key),
                                 bytes_of(session->keys.hooks_changed),
                                 room_id_bytes(&target->room),
                                 bytes_of(target->id),
                                 old,
                                 new};
    struct reply *reply;

    if (!session_ask(session, args, 9, &reply))
        return -1;
    int swapped = reply_int(reply) == 1 ? 1 : 0;
    reply_free(reply);
    return swapped;
}

/* The hook's new JSON, checked as a worker will check it. */
static enum admin_result write_hook(struct session *session, const struct hook_target *target,
                                    json_t *hook, struct buffer *out, struct hook **ret_hook)
{
    struct error_text why;

    if (json_put_value(out, hook, JSON_DEPTH) < 0 || buffer_failed(out))
        return session_refused(session, ADMIN_INVALID,
                               "the hook is deeper or longer than a hook may be");
    if (hook_parse(bytes_of(target->id), buffer_bytes(out), ret_hook, &why) != HOOK_OK)
        return session_refused(session, ADMIN_INVALID,
                               "not stored, the hook would not be valid: %s", why.text);
    return ADMIN_DONE;
}

/* Has the hook that is stored now another URL or other credentials than old? */
static bool is_other(const struct hook_target *target, struct bytes old, const struct hook *now)
{
    struct hook *before = NULL;
    struct error_text why;
    bool other = hook_parse(bytes_of(target->id), old, &before, &why) != HOOK_OK ||
                 strcmp(before->fingerprint, now->fingerprint) != 0;

    hook_free(before);
    return other;
}

/* Changes what was read and tries to store it. *ret_hook is left alone when somebody was faster. */
static enum admin_result change_once(struct session *session, struct hook_target *target,
                                     hook_change_fn *change, void *context, struct bytes old,
                                     struct hook **ret_hook)
{
    struct buffer new;
    struct hook *hook = NULL;
    enum admin_result result;

    json_t *json = old.len > 0 ? json_loadb(old.data, old.len, 0, NULL) : json_object();
    if (!json_is_object(json)) {
        json_decref(json);
        return session_refused(session, ADMIN_CONFLICT,
                               "the stored hook is not a JSON object: remove it first");
    }
    buffer_init(&new, HOOK_JSON_MAX);
    result = change(session, target, json, context);
    if (result == ADMIN_DONE)
        result = write_hook(session, target, json, &new, &hook);
    int swapped = result == ADMIN_DONE ? swap(session, target, old, buffer_bytes(&new)) : -1;
    if (swapped == 1 && hook != NULL) {
        target->is_other = is_other(target, old, hook);
        *ret_hook = hook;
    } else {
        hook_free(hook);
        if (swapped < 0 && result == ADMIN_DONE)
            result = ADMIN_FAILED;
    }
    json_decref(json);
    buffer_release(&new);
    return result;
}

enum admin_result hook_change(struct session *session, struct hook_target *target,
                              hook_change_fn *change, void *context, enum hook_store_change then,
                              struct hook **ret_hook)
{
    const struct bytes args[] = {BYTES("HGET"), bytes_of(target->room_key), bytes_of(target->id)};
    struct hook_store_found found;

    for (int i = 0; i < SWAP_TRIES; i++) {
        struct hook *hook = NULL;
        struct reply *reply;
        if (!session_ask(session, args, 3, &reply))
            return ADMIN_FAILED;
        enum admin_result result =
            change_once(session, target, change, context, reply_text(reply), &hook);
        reply_free(reply);
        if (result != ADMIN_DONE)
            return result;
        if (!hook)
            continue;
        if (!hook_store_change(session, &target->room, target->id, then, &found)) {
            hook_free(hook);
            return session_failed(
                session, "the hook is stored, but what workers learnt about it, and when they "
                         "look at what waits for it, is as before");
        }
        target->waiting = found.waiting;
        *ret_hook = hook;
        return ADMIN_DONE;
    }
    return session_refused(session, ADMIN_CONFLICT, "other changes of the hook keep interfering");
}
