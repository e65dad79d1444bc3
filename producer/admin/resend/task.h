/*
 * Sending delivered events again as a task. In Redis a delivery is added and counted at once: none
 * is sent twice by a task, whatever ends in between.
 */
#ifndef ADMIN_RESEND_TASK_H
#define ADMIN_RESEND_TASK_H

#include "admin/resend/resend.h"
#include "admin/task/task.h"

#define RESEND_TASK "resend"

void resend_task_of(const struct resend *resend, int64_t total, struct task *ret_task);

/* Sends up to about max deliveries. *task is what it became; *ret_held is false when another
 * process works on it by now, or it has ended. False with the failure reported. */
bool resend_task_step(struct session *session, struct task *task, size_t max, bool *ret_held);

#endif
