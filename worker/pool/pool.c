/* For sched_getaffinity. */
#define _GNU_SOURCE 1
#include "pool/pool.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/backoff.h"
#include "base/loop.h"
#include "pool/internal.h"
#include "pool/rules.h"
#include "process/process.h"
#include "process/worker.h"

/* A worker ends within drain-timeout and 10 s (drain.c), or it hangs. */
#define BEYOND_DRAIN_MS 15000
#define NOBODY (-1)

/* --- ends --- */

static void signal_all(struct pool *pool, int signal_number)
{
    for (size_t i = 0; i < pool->processes; i++) {
        if (pool->process[i].pid != 0)
            (void)kill(pool->process[i].pid, signal_number);
    }
}

static void stop(struct pool *pool)
{
    pool->stopping = true;
    pool->kill_at_ms = loop_now_ms() + pool->settings->drain_timeout_ms + BEYOND_DRAIN_MS;
    signal_all(pool, SIGTERM);
}

/* Each worker has settings of its own; those that start later have the parent's. */
static void reload(struct pool *pool)
{
    (void)process_reload(pool->settings);
    signal_all(pool, SIGHUP);
}

static void end_at_once(struct pool *pool)
{
    pool->kill_at_ms = INT64_MAX;
    signal_all(pool, SIGKILL);
}

static void log_end(const struct pool *pool, size_t i, const struct pool_end *end, const char *then,
                    int64_t delay_ms)
{
    const struct process *process = &pool->process[i];
    const struct counters *counters = &pool->slots[i].counters;
    bool well = !end->by_signal && end->number == 0;
    log_at(well ? LOG_INFO : LOG_WARN, "process_ended", log_int("process", (int64_t)i + 1),
           log_int("pid", process->pid), log_int(end->by_signal ? "signal" : "status", end->number),
           log_int("lived_ms", loop_now_ms() - process->began_at_ms),
           log_int("attempts", counters->total[COUNTER_ATTEMPTS]),
           log_int("delivered", counters->total[COUNTER_DELIVERED]), log_text("then", then),
           log_int("delay_ms", delay_ms));
}

static void after_end(struct pool *pool, size_t i, const struct pool_end *end)
{
    struct process *process = &pool->process[i];
    int64_t now_ms = loop_now_ms();
    int64_t delay_ms;
    if (pool->stopping || pool_gives_up(end)) {
        log_end(pool, i, end, "pool ends", 0);
        pool->status = pool_worse(pool->status, end);
        process->pid = 0;
        if (!pool->stopping)
            stop(pool);
        return;
    }
    process->failures = pool_failures(process->failures, now_ms - process->began_at_ms);
    delay_ms = pool_restart_delay_ms(process->failures, backoff_random(&pool->random));
    process->due_at_ms = now_ms + delay_ms;
    log_end(pool, i, end, "starts again", delay_ms);
    process->pid = 0;
}

static void reap(struct pool *pool, size_t i)
{
    struct process *process = &pool->process[i];
    int status = 0;
    pid_t pid = waitpid(process->pid, &status, WNOHANG);
    if (pid == 0 || (pid < 0 && errno != ECHILD))
        return;
    pool_observe(pool, i);
    struct pool_end end = {
        .by_signal = pid > 0 && WIFSIGNALED(status),
        .refused = process->state == PROCESS_REFUSED,
        .was_ready = process->was_ready,
        .restarts = process->lives - 1,
    };
    if (pid < 0)
        end.number = EXIT_FAILURE; /* somebody else has waited for it: nobody knows */
    else
        end.number = end.by_signal ? WTERMSIG(status) : WEXITSTATUS(status);
    process->state = PROCESS_ENDED;
    after_end(pool, i, &end);
}

/* --- beginnings --- */

/* True in the child. */
static bool start(struct pool *pool, size_t i)
{
    struct process *process = &pool->process[i];
    process->began_at_ms = loop_now_ms();
    process->was_ready = false;
    process->stalled = false;
    process->state = PROCESS_STARTING;
    process->lives++;
    pool_slot_prepare(&pool->slots[i], process->began_at_ms);
    process->pid = fork();
    if (process->pid == 0)
        return true;
    if (process->pid > 0) {
        log_at(LOG_INFO, "process_started", log_int("process", (int64_t)i + 1),
               log_int("pid", process->pid), log_int("restarts", process->lives - 1));
        return false;
    }
    log_at(LOG_ERROR, "cannot_fork", log_int("process", (int64_t)i + 1),
           log_text("why", strerror(errno)));
    process->pid = 0;
    process->state = PROCESS_ENDED;
    after_end(pool, i, &(struct pool_end){.number = EXIT_FAILURE, .restarts = process->lives - 1});
    return false;
}

/* The place of a process that was started, in this process; NOBODY in the parent. */
static int start_due(struct pool *pool)
{
    for (size_t i = 0; i < pool->processes && !pool->stopping; i++) {
        if (pool->process[i].pid == 0 && loop_now_ms() >= pool->process[i].due_at_ms &&
            start(pool, i))
            return (int)i;
    }
    return NOBODY;
}

