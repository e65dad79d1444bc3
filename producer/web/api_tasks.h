/*
 * Bulk tasks: listing, showing and cancelling. In a room's paths only the tasks about that room are
 * meant.
 */
#ifndef WEB_API_TASKS_H
#define WEB_API_TASKS_H

#include "admin/task/task.h"
#include "web/call.h"

void api_tasks(struct call *call, struct session *session);
void api_task(struct call *call, struct session *session);
void api_cancel_task(struct call *call, struct session *session);

/* Makes the task and answers 202 with it. */
void api_make_task(struct call *call, struct session *session, struct task *task);

#endif
