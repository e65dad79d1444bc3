#include "admin/history/happened.h"

#include <inttypes.h>
#include <stdio.h>

#include "contract/json_object.h"
#include "contract/lane.h"
#include "contract/parse.h"

#define TEXT_MAX 256 /* workers write no longer ones */

static struct bytes field_of(const struct reply *fields, const char *name)
{
    struct bytes value = reply_text(reply_value(fields, name));

    return (struct bytes){value.data ? value.data : "",
                          value.len < TEXT_MAX ? value.len : TEXT_MAX};
}

static void put_lane(struct buffer *out, struct bytes lane)
{
    struct lane_parts parts;

    if (lane.len == 0)
        return;
    object_put_text(out, "lane", lane);
    if (lane_split(lane, &parts) != 0 || parts.is_inline)
        return;
    object_put_room(out, "room", &parts.room);
    object_put_text(out, "hook", bytes_of(parts.hook_id));
}

static void put_one(struct buffer *out, int64_t at_ms, const struct reply *fields)
{
    struct bytes worker = field_of(fields, "worker");
    struct bytes why = field_of(fields, "why");

    object_begin(out);
    object_put_int(out, "at_ms", at_ms);
    object_put_text(out, "kind", field_of(fields, "kind"));
    put_lane(out, field_of(fields, "lane"));
    if (worker.len > 0)
        object_put_text(out, "worker", worker);
    if (why.len > 0)
        object_put_text(out, "why", why);
    object_end(out);
}

bool happened_put(struct session *session, int64_t limit, bool (*next)(void *context),
                  void *context, struct buffer *out)
{
    char count[24];
    const struct bytes args[] = {
        BYTES("XREVRANGE"), bytes_of(session->keys.happened),
        BYTES("+"),         BYTES("-"),
        BYTES("COUNT"),     {count, (size_t)snprintf(count, sizeof(count), "%" PRId64, limit)}};
    struct reply *reply;
    uint64_t ms;
    uint64_t seq;

    if (!session_ask(session, args, 6, &reply))
        return false;
    for (size_t i = 0; i < reply_len(reply); i++) {
        const struct reply *entry = reply_at(reply, i);
        if (parse_stream_id(reply_text(reply_at(entry, 0)), &ms, &seq) != 0 || ms > INT64_MAX)
            continue;
        if (!next(context))
            break;
        put_one(out, (int64_t)ms, reply_at(entry, 1));
    }
    reply_free(reply);
    return true;
}
