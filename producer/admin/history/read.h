/*
 * Reading a queue's history, at steps.
 */
#ifndef ADMIN_HISTORY_READ_H
#define ADMIN_HISTORY_READ_H

#include "admin/history/point.h"
#include "admin/session.h"

#define HISTORY_STEP_MS 60000 /* the least: a snapshot is written once a minute */

/* Called for each point, oldest first; a step without a snapshot has none. */
typedef void history_fn(void *context, const struct history_snapshot *before,
                        const struct history_snapshot *after);

/* The newest points of a step's length. One command a step, however many snapshots lie in it. False
 * with the failure reported. */
bool history_read(struct session *session, int64_t step_ms, int64_t points, history_fn *fn,
                  void *context);

#endif
