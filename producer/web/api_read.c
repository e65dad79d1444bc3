#include "web/api_read.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "admin/doctor/examine.h"
#include "admin/hook/change.h"
#include "admin/hook/describe.h"
#include "admin/hook/list.h"
#include "admin/log/summary.h"
#include "contract/json_object.h"
#include "contract/lane.h"
#include "web/api_list.h"

#define NUMBER_SIZE 24
#define LOG_SUMMED_MAX 1000 /* entries, the newest */

void api_doctor(struct call *call, struct session *session)
{
    struct doctor *doctor = doctor_new();

    if (doctor == NULL)
        session_failed(session, "out of memory");
    else if (doctor_examine(session, doctor))
        doctor_put_json(&call->answer.body, session->keys.queue, &doctor->findings);
    doctor_free(doctor);
}

/* --- hooks --- */

struct hook_lister {
    struct call *call;
    struct room_id room;
    int64_t now_ms;
    size_t len;
};

void api_put_hook(struct buffer *out, const struct room_id *room, const struct hook *hook,
                  const struct stored_state *state, int64_t now_ms, bool shows_signature)
{
    hook_put_json(out, room, hook, shows_signature);
    hook_put_state(out, hook, state, now_ms);
}

void api_put_invalid(struct buffer *out, const struct room_id *room, struct bytes id,
                     const char *why)
{
    object_put_room(out, "room", room);
    object_put_text(out, "id", id);
    object_put_text(out, "state", BYTES("invalid"));
    object_put_text(out, "error", bytes_of(why));
}

static int put_listed(void *context, const struct hook_listed *listed)
{
    struct hook_lister *lister = context;
    struct buffer *out = &lister->call->answer.body;

    list_next(&lister->call->answer);
    object_begin(out);
    if (listed->hook != NULL) {
        api_put_hook(out, &lister->room, listed->hook, listed->state, lister->now_ms, false);
    } else {
        api_put_invalid(out, &lister->room, listed->id, listed->why);
    }
    object_end(out);
    lister->len++;
    return buffer_failed(out) ? -1 : 0;
}

void api_room_hooks(struct call *call, struct session *session)
{
    struct hook_lister lister = {.call = call, .room = call->room};

    if (!session_server_time(session, &lister.now_ms))
        return;
    list_begin(&call->answer);
    if (hooks_list(session, &call->room, put_listed, &lister))
        list_end(&call->answer, NULL);
}

/* The hooks of the rooms in one page of keys. False with the failure reported. */
static bool put_rooms(struct hook_lister *lister, struct session *session, const struct reply *keys,
                      size_t prefix_len)
{
    for (size_t i = 0; i < reply_len(keys); i++) {
        struct bytes key = reply_text(reply_at(keys, i));
        struct room_id room;
        if (key.len <= prefix_len ||
            room_id_of_text((struct bytes){key.data + prefix_len, key.len - prefix_len}, &room) < 0)
            continue;
        lister->room = room;
        if (!hooks_list(session, &room, put_listed, lister))
            return false;
    }
    return true;
}

/* Keys are walked until there are enough hooks: a page holds those of whole rooms. */
void api_hooks(struct call *call, struct session *session)
{
    struct hook_lister lister = {.call = call};
    int64_t limit = call_number(call, "limit", CALL_LIMIT_DEFAULT);
    const char *iterator = call_value(call, "iterator");
    char cursor[NUMBER_SIZE];
    char pattern[KEY_SIZE];
    struct reply *page;
    bool ok;

    (void)snprintf(cursor, sizeof(cursor), "%s", iterator != NULL ? iterator : "0");
    (void)snprintf(pattern, sizeof(pattern), "{%s}:room:*", session->keys.queue);
    ok = session_server_time(session, &lister.now_ms);
    list_begin(&call->answer);
    for (int pages = 0;
         ok && pages < 20 && lister.len < (size_t)limit && !list_is_full(&call->answer); pages++) {
        const struct bytes args[] = {BYTES("SCAN"),     bytes_of(cursor), BYTES("MATCH"),
                                     bytes_of(pattern), BYTES("COUNT"),   BYTES("100")};
        ok = session_ask(session, args, 6, &page);
        if (!ok)
            break;
        ok = bytes_copy_text(reply_text(reply_at(page, 0)), cursor, sizeof(cursor)) &&
             put_rooms(&lister, session, reply_at(page, 1), strlen(pattern) - 1);
        reply_free(page);
        if (strcmp(cursor, "0") == 0)
            break;
    }
    if (ok)
        list_end(&call->answer, strcmp(cursor, "0") == 0 ? NULL : cursor);
}

static bool put_waiting(struct call *call, struct session *session)
{
    char lane[LANE_SIZE];
    char lane_key[KEY_SIZE];
    struct reply *reply;

    keys_lane(&session->keys, lane_of(&call->room, call->hook_id, lane), lane_key);
    const struct bytes args[] = {BYTES("ZCARD"), bytes_of(lane_key)};
    if (!session_ask(session, args, 2, &reply))
        return false;
    object_put_int(&call->answer.body, "waiting", reply_int(reply));
    reply_free(reply);
    return true;
}

/* What its attempt log, which has a few hundred entries, says of it. */
static bool put_log(struct call *call, struct session *session)
{
    const struct log_filter filter = {.event_id = NULL};
    struct log_lanes lanes = {.list = NULL};
    struct log_entries entries = {.list = NULL};
    struct log_summary summary;
    struct buffer json;

    bool ok = log_lanes_find(session, &call->room, call->hook_id, &lanes) &&
              log_read(session, &lanes, &filter, LOG_SUMMED_MAX, &entries);
    if (ok && !log_summarize(&entries, &summary)) {
        session_failed(session, "out of memory");
        ok = false;
    }
    if (ok) {
        buffer_init(&json, 256);
        log_summary_put_json(&json, &summary);
        object_put_json(&call->answer.body, "log", buffer_bytes(&json));
        buffer_release(&json);
    }
    log_entries_release(&entries);
    log_lanes_release(&lanes);
    return ok;
}

static void put_hook(struct call *call, struct session *session, const struct hook *hook)
{
    struct buffer *out = &call->answer.body;
    struct stored_state state;
    int64_t now_ms;

    if (!hook_store_read(session, hook, &call->room, &state) ||
        !session_server_time(session, &now_ms))
        return;
    object_begin(out);
    api_put_hook(out, &call->room, hook, &state, now_ms, false);
    if (put_waiting(call, session) && put_log(call, session))
        object_end(out);
}

void api_hook(struct call *call, struct session *session)
{
    struct hook_target target;
    struct hook *hook = NULL;
    struct error_text why;
    struct reply *reply;

    hook_target_init(session, &target, &call->room, call->hook_id);
    const struct bytes args[] = {BYTES("HGET"), bytes_of(target.room_key), bytes_of(target.id)};
    if (!session_ask(session, args, 3, &reply))
        return;
    if (reply_is_nil(reply))
        hook_target_missing(session, &target);
    else if (hook_parse(bytes_of(target.id), reply_text(reply), &hook, &why) != HOOK_OK)
        session_refused(session, ADMIN_CONFLICT, "the stored hook is not valid: %s", why.text);
    else
        put_hook(call, session, hook);
    hook_free(hook);
    reply_free(reply);
}
