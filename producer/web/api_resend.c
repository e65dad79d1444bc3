#include "web/api_resend.h"

#include <inttypes.h>

#include "admin/resend/task.h"
#include "contract/json_object.h"
#include "web/api_tasks.h"

/* False with the failure reported. */
static bool begin(const struct call *call, struct session *session, struct resend *resend)
{
    struct resend_range range = {
        .room = call->room, .hook = call_value(call, "hook"), .until_ms = RESEND_NO_END};
    int64_t now_ms;

    if (!session_server_time(session, &now_ms) ||
        !call_time(call, session, "since", now_ms, &range.since_ms) ||
        !call_time(call, session, "until", now_ms, &range.until_ms) ||
        !resend_begin(resend, session, &range, NULL))
        return false;
    if (resend->range.since_ms >= resend->range.until_ms)
        resend->ended = true; /* nothing is meant */
    return true;
}

static void put_counts(struct call *call, const struct resend_counts *counts, bool dry_run)
{
    object_begin(&call->answer.body);
    object_put_int(&call->answer.body, "count", counts->deliveries);
    object_put_int(&call->answer.body, "skipped", counts->gone + counts->removed);
    object_put_int(&call->answer.body, "failed", counts->unreadable);
    object_put_bool(&call->answer.body, "dry_run", dry_run);
    object_end(&call->answer.body);
}

void api_resend(struct call *call, struct session *session)
{
    int64_t expected = call_number(call, "expect", -1);
    bool dry_run = call_flag(call, "dry_run");
    struct resend_counts counts;
    struct resend resend;
    struct task task;

    if (!begin(call, session, &resend) || !resend_count(&resend, &counts))
        return;
    if (expected >= 0 && counts.deliveries != expected) {
        session_refused(session, ADMIN_CONFLICT,
                        "%" PRId64 " deliveries match, not %" PRId64 ": nothing was done",
                        counts.deliveries, expected);
    } else if (dry_run || counts.deliveries == 0) {
        put_counts(call, &counts, dry_run);
    } else {
        resend_task_of(&resend, counts.deliveries, &task);
        call_rate(call, &task.rate);
        api_make_task(call, session, &task);
    }
}
