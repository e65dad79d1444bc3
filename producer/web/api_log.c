#include "web/api_log.h"

#include <inttypes.h>
#include <stdio.h>

#include "admin/history/happened.h"
#include "admin/history/read.h"
#include "admin/log/json.h"
#include "contract/parse.h"
#include "web/api_list.h"

#define POINTS_DEFAULT 60

/* --- attempts --- */

static bool is_same_moment(const struct log_entry *one, const struct log_entry *other)
{
    return one->at_ms == other->at_ms && one->seq == other->seq;
}

/* The newest limit entries. The iterator is a moment, so what is of the same one, in logs of
 * several hooks, is on the same page. Returns how many are left. */
static size_t put_attempts(struct call *call, const struct log_entries *entries, size_t limit)
{
    size_t left = entries->len;

    for (; left > 0; left--, limit -= limit > 0) {
        const struct log_entry *entry = &entries->list[left - 1];
        bool is_next = left == entries->len || !is_same_moment(entry, entry + 1);
        if (is_next && (limit == 0 || list_is_full(&call->answer)))
            break;
        list_next(&call->answer);
        object_begin(&call->answer.body);
        log_entry_put_json(&call->answer.body, &call->room, entry);
        object_end(&call->answer.body);
    }
    return left;
}

/* Newest first. With hook NULL, of all hooks of the room. */
static void list_attempts(struct call *call, struct session *session, const char *hook,
                          struct log_filter filter)
{
    const char *iterator = call_value(call, "iterator");
    size_t limit = (size_t)call_number(call, "limit", CALL_LIMIT_DEFAULT);
    struct log_lanes lanes = {.list = NULL};
    struct log_entries entries = {.list = NULL};
    char last[RH_STREAM_ID_SIZE];

    filter.has_before = iterator != NULL && parse_stream_id(bytes_of(iterator), &filter.before_ms,
                                                            &filter.before_seq) == 0;
    list_begin(&call->answer);
    if (log_lanes_find(session, &call->room, hook, &lanes) &&
        log_read(session, &lanes, &filter, limit + LOG_LANES_MAX, &entries)) {
        size_t left = put_attempts(call, &entries, limit);
        if (left > 0)
            (void)snprintf(last, sizeof(last), "%" PRId64 "-%" PRIu64, entries.list[left].at_ms,
                           entries.list[left].seq);
        list_end(&call->answer, left > 0 ? last : NULL);
    }
    log_entries_release(&entries);
    log_lanes_release(&lanes);
}

void api_hook_deliveries(struct call *call, struct session *session)
{
    list_attempts(call, session, call->hook_id,
                  (struct log_filter){.failed_only = call_flag(call, "failed")});
}

void api_message(struct call *call, struct session *session)
{
    list_attempts(call, session, NULL, (struct log_filter){.event_id = call->event_id});
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

static bool next_happened(void *context)
{
    struct call *call = context;
    bool has_room = !list_is_full(&call->answer);

    if (has_room)
        list_next(&call->answer);
    return has_room;
}

void api_happened(struct call *call, struct session *session)
{
    list_begin(&call->answer);
    if (happened_put(session, call_number(call, "limit", CALL_LIMIT_DEFAULT), next_happened, call,
                     &call->answer.body))
        list_end(&call->answer, NULL);
}