static int work(const struct pool *pool, int i)
{
    const struct notify_request nobody = {.address_len = 0};
    const struct pool_place place = {
        .slot = &pool->slots[i],
        .parent = pool->pid,
        .number = i + 1,
        .processes = (int)pool->processes,
        .restarts = pool->process[i].lives - 1,
        .pulse_ms = pool_pulse_ms(pool->notify->watchdog_ms),
    };
    sigset_t blocked = pool->outside;
    /* A parent that dies takes its workers along, in order. It may have died before this. */
    if (prctl(PR_SET_PDEATHSIG, SIGTERM, 0, 0, 0) != 0 || getppid() != pool->pid)
        return EXIT_FAILURE;
    /* A signal to stop waits until it has a handler: worker.c unblocks these. */
    sigaddset(&blocked, SIGTERM);
    sigaddset(&blocked, SIGINT);
    sigaddset(&blocked, SIGHUP);
    if (sigprocmask(SIG_SETMASK, &blocked, NULL) != 0)
        return EXIT_FAILURE;
    log_name_process(place.number);
    return worker_run(pool->settings, &nobody, &place);
}

/* --- the parent --- */

static void wait_for_signal(struct pool *pool)
{
    int64_t until_ms = pool->tick_at_ms;
    if (pool->stopping && pool->kill_at_ms < until_ms)
        until_ms = pool->kill_at_ms;
    for (size_t i = 0; i < pool->processes && !pool->stopping; i++) {
        if (pool->process[i].pid == 0 && pool->process[i].due_at_ms < until_ms)
            until_ms = pool->process[i].due_at_ms;
    }
    int64_t wait_ms = until_ms - loop_now_ms();
    if (wait_ms < 0)
        wait_ms = 0;
    const struct timespec limit = {.tv_sec = wait_ms / 1000, .tv_nsec = wait_ms % 1000 * 1000000};
    int signal_number = sigtimedwait(&pool->awaited, NULL, &limit);
    bool hung_up = signal_number == SIGHUP && pool->hangup_stops;
    if (signal_number == SIGHUP && !hung_up)
        reload(pool);
    if (signal_number != SIGTERM && signal_number != SIGINT && !hung_up)
        return; /* what else there is, is looked at anyway */
    if (pool->stopping)
        end_at_once(pool);
    else
        stop(pool);
}

static bool somebody_runs(const struct pool *pool)
{
    for (size_t i = 0; i < pool->processes; i++) {
        if (pool->process[i].pid != 0)
            return true;
    }
    return false;
}

static void look(struct pool *pool)
{
    for (size_t i = 0; i < pool->processes; i++) {
        if (pool->process[i].pid == 0)
            continue;
        pool_observe(pool, i);
        reap(pool, i);
    }
    if (pool->stopping && loop_now_ms() >= pool->kill_at_ms) {
        log_at(LOG_ERROR, "drain_overdue", log_text("do", "the workers that are left are killed"));
        end_at_once(pool);
    }
}

/* Until nobody is left; in a child its place. */
static int watch(struct pool *pool)
{
    for (;;) {
        int place = start_due(pool);
        if (place != NOBODY)
            return place;
        if (pool->stopping && !somebody_runs(pool))
            return NOBODY;
        pool_tell(pool);
        wait_for_signal(pool);
        look(pool);
    }
}

int pool_processes(const struct settings *settings)
{
    cpu_set_t usable;
    int count = 1;
    if (settings->processes != PROCESSES_AUTO)
        return (int)settings->processes;
    if (sched_getaffinity(0, sizeof(usable), &usable) == 0)
        count = CPU_COUNT(&usable);
    return count < PROCESSES_MAX ? count : PROCESSES_MAX;
}

static int begin(struct pool *pool)
{
    pool->pid = getpid();
    pool->hangup_stops = process_hangup_stops();
    pool->random = loop_seed();
    pool->slots = pool_slots_new(pool->processes);
    sigemptyset(&pool->awaited);
    sigaddset(&pool->awaited, SIGCHLD);
    sigaddset(&pool->awaited, SIGUSR1);
    sigaddset(&pool->awaited, SIGTERM);
    sigaddset(&pool->awaited, SIGINT);
    sigaddset(&pool->awaited, SIGHUP);
    /* Ignored, as some parents leave it, it would take the statuses of our children away. */
    signal(SIGCHLD, SIG_DFL);
    return pool->slots != NULL && sigprocmask(SIG_BLOCK, &pool->awaited, &pool->outside) == 0 ? 0
                                                                                              : -1;
}

int pool_run(struct settings *settings, const struct notify_request *notify, int processes)
{
    struct pool pool = {
        .settings = settings,
        .notify = notify,
        .alive = {.path = settings->alive_file},
        .processes = (size_t)processes,
    };
    if (begin(&pool) != 0) {
        log_at(LOG_ERROR, "cannot_start", log_text("why", strerror(errno)));
        pool_slots_free(pool.slots, pool.processes);
        return EXIT_FAILURE;
    }
    log_at(LOG_INFO, "pool_started", log_int("processes", processes), log_int("pid", pool.pid));
    int place = watch(&pool);
    if (place != NOBODY)
        return work(&pool, place);
    log_at(LOG_INFO, "pool_ended", log_int("status", pool.status));
    alive_file_remove(&pool.alive);
    pool_slots_free(pool.slots, pool.processes);
    return pool.status;
}
