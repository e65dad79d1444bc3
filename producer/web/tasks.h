/*
 * Works on the queue's bulk tasks, step by step, in a thread of the service. Of several services
 * on a queue one works on a task, the one that has its lease; another goes on when that ends.
 */
#ifndef WEB_TASKS_H
#define WEB_TASKS_H

#include "web/jobs.h"

struct tasks;

/* Begins. NULL: out of memory. */
struct tasks *tasks_new(struct loop *loop, struct jobs *jobs, const struct redis_options *options);

/* After jobs_free. Gives the leases back, so that another service goes on at once. NULL allowed. */
void tasks_free(struct tasks *tasks);

#endif
