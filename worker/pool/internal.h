/*
 * What the parent of a pool knows: for pool.c, which starts and ends workers, and report.c,
 * which reports them. Nothing of it is shared with the workers but the slots.
 */
#ifndef POOL_INTERNAL_H
#define POOL_INTERNAL_H

#include <signal.h>

#include "base/alive_file.h"
#include "base/notify.h"
#include "process/slots.h"
#include "settings/settings.h"

struct process {
    pid_t pid; /* 0: it does not run */
    int64_t began_at_ms;
    int64_t due_at_ms; /* when its next life begins */
    int lives;         /* that have begun */
    int failures;      /* in a row */
    bool was_ready;    /* in this life */
    bool was_ever_ready;
    bool stalled;
    enum process_state state; /* as it was reported, except that it has ended */
};

struct pool {
    struct settings *settings;
    const struct notify_request *notify;
    struct alive_file alive;
    struct process process[PROCESSES_MAX];
    size_t processes;
    struct pool_slot *slots;
    pid_t pid;
    sigset_t outside; /* signals that were blocked before */
    sigset_t awaited;
    uint64_t random;
    bool stopping;
    bool hangup_stops;
    int64_t kill_at_ms; /* when stopping; INT64_MAX: done */
    int status;
    int64_t tick_at_ms; /* when the manager is notified next */
    enum process_state notified;
    size_t notified_workers;
};

/* Logs what the worker says of itself, when it is something else than before. */
void pool_observe(struct pool *pool, size_t i);

/* Tells the service manager how the pool is, when that has changed or it is time to. */
void pool_tell(struct pool *pool);

#endif
