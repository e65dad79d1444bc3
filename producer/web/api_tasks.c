#include "web/api_tasks.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "admin/task/list.h"
#include "admin/task/store.h"
#include "web/api_list.h"

static const char *role_of(const struct call *call)
{
    return call->access.room.len > 0 ? "room" : "operate";
}

static bool is_meant(const struct call *call, const struct task *task)
{
    return call->room.len == 0 || room_id_equal(&call->room, &task->room);
}

void api_tasks(struct call *call, struct session *session)
{
    int64_t limit = call_number(call, "limit", CALL_LIMIT_DEFAULT);
    int64_t from = call_number(call, "iterator", 0);
    int64_t place = 0;
    char next[24] = "";
    struct task_list list;

    if (!task_list_read(session, &list))
        return;
    task_list_sort(&list);
    list_begin(&call->answer);
    for (size_t i = 0; i < list.len; i++) {
        if (!is_meant(call, &list.tasks[i]) || place++ < from)
            continue;
        if (place - from > limit) {
            (void)snprintf(next, sizeof(next), "%" PRId64, from + limit);
            break;
        }
        list_next(&call->answer);
        task_put_json(&call->answer.body, &list.tasks[i], list.now_ms);
    }
    list_end(&call->answer, next[0] != '\0' ? next : NULL);
    task_list_release(&list);
}

/* False with the failure reported. */
static bool read_task(const struct call *call, struct session *session, struct task *ret_task,
                      int64_t *ret_now_ms)
{
    struct task_list list;

    if (!task_list_read(session, &list))
        return false;
    const struct task *task = task_list_find(&list, call->task_id);
    bool found = task != NULL && is_meant(call, task);
    if (found)
        *ret_task = *task;
    else
        session_refused(session, ADMIN_MISSING, "there is no task %s", call->task_id);
    *ret_now_ms = list.now_ms;
    task_list_release(&list);
    return found;
}

void api_task(struct call *call, struct session *session)
{
    struct task task;
    int64_t now_ms;

    if (read_task(call, session, &task, &now_ms))
        task_put_json(&call->answer.body, &task, now_ms);
}

void api_cancel_task(struct call *call, struct session *session)
{
    struct task task;
    int64_t now_ms;

    if (!read_task(call, session, &task, &now_ms))
        return;
    if (call->access.room.len > 0 && strcmp(task.by, role_of(call)) != 0)
        session_refused(session, ADMIN_CONFLICT,
                        "an operator made this task: only an operator cancels it");
    else if (task_cancel(session, &task))
        task_put_json(&call->answer.body, &task, now_ms);
}

void api_make_task(struct call *call, struct session *session, struct task *task)
{
    (void)snprintf(task->by, sizeof(task->by), "%s", role_of(call));
    if (!task_add(session, task))
        return;
    call->answer.status = 202;
    task_put_json(&call->answer.body, task, task->made_at);
}
