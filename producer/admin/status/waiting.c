#include "admin/status/waiting.h"

#include <inttypes.h>
#include <stdio.h>

#include "contract/lane.h"
#include "contract/parse.h"

#define LANES_LAST "199"    /* of each set: number 0 to 199 are looked into */
#define DELIVERIES_LAST "9" /* of each of these */

enum query {
    QUERY_DELIVERIES,
    QUERY_LANES,
    QUERY_SHUT,
    QUERY_DUE,
    QUERY_SHUT_DUE,
    QUERY_FIRST,
    QUERY_SHUT_FIRST,
    QUERIES
};

static bool ask(struct session *session, int64_t now_ms, struct status_answer answers[QUERIES],
                struct status_rights *missing)
{
    const struct bytes lanes = bytes_of(session->keys.lanes);
    const struct bytes shut = bytes_of(session->keys.lanes_shut);
    const struct bytes zero = BYTES("0");
    char now[24];

    (void)snprintf(now, sizeof(now), "%" PRId64, now_ms);
    const struct status_query queries[QUERIES] = {
        [QUERY_DELIVERIES] = {"+hlen", {BYTES("HLEN"), bytes_of(session->keys.deliveries)}},
        [QUERY_LANES] = {"+zcard", {BYTES("ZCARD"), lanes}},
        [QUERY_SHUT] = {"+zcard", {BYTES("ZCARD"), shut}},
        [QUERY_DUE] = {"+zcount", {BYTES("ZCOUNT"), lanes, BYTES("-inf"), bytes_of(now)}},
        [QUERY_SHUT_DUE] = {"+zcount", {BYTES("ZCOUNT"), shut, BYTES("-inf"), bytes_of(now)}},
        [QUERY_FIRST] = {"+zrange", {BYTES("ZRANGE"), lanes, zero, BYTES(LANES_LAST)}},
        [QUERY_SHUT_FIRST] = {"+zrange", {BYTES("ZRANGE"), shut, zero, BYTES(LANES_LAST)}},
    };

    return status_ask(session, queries, QUERIES, answers, missing);
}

static void note_oldest(struct status_waiting *waiting, const struct reply *deliveries)
{
    char stream_id[RH_STREAM_ID_SIZE];
    char hook_id[RH_NAME_MAX + 1];
    uint64_t ms, seq;

    for (size_t i = 0; i < reply_len(deliveries); i++) {
        if (delivery_split(reply_text(reply_at(deliveries, i)), stream_id, hook_id) < 0 ||
            parse_stream_id(bytes_of(stream_id), &ms, &seq) < 0 || ms > INT64_MAX)
            continue;
        if (waiting->oldest_ms == 0 || (int64_t)ms < waiting->oldest_ms)
            waiting->oldest_ms = (int64_t)ms;
    }
}

/* Looks into the first lanes of a set. */
static bool look_for_oldest(struct session *session, const struct reply *lanes,
                            struct status_waiting *waiting, struct status_rights *missing)
{
    char lane[LANE_SIZE];
    char lane_key[KEY_SIZE];
    size_t len = 0;
    bool failed = false;

    for (size_t i = 0; i < reply_len(lanes); i++) {
        if (!bytes_copy_text(reply_text(reply_at(lanes, i)), lane, sizeof(lane)))
            continue;
        const struct status_query query = {"+zrange",
                                           {BYTES("ZRANGE"),
                                            bytes_of(keys_lane(&session->keys, lane, lane_key)),
                                            BYTES("0"), BYTES(DELIVERIES_LAST)}};
        if (!status_append(session, &query))
            return false;
        len++;
    }
    for (size_t i = 0; i < len; i++) {
        struct status_answer deliveries;
        if (status_get(session, "+zrange", &deliveries, missing))
            note_oldest(waiting, deliveries.reply);
        else if (redis_error_fault(session->redis) != FAULT_WRONGTYPE) /* workers heal a lane */
            failed = true;
        reply_free(deliveries.reply);
    }
    if (failed)
        session_redis_failed(session);
    return !failed;
}

static void read_numbers(struct status_waiting *waiting, const struct status_answer *answers)
{
    waiting->deliveries = status_number(&answers[QUERY_DELIVERIES]);
    waiting->lanes_shut = status_number(&answers[QUERY_SHUT]);
    waiting->lanes = status_sum(status_number(&answers[QUERY_LANES]), waiting->lanes_shut);
    waiting->lanes_due =
        status_sum(status_number(&answers[QUERY_DUE]), status_number(&answers[QUERY_SHUT_DUE]));
}

bool status_waiting_read(struct session *session, int64_t now_ms,
                         struct status_waiting *ret_waiting, struct status_rights *missing)
{
    struct status_answer answers[QUERIES];
    struct status_waiting waiting = {0};

    bool ok = ask(session, now_ms, answers, missing);
    if (ok) {
        read_numbers(&waiting, answers);
        ok = look_for_oldest(session, answers[QUERY_FIRST].reply, &waiting, missing) &&
             look_for_oldest(session, answers[QUERY_SHUT_FIRST].reply, &waiting, missing);
    }
    status_free_answers(answers, QUERIES);
    *ret_waiting = waiting;
    return ok;
}
