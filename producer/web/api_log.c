#include "web/api_log.h"

#include <inttypes.h>
#include <stdio.h>

#include "admin/history/read.h"
#include "admin/log/json.h"
#include "web/api_list.h"

#define MESSAGE_ATTEMPTS_MAX 2000 /* of all hooks of its room */
#define POINTS_DEFAULT 60

/* --- attempts --- */

static void put_attempts(struct call *call, const struct log_entries *entries)
{
    for (size_t i = entries->len; i > 0; i--) {
        list_next(&call->answer);
        object_begin(&call->answer.body);
        log_entry_put_json(&call->answer.body, &call->room, &entries->list[i - 1]);
        object_end(&call->answer.body);
    }
}

/* Newest first. With hook NULL, of all hooks of the room. */
static void list_attempts(struct call *call, struct session *session, const char *hook,
                          const struct log_filter *filter, size_t limit)
{
    struct log_lanes lanes = {.list = NULL};
    struct log_entries entries = {.list = NULL};

    list_begin(&call->answer);
    if (log_lanes_find(session, &call->room, hook, &lanes) &&
        log_read(session, &lanes, filter, limit, &entries)) {
        put_attempts(call, &entries);
        list_end(&call->answer, NULL);
    }
    log_entries_release(&entries);
    log_lanes_release(&lanes);
}

void api_hook_deliveries(struct call *call, struct session *session)
{
    const struct log_filter filter = {.failed_only = call_flag(call, "failed")};

    list_attempts(call, session, call->hook_id, &filter,
                  (size_t)call_number(call, "limit", CALL_LIMIT_DEFAULT));
}

void api_message(struct call *call, struct session *session)
{
    const struct log_filter filter = {.event_id = call->event_id};

    list_attempts(call, session, NULL, &filter, MESSAGE_ATTEMPTS_MAX);
}

/* --- history --- */

static void put_point(void *context, const struct history_snapshot *before,
                      const struct history_snapshot *after)
{
    struct call *call = context;

    list_next(&call->answer);
    history_put_point(&call->answer.body, before, after);
}

void api_history(struct call *call, struct session *session)
{
    list_begin(&call->answer);
    if (history_read(session, call_number(call, "step", 1) * HISTORY_STEP_MS,
                     call_number(call, "points", POINTS_DEFAULT), put_point, call))
        list_end(&call->answer, NULL);
}
