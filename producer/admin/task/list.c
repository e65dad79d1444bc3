#include "admin/task/list.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "admin_lua.h"
#include "contract/parse.h"

#define TEXT_OF(number) TEXT_OF_(number)
#define TEXT_OF_(number) #number

int task_list_parse(const struct reply *reply, struct task_list *ret_list)
{
    struct bytes contract = reply_text(reply_at(reply, 1));
    const struct reply *pairs = reply_at(reply, 3);
    struct task_list list = {
        .now_ms = reply_int(reply_at(reply, 0)),
        .is_contract_ours = contract.len == 0 || bytes_equal_text(contract, KEYS_CONTRACT),
        .stored = reply_int(reply_at(reply, 2)),
        .len = reply_len(pairs) / 2,
    };

    if (list.len > 0) {
        list.tasks = calloc(list.len, sizeof(*list.tasks));
        if (list.tasks == NULL)
            return -1;
    }
    for (size_t i = 0; i < list.len; i++)
        task_parse(reply_text(reply_at(pairs, 2 * i)), reply_text(reply_at(pairs, 2 * i + 1)),
                   &list.tasks[i]);
    *ret_list = list;
    return 0;
}

bool task_list_read(struct session *session, struct task_list *ret_list)
{
    const struct bytes args[] = {BYTES("EVAL"),
                                 BYTES(lua_tasks_read),
                                 BYTES("2"),
                                 bytes_of(session->keys.tasks),
                                 bytes_of(session->keys.meta),
                                 BYTES(TEXT_OF(TASKS_READ_MAX))};
    struct reply *reply;

    if (!session_ask(session, args, 6, &reply))
        return false;
    int parsed = task_list_parse(reply, ret_list);
    reply_free(reply);
    if (parsed != 0) {
        session_failed(session, "out of memory");
        return false;
    }
    if (ret_list->stored <= TASKS_READ_MAX)
        return true;
    session_refused(
        session, ADMIN_CONFLICT,
        "%s has over " TEXT_OF(TASKS_READ_MAX) " fields, which is not the work of this "
                                               "program: remove those that are no tasks",
        session->keys.tasks);
    return false;
}

void task_list_release(struct task_list *list)
{
    free(list->tasks);
    *list = (struct task_list){0};
}

/* Those that run before the others; ids are times. */
static int compare(const void *one, const void *other)
{
    const struct task *tasks[] = {one, other};
    uint64_t ms[2] = {0, 0};
    uint64_t seq[2] = {0, 0};

    if ((tasks[0]->state == TASK_RUNNING) != (tasks[1]->state == TASK_RUNNING))
        return tasks[0]->state == TASK_RUNNING ? -1 : 1;
    for (int i = 0; i < 2; i++)
        (void)parse_stream_id(bytes_of(tasks[i]->id), &ms[i], &seq[i]);
    if (ms[0] != ms[1])
        return ms[0] < ms[1] ? 1 : -1;
    return seq[0] == seq[1] ? 0 : seq[0] < seq[1] ? 1 : -1;
}

void task_list_sort(struct task_list *list)
{
    if (list->len > 1)
        qsort(list->tasks, list->len, sizeof(*list->tasks), compare);
}

const struct task *task_list_find(const struct task_list *list, const char *id)
{
    for (size_t i = 0; i < list->len; i++) {
        if (strcmp(list->tasks[i].id, id) == 0)
            return &list->tasks[i];
    }
    return NULL;
}

size_t task_list_expired(struct task_list *list, struct bytes ids[TASKS_READ_MAX])
{
    size_t ended = 0;
    size_t len = 0;

    task_list_sort(list);
    for (size_t i = 0; i < list->len && len < TASKS_READ_MAX; i++) {
        const struct task *task = &list->tasks[i];
        if (task->state != TASK_DONE && task->state != TASK_CANCELLED)
            continue;
        if (++ended > TASKS_ENDED_MAX || task->ended_at < list->now_ms - TASKS_ENDED_KEPT_MS)
            ids[len++] = bytes_of(task->id);
    }
    return len;
}

static bool is_of_room_token(const struct task *task)
{
    return strcmp(task->by, "room") == 0;
}

bool task_list_has_place(const struct task_list *list, const struct task *task,
                         struct error_text *why)
{
    int running = 0;
    int of_rooms = 0;

    for (size_t i = 0; i < list->len; i++) {
        const struct task *other = &list->tasks[i];
        if (other->state != TASK_RUNNING)
            continue;
        running++;
        of_rooms += is_of_room_token(other);
        if (is_of_room_token(task) && is_of_room_token(other) &&
            room_id_equal(&task->room, &other->room)) {
            error_text_set(why, "another task of room %s is running: wait for it, or cancel it",
                           task->room.text);
            return false;
        }
    }
    if (running < TASKS_RUNNING_MAX && (!is_of_room_token(task) || of_rooms < TASKS_ROOMS_MAX))
        return true;
    error_text_set(why, "%d tasks are running: wait for one, or cancel it", running);
    return false;
}
