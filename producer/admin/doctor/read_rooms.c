/* The walk over the queue's keys: rooms with their hooks, and workers. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "admin/doctor/ask.h"
#include "admin/doctor/judge.h"
#include "admin/doctor/read.h"
#include "admin_lua.h"
#include "contract/lane.h"

#define KEYS_A_PAGE 1000
#define KEYS_MAX 20000000 /* of all keys of the database: a walk over this many takes a minute */
#define ROOMS_MAX 200000
#define ROOMS_A_SCRIPT 50
#define BYTES_A_SCRIPT "4194304" /* of hooks in one reply */
#define STATES_A_COMMAND 100
#define ROOM_PREFIX "{%s}:room:"

#define TEXT_OF_(number) #number
#define TEXT_OF(number) TEXT_OF_(number)

/* Hooks whose state is to be asked for. */
struct state_queries {
    struct state_query {
        struct room_id room;
        char hook_id[RH_NAME_MAX + 1];
        char lane[LANE_SIZE];
        char fingerprint[HOOK_STATE_FINGERPRINT_SIZE];
    } list[STATES_A_COMMAND];
    size_t len;
};

struct rooms_walk {
    struct session *session;
    struct doctor_facts *facts;
    struct findings *findings;
    struct worker_names *names;
    char rooms[ROOMS_A_SCRIPT][KEY_SIZE]; /* keys whose hooks are to be looked at */
    size_t rooms_len;
    struct state_queries states;
};

/* --- hooks --- */

static bool ask_states(struct rooms_walk *walk)
{
    struct bytes args[2 + STATES_A_COMMAND] = {BYTES("HMGET"),
                                               bytes_of(walk->session->keys.hooks_state)};
    struct state_queries *states = &walk->states;
    struct reply *reply;
    size_t len = states->len;

    states->len = 0;
    if (len == 0)
        return true;
    for (size_t i = 0; i < len; i++)
        args[2 + i] = bytes_of(states->list[i].lane);
    enum ask_result result =
        doctor_ask(walk->session, walk->facts, ASK_HOOK_STATES, args, 2 + len, &reply);
    if (result != ASK_ANSWERED)
        return result == ASK_REFUSED;
    for (size_t i = 0; i < len; i++)
        judge_hook_state(walk->findings, &states->list[i].room, states->list[i].hook_id,
                         states->list[i].fingerprint, reply_text(reply_at(reply, i)));
    reply_free(reply);
    return true;
}

static bool look_at_hook(struct rooms_walk *walk, const struct room_id *room, struct bytes id,
                         const struct reply *stored)
{
    struct state_queries *states = &walk->states;
    struct bytes json = reply_text(stored);

    walk->facts->rooms.hooks++;
    if (!json.data) /* too long, so that only its length came */
        json = (struct bytes){"", (size_t)reply_int(stored)};
    struct hook *hook = judge_hook(walk->findings, room, id, json);
    if (!hook)
        return true;
    struct state_query *query = &states->list[states->len++];
    query->room = *room;
    memcpy(query->hook_id, hook->id, sizeof(query->hook_id));
    lane_of(room, hook->id, query->lane);
    lane_fingerprint(hook, query->fingerprint);
    hook_free(hook);
    return states->len < STATES_A_COMMAND || ask_states(walk);
}

/* --- rooms --- */

static struct bytes behind(struct bytes text, const char *prefix)
{
    size_t len = strlen(prefix);

    if (text.len < len || memcmp(text.data, prefix, len) != 0)
        return (struct bytes){NULL, 0};
    return (struct bytes){text.data + len, text.len - len};
}

static bool look_at_room(struct rooms_walk *walk, struct bytes name, const struct reply *reply)
{
    const struct reply *hooks = reply_at(reply, 3);
    struct key_fact key = {.pttl_ms = reply_int(reply_at(reply, 1))};
    struct room_id room;

    bytes_printable(reply_text(reply_at(reply, 0)), key.type, sizeof(key.type));
    if (strcmp(key.type, "none") == 0) /* removed since */
        return true;
    walk->facts->rooms.rooms++;
    judge_room(walk->findings, name, &key, reply_int(reply_at(reply, 2)));
    if (room_id_of_text(name, &room) < 0)
        return true;
    for (size_t i = 0; i + 1 < reply_len(hooks); i += 2) {
        if (!look_at_hook(walk, &room, reply_text(reply_at(hooks, i)), reply_at(hooks, i + 1)))
            return false;
    }
    return true;
}

/* The room of a key that take_key kept. */
static struct bytes room_of(const struct rooms_walk *walk, const char *key)
{
    char prefix[KEY_SIZE];

