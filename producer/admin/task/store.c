#include "admin/task/store.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "admin/task/list.h"
#include "admin_lua.h"

#define NUMBER_SIZE 24
#define CANCEL_TRIES 5 /* each time another process had leased it meanwhile */

static struct bytes number(int64_t value, char out[NUMBER_SIZE])
{
    (void)snprintf(out, NUMBER_SIZE, "%" PRId64, value);
    return bytes_of(out);
}

bool task_update(struct task *task, const struct reply *reply)
{
    struct bytes record = reply_text(reply);
    struct task next;

    if (record.len == 0)
        return false;
    task_parse(bytes_of(task->id), record, &next);
    *task = next;
    return next.state != TASK_INVALID;
}

/* A script that takes the task's id, its fence, and up to two more. */
static bool change(struct session *session, struct task *task, struct bytes script,
                   const struct bytes *more, size_t more_len, bool *ret_held)
{
    char fence[NUMBER_SIZE];
    struct bytes args[8] = {BYTES("EVAL"),      script,
                            BYTES("1"),         bytes_of(session->keys.tasks),
                            bytes_of(task->id), number(task->fence, fence)};
    struct reply *reply;

    for (size_t i = 0; i < more_len; i++)
        args[6 + i] = more[i];
    if (!session_ask(session, args, 6 + more_len, &reply))
        return false;
    *ret_held = task_update(task, reply);
    reply_free(reply);
    return true;
}

bool task_lease(struct session *session, struct task *task, bool *ret_held)
{
    const struct bytes lease[] = {BYTES("1")};

    return change(session, task, BYTES(lua_task_lease), lease, 1, ret_held);
}

bool task_give_back(struct session *session, struct task *task)
{
    const struct bytes back[] = {BYTES("0")};
    bool held;

    return change(session, task, BYTES(lua_task_lease), back, 1, &held);
}

bool task_note(struct session *session, struct task *task, const char *why, int64_t wait_ms,
               bool *ret_held)
{
    char wait[NUMBER_SIZE];
    char shown[TASK_ERROR_SIZE - 4];
    struct bytes text = bytes_of(why);

    /* Plain ASCII, so that the record needs nothing escaped and stays readable. */
    if (text.len >= sizeof(shown))
        text.len = sizeof(shown) - 1;
    (void)bytes_printable(text, shown, sizeof(shown));
    const struct bytes more[] = {bytes_of(shown), number(wait_ms, wait)};
    return change(session, task, BYTES(lua_task_note), more, 2, ret_held);
}

bool task_remove(struct session *session, const struct bytes *ids, size_t ids_len)
{
    struct bytes args[2 + TASKS_READ_MAX] = {BYTES("HDEL"), bytes_of(session->keys.tasks)};
    struct reply *reply;

    if (ids_len == 0)
        return true;
    memcpy(args + 2, ids, ids_len * sizeof(*ids));
    if (!session_ask(session, args, 2 + ids_len, &reply))
        return false;
    reply_free(reply);
    return true;
}

static bool store_new(struct session *session, struct task_list *list, struct task *task)
{
    struct bytes args[5 + TASKS_READ_MAX] = {BYTES("EVAL"), BYTES(lua_task_add), BYTES("1"),
                                             bytes_of(session->keys.tasks)};
    struct buffer record;
    struct reply *reply;

    task->state = TASK_RUNNING;
    task->made_at = list->now_ms;
    buffer_init(&record, TASK_RECORD_MAX);
    task_put_record(&record, task);
    args[4] = buffer_bytes(&record);
    size_t expired = task_list_expired(list, args + 5);
    bool stored = !buffer_failed(&record);
    if (!stored)
        session_failed(session, "out of memory");
    stored = stored && session_ask(session, args, 5 + expired, &reply);
    if (stored) {
        (void)bytes_copy_text(reply_text(reply), task->id, sizeof(task->id));
        reply_free(reply);
    }
    buffer_release(&record);
    return stored;
}

bool task_add(struct session *session, struct task *task)
{
    struct task_list list;
    struct error_text why;

    if (!task_list_read(session, &list))
        return false;
    bool has_place = task_list_has_place(&list, task, &why);
    if (!has_place)
        session_refused(session, ADMIN_CONFLICT, "%s", why.text);
    bool added = has_place && store_new(session, &list, task);
    task_list_release(&list);
    return added;
}

/* The task as it is now. False with the failure reported, when it cannot be cancelled. */
static bool read_running(struct session *session, struct task *task)
{
    struct task_list list;

    if (!task_list_read(session, &list))
        return false;
    const struct task *found = task_list_find(&list, task->id);
    if (found == NULL)
        session_refused(session, ADMIN_MISSING, "there is no task %s", task->id);
    else if (found->state == TASK_INVALID)
        session_refused(session, ADMIN_CONFLICT,
                        "task %s cannot be read, so nothing works on it: redis-cli HDEL '%s' %s "
                        "removes it",
                        task->id, session->keys.tasks, task->id);
    else if (found->state != TASK_RUNNING)
        session_refused(session, ADMIN_CONFLICT, "task %s has ended: %s", task->id,
                        task_state_name(found->state));
    bool is_running = found != NULL && found->state == TASK_RUNNING;
    if (is_running)
        *task = *found;
    task_list_release(&list);
    return is_running;
}

bool task_cancel(struct session *session, struct task *task)
{
    bool held = false;

    for (int i = 0; i < CANCEL_TRIES && !held; i++) {
        struct task next = *task;
        if (!read_running(session, &next) ||
            !change(session, &next, BYTES(lua_task_cancel), NULL, 0, &held))
            return false;
        if (held)
            *task = next;
    }
    if (!held)
        session_refused(session, ADMIN_CONFLICT, "task %s changes all the time: ask again",
                        task->id);
    return held;
}
