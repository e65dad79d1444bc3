/*
 * All tasks of a queue: there are few, so they are read together.
 */
#ifndef ADMIN_TASK_LIST_H
#define ADMIN_TASK_LIST_H

#include "admin/session.h"
#include "admin/task/task.h"

#define TASKS_RUNNING_MAX 32
#define TASKS_ROOMS_MAX 16 /* of these, those that tokens of rooms made */
#define TASKS_ENDED_MAX 100
#define TASKS_ENDED_KEPT_MS (7 * 24 * 3600 * INT64_C(1000))
#define TASKS_READ_MAX 500 /* in {Q}:tasks, with what somebody wrote by hand */

struct task_list {
    int64_t now_ms;
    bool is_contract_ours;
    int64_t stored; /* how many there are; over TASKS_READ_MAX none is read */
    size_t len;
    struct task *tasks; /* in no order */
};

/* What tasks_read.lua replies. 0, or -1: out of memory. */
int task_list_parse(const struct reply *reply, struct task_list *ret_list);

/* False with the failure reported, also when there are too many. */
bool task_list_read(struct session *session, struct task_list *ret_list);
void task_list_release(struct task_list *list); /* also of a zeroed one */

void task_list_sort(struct task_list *list); /* those that run, then the newest */

const struct task *task_list_find(const struct task_list *list, const char *id); /* or NULL */

/* The tasks that need not be kept, in ids: those that ended long ago, or that are too many. Sorts
 * the list. How many. */
size_t task_list_expired(struct task_list *list, struct bytes ids[TASKS_READ_MAX]);

/* May one more be made? False with *why. */
bool task_list_has_place(const struct task_list *list, const struct task *task,
                         struct error_text *why);

#endif
