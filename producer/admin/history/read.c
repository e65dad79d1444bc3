#include "admin/history/read.h"

#include <inttypes.h>
#include <stdio.h>

/* The last snapshot of a step; at_ms is 0 when there is none. False with the failure reported. */
static bool read_last(struct session *session, int64_t from_ms, int64_t step_ms,
                      struct history_snapshot *ret_snapshot)
{
    char from[24];
    char to[24];
    const struct bytes args[] = {
        BYTES("XREVRANGE"),
        bytes_of(session->keys.history),
        {to, (size_t)snprintf(to, sizeof(to), "%" PRId64, from_ms + step_ms - 1)},
        {from, (size_t)snprintf(from, sizeof(from), "%" PRId64, from_ms)},
        BYTES("COUNT"),
        BYTES("1")};
    struct reply *reply;

    if (!session_ask(session, args, 6, &reply))
        return false;
    history_snapshot_read(reply_at(reply, 0), ret_snapshot);
    reply_free(reply);
    return true;
}

bool history_read(struct session *session, int64_t step_ms, int64_t points, history_fn *fn,
                  void *context)
{
    struct history_snapshot before = {.at_ms = 0};
    struct history_snapshot after;
    int64_t now_ms;

    if (!session_server_time(session, &now_ms))
        return false;
    int64_t from_ms = (now_ms / step_ms - points) * step_ms;
    for (int64_t i = 0; i <= points; i++, from_ms += step_ms) {
        if (!read_last(session, from_ms > 0 ? from_ms : 0, step_ms, &after))
            return false;
        if (before.at_ms > 0 && after.at_ms > 0)
            fn(context, &before, &after);
        if (after.at_ms > 0)
            before = after;
    }
    return true;
}
