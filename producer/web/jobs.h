/*
 * Work that waits for Redis, done by threads with a session each, so that the loop never waits: the
 * code that reads and changes a queue asks one thing after the other, in the command line as here.
 * A Redis that stalls holds up these threads, and nothing else.
 */
#ifndef WEB_JOBS_H
#define WEB_JOBS_H

#include "admin/session.h"
#include "base/loop.h"
#include "redis/options.h"

#define JOBS_THREADS 4
#define JOBS_WAITING_MAX 1024

struct jobs;

struct job {
    struct job *next;
    struct jobs *jobs;                                     /* that it was added to */
    void (*run)(struct job *job, struct session *session); /* in a thread */
    void (*done)(struct job *job);                         /* in the loop; owns the job */
    /* What went wrong, set by the session's tell: the first failure counts. */
    enum admin_result result;
    bool is_run;
    struct error_text why;
};

/* Starts the threads; they connect when they are given something. NULL with *why. */
struct jobs *jobs_new(struct loop *loop, const struct redis_options *options,
                      struct error_text *why);

/* Waits for what is being done; jobs that were not begun fail. Each is done before this returns. */
void jobs_free(struct jobs *jobs); /* NULL allowed */

/* 0, or -1: too many wait already. */
int jobs_add(struct jobs *jobs, struct job *job);

/* For a job that is run: waits for ms. True: it is to come to its end, for the service stops. */
bool jobs_pause(const struct job *job, int64_t ms);

#endif
