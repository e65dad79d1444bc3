/*
 * Steps of a task that replays or purges dead letters. In Redis a letter is moved and counted at
 * once: none is replayed twice, whatever ends in between.
 */
#ifndef ADMIN_DEAD_STEP_H
#define ADMIN_DEAD_STEP_H

#include "admin/dead/scan.h"
#include "admin/session.h"
#include "admin/task/task.h"

#define DEAD_TASK_REPLAY "replay"
#define DEAD_TASK_PURGE "purge"

/* The task that goes on where a scan is, oldest first. */
void dead_task_of(const struct dead_scan *scan, const char *what, struct task *ret_task);

/* Works on up to max letters. *task is what it became; *ret_held is false when another process
 * works on it by now, or it has ended. False with the failure reported. */
bool dead_task_step(struct session *session, struct task *task, size_t max, bool *ret_held);

#endif
