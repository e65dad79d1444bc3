#include "web/api_lane.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "admin/lane/find.h"
#include "admin/lane/look.h"
#include "admin/lane/record.h"
#include "contract/json_object.h"
#include "web/api_list.h"

#define NUMBER_SIZE 24

/* Some that were found next to each other. *ret_len: how many the answer had room for. */
static bool put_some(struct call *call, struct session *session, const struct lane_found *lanes,
                     size_t len, int64_t now_ms, size_t *ret_len)
{
    struct lane_look looks[SESSION_BATCH];
    struct buffer *out = &call->answer.body;
    size_t i;

    if (!lanes_look(session, lanes, len, now_ms, looks))
        return false;
    for (i = 0; i < len && !list_is_full(&call->answer); i++) {
        if (looks[i].waiting == 0 && looks[i].condition != LANE_BROKEN)
            continue; /* emptied since */
        list_next(&call->answer);
        object_begin(out);
        lane_put_json(out, &lanes[i], &looks[i], now_ms);
        object_end(out);
    }
    lanes_look_release(looks, len);
    *ret_len = i;
    return true;
}

/* *ret_len: how many of them were put, or were empty. */
static bool put_lanes(struct call *call, struct session *session, const struct lane_found *lanes,
                      size_t len, size_t *ret_len)
{
    int64_t now_ms;
    size_t at = 0;
    size_t put;
    size_t n;

    if (!session_server_time(session, &now_ms))
        return false;
    do {
        n = len - at < SESSION_BATCH ? len - at : SESSION_BATCH;
        if (!put_some(call, session, &lanes[at], n, now_ms, &put))
            return false;
        at += put;
    } while (at < len && put == n);
    *ret_len = at;
    return true;
}

static const char *place_of(const struct lane_found *lane, char out[LANE_PLACE_SIZE])
{
    struct lane_place place = {.score = lane->score};

    memcpy(place.name, lane->name, sizeof(place.name));
    return lane_place_text(&place, out);
}

/* One more than the page has says whether there is another page. */
void api_lanes(struct call *call, struct session *session)
{
    struct lane_selection selection = {.sets = LANES_ALL};
    size_t limit = (size_t)call_number(call, "limit", CALL_LIMIT_DEFAULT);
    const char *iterator = call_value(call, "iterator");
    struct lane_place after;
    struct lanes_found found;
    size_t shown;
    char next[LANE_PLACE_SIZE];

    if (call_value(call, "shut") != NULL)
        selection.sets = call_flag(call, "shut") ? LANES_SHUT : LANES_NOT_SHUT;
    if (iterator != NULL && lane_place_parse(bytes_of(iterator), &after) == 0)
        selection.after = &after;
    (void)snprintf(selection.pattern, sizeof(selection.pattern), "%s%s*", call->room.text,
                   call->room.len > 0 ? "/" : "");
    if (!lanes_find(session, &selection, limit + 1, &found))
        return;
    list_begin(&call->answer);
    if (put_lanes(call, session, found.list, found.len < limit ? found.len : limit, &shown))
        list_end(&call->answer, shown < found.len ? place_of(&found.list[shown - 1], next) : NULL);
    free(found.list);
}

void api_lane_deliveries(struct call *call, struct session *session)
{
    struct lane_record records[SESSION_BATCH];
    int64_t at = call_number(call, "iterator", 0);
    int64_t limit = call_number(call, "limit", CALL_LIMIT_DEFAULT);
    int64_t end = at <= INT64_MAX - limit ? at + limit : INT64_MAX;
    char lane[LANE_SIZE];
    char iterator[NUMBER_SIZE];
    size_t len = 1;

    (void)snprintf(lane, sizeof(lane), "%s/%s", call->room.text, call->hook_id);
    list_begin(&call->answer);
    while (at < end && len > 0 && !list_is_full(&call->answer)) {
        size_t most = end - at < SESSION_BATCH ? (size_t)(end - at) : SESSION_BATCH;
        if (!lane_records_read(session, lane, at, most, records, &len))
            return;
        for (size_t i = 0; i < len; i++) {
            list_next(&call->answer);
            object_begin(&call->answer.body);
            lane_record_put_json(&call->answer.body, &records[i]);
            object_end(&call->answer.body);
        }
        at += (int64_t)len;
    }
    (void)snprintf(iterator, sizeof(iterator), "%" PRId64, at);
    list_end(&call->answer, len > 0 ? iterator : NULL);
}
