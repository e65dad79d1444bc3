#include "admin/lane/look.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "admin/human_text.h"
#include "contract/json_object.h"
#include "contract/lane.h"
#include "contract/parse.h"

#define OLDEST_OF_LAST "19" /* the oldest is looked for in the next 20 */

int64_t lane_sent_ms(struct bytes delivery_id)
{
    char stream_id[RH_STREAM_ID_SIZE];
    char hook_id[RH_NAME_MAX + 1];
    uint64_t ms, seq;

    if (delivery_split(delivery_id, stream_id, hook_id) < 0 ||
        parse_stream_id(bytes_of(stream_id), &ms, &seq) < 0 || ms > INT64_MAX)
        return -1;
    return (int64_t)ms;
}

/* --- asking --- */

/* What is asked of a lane, in this order. */
enum query {
    QUERY_COUNT,
    QUERY_FIRST,
    QUERY_GATE,
    QUERY_STATE,
    QUERY_HOOK,
    QUERIES
};

static bool append(struct session *session, const char *name, const char *key, const char *field)
{
    const struct bytes args[] = {bytes_of(name), bytes_of(key), bytes_of(field)};

    return redis_append(session->redis, args, field ? 3 : 2) == RH_OK;
}

static bool append_queries(struct session *session, const struct lane_found *lane)
{
    const struct keys *keys = &session->keys;
    struct lane_parts parts = {0};
    char lane_key[KEY_SIZE];
    char room_key[KEY_SIZE];

    (void)lane_split(bytes_of(lane->name), &parts);
    keys_lane(keys, lane->name, lane_key);
    const struct bytes first[] = {BYTES("ZRANGE"), bytes_of(lane_key), BYTES("0"),
                                  BYTES(OLDEST_OF_LAST), BYTES("WITHSCORES")};
    bool ok = append(session, "ZCARD", lane_key, NULL) &&
              redis_append(session->redis, first, 5) == RH_OK &&
              append(session, "HGET", keys->gates, lane->name) &&
              append(session, "HGET", keys->hooks_state, lane->name) &&
              append(session, "HGET", keys_room(keys, &parts.room, room_key), parts.hook_id);
    if (!ok)
        session_redis_failed(session);
    return ok;
}

/* Of a key of a wrong type there is no reply, and no failure. */
static bool get_replies(struct session *session, struct reply *replies[QUERIES])
{
    bool ok = true;

    for (size_t i = 0; i < QUERIES; i++) {
        replies[i] = NULL;
        if (redis_get(session->redis, &replies[i]) != RH_OK &&
            redis_error_fault(session->redis) != FAULT_WRONGTYPE) {
            if (ok)
                session_redis_failed(session);
            ok = false;
        }
    }
    return ok;
}

/* --- reading --- */

static void read_first(const struct reply *pairs, struct lane_look *look, struct lane_facts *facts)
{
    facts->head_ms = lane_score_ms(reply_text(reply_at(pairs, 1)));
    for (size_t i = 0; i < reply_len(pairs); i += 2) {
        int64_t sent_ms = lane_sent_ms(reply_text(reply_at(pairs, i)));
        if (sent_ms >= 0 && (look->oldest_ms == 0 || sent_ms < look->oldest_ms))
            look->oldest_ms = sent_ms;
    }
}

static int read_look(const struct lane_found *lane, struct reply *const replies[QUERIES],
                     int64_t now_ms, struct lane_look *look)
{
    char fingerprint[HOOK_STATE_FINGERPRINT_SIZE];
    struct lane_parts parts = {.is_inline = true}; /* no lane's name: of no hook that is known */
    struct lane_facts facts = {.is_broken = replies[QUERY_COUNT] == NULL,
                               .has_hook = !reply_is_nil(replies[QUERY_HOOK])};
    struct hook *hook = NULL;
    struct error_text why;

    (void)lane_split(bytes_of(lane->name), &parts);
    facts.is_inline = parts.is_inline;
    if (!parts.is_inline && facts.has_hook &&
        hook_parse(bytes_of(parts.hook_id), reply_text(replies[QUERY_HOOK]), &hook, &why) ==
            HOOK_OK) {
        facts.is_disabled = !hook->enabled;
        facts.fingerprint = lane_fingerprint(hook, fingerprint);
    }
    look->waiting = reply_int(replies[QUERY_COUNT]);
    read_first(replies[QUERY_FIRST], look, &facts);
    (void)gate_parse(reply_text(replies[QUERY_GATE]), &facts.gate);
    hook_state_read(reply_text(replies[QUERY_STATE]), BYTES(""), NULL, &look->state);
    if (facts.fingerprint && strcmp(look->state.fingerprint, facts.fingerprint) != 0)
        look->state = (struct stored_state){0};
    look->condition = lane_condition_of(&facts, now_ms);
    look->url = strdup(hook ? hook->url_text : "");
    hook_free(hook);
    return look->url ? 0 : -1;
}

bool lanes_look(struct session *session, const struct lane_found *lanes, size_t len, int64_t now_ms,
                struct lane_look ret_looks[])
{
    bool ok = true;

    for (size_t i = 0; i < len; i++) {
        ret_looks[i] = (struct lane_look){0};
        if (!append_queries(session, &lanes[i]))
            return false;
    }
    for (size_t i = 0; i < len; i++) {
        struct reply *replies[QUERIES];
        bool got = get_replies(session, replies);
        if (got && read_look(&lanes[i], replies, now_ms, &ret_looks[i]) < 0) {
            session_failed(session, "out of memory");
            got = false;
        }
        ok &= got;
        for (size_t query = 0; query < QUERIES; query++)
            reply_free(replies[query]);
    }
    if (!ok)
        lanes_look_release(ret_looks, len);
    return ok;
}

void lanes_look_release(struct lane_look looks[], size_t len)
{
    for (size_t i = 0; i < len; i++)
        free(looks[i].url);
}

/* --- showing --- */

void lane_put_json(struct buffer *line, const struct lane_found *lane, const struct lane_look *look,
                   int64_t now_ms)
{
    struct lane_parts parts = {0};
    struct buffer why;

    object_put_text(line, "lane", bytes_of(lane->name));
    if (lane_split(bytes_of(lane->name), &parts) == 0) {
        if (parts.room.len > 0)
            object_put_room(line, "room", &parts.room);
        object_put_text(line, "hook", bytes_of(strchr(lane->name, '/') + 1));
    }
    object_put_int(line, "waiting", look->waiting);
    object_put_text(line, "state", bytes_of(lane_condition_name(look->condition)));
    object_put_bool(line, "shut", lane->is_shut);
    if (look->oldest_ms > 0)
        object_put_int(line, "oldest_at", look->oldest_ms);
    object_put_int(line, "next_at", lane->next_ms);
    buffer_init(&why, 1024);
    hook_state_put_why(&why, &look->state, hook_state_condition(&look->state, now_ms));
    if (why.len > 0)
        object_put_text(line, "why", buffer_bytes(&why));
    buffer_release(&why);
}

const char *lane_when(int64_t at_ms, int64_t now_ms, char *out)
{
    return human_when(at_ms > now_ms ? at_ms : now_ms, now_ms, out);
}