    (void)snprintf(prefix, sizeof(prefix), ROOM_PREFIX, walk->session->keys.queue);
    return behind(bytes_of(key), prefix);
}

/* Looks at the rooms that were found; the script may end before the last, when there is much. */
static bool look_at_rooms(struct rooms_walk *walk)
{
    size_t done = 0;

    while (done < walk->rooms_len) {
        struct bytes args[ROOMS_A_SCRIPT + 3];
        struct reply *reply;
        size_t len = 0;
        for (size_t i = done; i < walk->rooms_len; i++)
            args[len++] = bytes_of(walk->rooms[i]);
        args[len] = BYTES(TEXT_OF(HOOK_JSON_MAX));
        args[len + 1] = BYTES(TEXT_OF(HOOKS_PER_ROOM_MAX));
        args[len + 2] = BYTES(BYTES_A_SCRIPT);
        enum ask_result result =
            doctor_ask_script(walk->session, walk->facts, ASK_ROOMS, BYTES(lua_look_rooms), len,
                              args, len + 3, &reply);
        bool ok = result == ASK_ANSWERED;
        for (size_t i = 0; ok && i < reply_len(reply) && i < len; i++)
            ok = look_at_room(walk, room_of(walk, walk->rooms[done + i]), reply_at(reply, i));
        if (result != ASK_ANSWERED)
            return result == ASK_REFUSED;
        done += reply_len(reply);
        reply_free(reply);
        if (!ok)
            return false;
    }
    walk->rooms_len = 0;
    return ask_states(walk);
}

/* --- keys --- */

static bool take_key(struct rooms_walk *walk, struct bytes key)
{
    const struct rooms_facts *facts = &walk->facts->rooms;
    struct worker_names *names = walk->names;
    char prefix[KEY_SIZE];

    struct bytes consumer = behind(key, keys_worker(&walk->session->keys, "", prefix));
    if (consumer.len > 0 && names->len < DOCTOR_WORKERS_MAX &&
        bytes_copy_text(consumer, names->names[names->len], CONSUMER_NAME_SIZE))
        names->len++;
    (void)snprintf(prefix, sizeof(prefix), ROOM_PREFIX, walk->session->keys.queue);
    if (!behind(key, prefix).data || facts->rooms >= ROOMS_MAX)
        return true;
    if (!bytes_copy_text(key, walk->rooms[walk->rooms_len], KEY_SIZE))
        return true; /* longer than any room's: no event leads there */
    walk->rooms_len++;
    return walk->rooms_len < ROOMS_A_SCRIPT || look_at_rooms(walk);
}

static enum ask_result walk_keys(struct rooms_walk *walk)
{
    struct rooms_facts *facts = &walk->facts->rooms;
    char pattern[KEY_SIZE];
    char cursor[24] = "0";

    (void)snprintf(pattern, sizeof(pattern), "{%s}:*", walk->session->keys.queue);
    do {
        const struct bytes args[] = {BYTES("SCAN"),  bytes_of(cursor),
                                     BYTES("MATCH"), bytes_of(pattern),
                                     BYTES("COUNT"), BYTES(TEXT_OF(KEYS_A_PAGE))};
        struct reply *reply;
        if (facts->rooms >= ROOMS_MAX || facts->keys >= KEYS_MAX) {
            facts->cut = true;
            break;
        }
        enum ask_result result = doctor_ask(walk->session, walk->facts, ASK_KEYS, args, 6, &reply);
        if (result != ASK_ANSWERED)
            return result;
        const struct reply *keys = reply_at(reply, 1);
        bool ok = bytes_copy_text(reply_text(reply_at(reply, 0)), cursor, sizeof(cursor));
        for (size_t i = 0; ok && i < reply_len(keys); i++)
            ok = take_key(walk, reply_text(reply_at(keys, i)));
        reply_free(reply);
        if (!ok)
            return ASK_BROKEN;
        facts->keys += KEYS_A_PAGE;
        session_progress(walk->session, "keys looked at", (uint64_t)facts->keys);
    } while (strcmp(cursor, "0") != 0);
    return look_at_rooms(walk) ? ASK_ANSWERED : ASK_BROKEN;
}

bool doctor_read_rooms(struct session *session, struct doctor_facts *facts,
                       struct findings *findings, struct worker_names *ret_names)
{
    struct rooms_walk *walk = calloc(1, sizeof(*walk));

    if (!walk) {
        session_failed(session, "out of memory");
        return false;
    }
    walk->session = session;
    walk->facts = facts;
    walk->findings = findings;
    walk->names = ret_names;
    enum ask_result result = walk_keys(walk);
    session_progress_end(session);
    free(walk);
    return result != ASK_BROKEN;
}
