/*
 * Changing tasks. Each is one step in Redis. A lease is bound to a fence: a process that lost its
 * lease, because it was stopped for longer, changes nothing any more.
 *
 * "False with the failure reported" as in admin/session.h. Where a task is no longer what the
 * caller took it for, that is no failure: *ret_held is false.
 */
#ifndef ADMIN_TASK_STORE_H
#define ADMIN_TASK_STORE_H

#include "admin/session.h"
#include "admin/task/task.h"

/* Makes a task that runs from now on, unless too many do; fills in its id and made_at. Removes old
 * ones. */
bool task_add(struct session *session, struct task *task);

/* ADMIN_MISSING and ADMIN_CONFLICT are reported as well. *task is what it became. */
bool task_cancel(struct session *session, struct task *task);

/* Of a task that was read: leases it if no lease is valid. *task is what it became. */
bool task_lease(struct session *session, struct task *task, bool *ret_held);
bool task_give_back(struct session *session, struct task *task);

/* Notes on a leased task why its step failed; it goes on wait_ms later. */
bool task_note(struct session *session, struct task *task, const char *why, int64_t wait_ms,
               bool *ret_held);

bool task_remove(struct session *session, const struct bytes *ids, size_t ids_len);

/* What a script replied that changes one task: its record, or nothing. */
bool task_update(struct task *task, const struct reply *reply);

#endif
