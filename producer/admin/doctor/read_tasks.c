/* The bulk tasks. */
#include <stdio.h>
#include <string.h>

#include "admin/doctor/ask.h"
#include "admin/doctor/read.h"
#include "admin/task/list.h"
#include "admin_lua.h"

static void note(struct task_example *example, const struct task *task)
{
    if (example->count++ == 0)
        (void)snprintf(example->id, sizeof(example->id), "%s", task->id);
}

static void note_running(struct tasks_facts *facts, const struct task *task, int64_t now_ms)
{
    int64_t free_since = task->lease_until > task->made_at ? task->lease_until : task->made_at;

    facts->running++;
    if (now_ms - free_since > TASK_FREE_WARNING_MS)
        note(&facts->free, task);
    if (task->error[0] == '\0')
        return;
    if (facts->refused.count == 0)
        (void)snprintf(facts->error, sizeof(facts->error), "%s", task->error);
    note(&facts->refused, task);
}

static void read_list(struct tasks_facts *facts, const struct task_list *list)
{
    facts->stored = list->stored;
    facts->too_many = list->stored > TASKS_READ_MAX;
    for (size_t i = 0; i < list->len; i++) {
        if (list->tasks[i].state == TASK_INVALID)
            note(&facts->invalid, &list->tasks[i]);
        else if (list->tasks[i].state == TASK_RUNNING)
            note_running(facts, &list->tasks[i], list->now_ms);
    }
}

bool doctor_read_tasks(struct session *session, struct doctor_facts *facts)
{
    char max[16];
    struct task_list list;
    struct reply *reply;

    (void)snprintf(max, sizeof(max), "%d", TASKS_READ_MAX);
    const struct bytes args[] = {bytes_of(session->keys.tasks), bytes_of(session->keys.meta),
                                 bytes_of(max)};
    enum ask_result result =
        doctor_ask_script(session, facts, ASK_TASKS, BYTES(lua_tasks_read), 2, args, 3, &reply);
    if (result != ASK_ANSWERED)
        return result == ASK_REFUSED;
    int parsed = task_list_parse(reply, &list);
    reply_free(reply);
    if (parsed != 0) {
        session_failed(session, "out of memory");
        return false;
    }
    read_list(&facts->tasks, &list);
    task_list_release(&list);
    return true;
}
