#include "cli/status/waiting.h"

#include <inttypes.h>
#include <stdio.h>

#include "cli/status/ask.h"
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

static bool append_queries(struct cli *cli, int64_t now_ms)
{
    const struct bytes lanes = bytes_of(cli->keys.lanes);
    const struct bytes shut = bytes_of(cli->keys.lanes_shut);
    const struct bytes zero = BYTES("0");
    char now[24];

    (void)snprintf(now, sizeof(now), "%" PRId64, now_ms);
    const struct status_query queries[QUERIES] = {
        [QUERY_DELIVERIES] = {{BYTES("HLEN"), bytes_of(cli->keys.deliveries)}},
        [QUERY_LANES] = {{BYTES("ZCARD"), lanes}},
        [QUERY_SHUT] = {{BYTES("ZCARD"), shut}},
        [QUERY_DUE] = {{BYTES("ZCOUNT"), lanes, BYTES("-inf"), bytes_of(now)}},
        [QUERY_SHUT_DUE] = {{BYTES("ZCOUNT"), shut, BYTES("-inf"), bytes_of(now)}},
        [QUERY_FIRST] = {{BYTES("ZRANGE"), lanes, zero, BYTES(LANES_LAST)}},
        [QUERY_SHUT_FIRST] = {{BYTES("ZRANGE"), shut, zero, BYTES(LANES_LAST)}},
    };

    return status_append(cli, queries, QUERIES);
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
static bool look_for_oldest(struct cli *cli, const struct reply *lanes,
                            struct status_waiting *waiting)
{
    char lane[LANE_SIZE];
    char lane_key[KEY_SIZE];
    size_t len = 0;
    bool failed = false;

    for (size_t i = 0; i < reply_len(lanes); i++) {
        if (!bytes_copy_text(reply_text(reply_at(lanes, i)), lane, sizeof(lane)))
            continue;
        const struct status_query query = {{BYTES("ZRANGE"),
                                            bytes_of(keys_lane(&cli->keys, lane, lane_key)),
                                            BYTES("0"), BYTES(DELIVERIES_LAST)}};
        if (!status_append(cli, &query, 1))
            return false;
        len++;
    }
    for (size_t i = 0; i < len; i++) {
        struct reply *deliveries = NULL;
        if (redis_get(cli->redis, &deliveries) == RH_OK)
            note_oldest(waiting, deliveries);
        else if (redis_error_fault(cli->redis) != FAULT_WRONGTYPE) /* workers heal a lane */
            failed = true;
        reply_free(deliveries);
    }
    if (failed)
        cli_redis_failed(cli);
    return !failed;
}

bool status_waiting_read(struct cli *cli, int64_t now_ms, struct status_waiting *ret_waiting)
{
    struct reply *replies[QUERIES] = {NULL};
    struct status_waiting waiting = {0};

    bool ok = append_queries(cli, now_ms) && status_get_replies(cli, replies, QUERIES);
    if (ok) {
        waiting.deliveries = reply_int(replies[QUERY_DELIVERIES]);
        waiting.lanes_shut = reply_int(replies[QUERY_SHUT]);
        waiting.lanes = reply_int(replies[QUERY_LANES]) + waiting.lanes_shut;
        waiting.lanes_due = reply_int(replies[QUERY_DUE]) + reply_int(replies[QUERY_SHUT_DUE]);
        ok = look_for_oldest(cli, replies[QUERY_FIRST], &waiting) &&
             look_for_oldest(cli, replies[QUERY_SHUT_FIRST], &waiting);
    }
    status_free_replies(replies, QUERIES);
    *ret_waiting = waiting;
    return ok;
}
