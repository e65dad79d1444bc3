#include "web/jobs.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

struct queue {
    struct job *first, *last;
    size_t len;
};

struct worker {
    struct jobs *jobs;
    pthread_t thread;
    bool is_started;
    struct session session;
    struct job *job; /* being done; of the thread */
};

struct jobs {
    pthread_mutex_t mutex; /* for the five below */
    pthread_cond_t wake;
    pthread_cond_t stop; /* it ends */
    struct queue waiting, finished;
    bool ends;
    int event; /* wakes the loop when some are finished */
    struct loop_watch *watch;
    struct worker workers[JOBS_THREADS];
};

static void put(struct queue *queue, struct job *job)
{
    job->next = NULL;
    if (queue->last != NULL)
        queue->last->next = job;
    else
        queue->first = job;
    queue->last = job;
    queue->len++;
}

static struct job *get(struct queue *queue)
{
    struct job *job = queue->first;
    if (job == NULL)
        return NULL;
    queue->first = job->next;
    if (queue->first == NULL)
        queue->last = NULL;
    queue->len--;
    return job;
}

static void tell(void *context, enum admin_result result, const char *why)
{
    struct worker *worker = context;
    if (worker->job->result != ADMIN_DONE)
        return;
    worker->job->result = result;
    error_text_set(&worker->job->why, "%s", why);
}

/* NULL: it is the end. */
static struct job *wait_for_job(struct jobs *jobs)
{
    pthread_mutex_lock(&jobs->mutex);
    while (!jobs->ends && jobs->waiting.first == NULL)
        pthread_cond_wait(&jobs->wake, &jobs->mutex);
    struct job *job = jobs->ends ? NULL : get(&jobs->waiting);
    pthread_mutex_unlock(&jobs->mutex);
    return job;
}

static void *work(void *context)
{
    struct worker *worker = context;
    struct jobs *jobs = worker->jobs;
    const uint64_t one = 1;
    while ((worker->job = wait_for_job(jobs)) != NULL) {
        worker->job->run(worker->job, &worker->session);
        worker->job->is_run = true;
        pthread_mutex_lock(&jobs->mutex);
        put(&jobs->finished, worker->job);
        pthread_mutex_unlock(&jobs->mutex);
        /* Fails only when the counter is full, and then the loop knows already. */
        (void)!write(jobs->event, &one, sizeof(one));
    }
    return NULL;
}

static void on_finished(void *context, int descriptor, bool readable, bool writable)
{
    struct jobs *jobs = context;
    uint64_t count;
    struct job *job;
    (void)readable;
    (void)writable;
    (void)!read(descriptor, &count, sizeof(count));
    do {
        pthread_mutex_lock(&jobs->mutex);
        job = get(&jobs->finished);
        pthread_mutex_unlock(&jobs->mutex);
        if (job != NULL)
            job->done(job);
    } while (job != NULL);
}

int jobs_add(struct jobs *jobs, struct job *job)
{
    job->jobs = jobs;
    pthread_mutex_lock(&jobs->mutex);
    bool has_room = !jobs->ends && jobs->waiting.len < JOBS_WAITING_MAX;
    if (has_room)
        put(&jobs->waiting, job);
    pthread_cond_signal(&jobs->wake);
    pthread_mutex_unlock(&jobs->mutex);
    return has_room ? 0 : -1;
}

bool jobs_pause(const struct job *job, int64_t ms)
{
    struct jobs *jobs = job->jobs;
    int64_t until_ms = loop_fresh_ms() + ms;
    const struct timespec until = {.tv_sec = until_ms / 1000, .tv_nsec = until_ms % 1000 * 1000000};
    int result = 0;
    pthread_mutex_lock(&jobs->mutex);
    while (!jobs->ends && result == 0)
        result = pthread_cond_timedwait(&jobs->stop, &jobs->mutex, &until);
    bool ends = jobs->ends;
    pthread_mutex_unlock(&jobs->mutex);
    return ends;
}

/* Signals are for the loop's thread. */
static int start(struct jobs *jobs, struct worker *worker, const struct redis_options *options,
                 struct error_text *why)
{
    sigset_t all;
    sigset_t before;
    worker->jobs = jobs;
    worker->session.tell = tell;
    worker->session.context = worker;
    if (session_open(&worker->session, options, "roomhook-web", why) != 0)
        return -1;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    worker->is_started = pthread_create(&worker->thread, NULL, work, worker) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (worker->is_started)
        return 0;
    error_text_set(why, "a thread cannot be started");
    return -1;
}

/* Its times are those of loop_fresh_ms. */
static void init_stop(struct jobs *jobs)
{
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&jobs->stop, &attributes);
    pthread_condattr_destroy(&attributes);
}

struct jobs *jobs_new(struct loop *loop, const struct redis_options *options,
                      struct error_text *why)
{
    struct jobs *jobs = calloc(1, sizeof(*jobs));
    error_text_set(why, "out of memory");
    if (jobs == NULL)
        return NULL;
    pthread_mutex_init(&jobs->mutex, NULL);
    pthread_cond_init(&jobs->wake, NULL);
    init_stop(jobs);
    jobs->event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    jobs->watch = loop_watch_new(loop, on_finished, jobs);
    int result = jobs->event >= 0 && jobs->watch != NULL
                     ? loop_watch_set(jobs->watch, jobs->event, true, false)
                     : -1;
    for (size_t i = 0; result == 0 && i < JOBS_THREADS; i++)
        result = start(jobs, &jobs->workers[i], options, why);
    if (result == 0)
        return jobs;
    jobs_free(jobs);
    return NULL;
}

/* No thread is left. What was not begun fails. */
static void end_all(struct jobs *jobs)
{
    struct job *job;
    while ((job = get(&jobs->finished)) != NULL || (job = get(&jobs->waiting)) != NULL) {
        if (job->result == ADMIN_DONE && !job->is_run) {
            job->result = ADMIN_FAILED;
            error_text_set(&job->why, "the service stops");
        }
        job->done(job);
    }
}

void jobs_free(struct jobs *jobs)
{
    if (jobs == NULL)
        return;
    pthread_mutex_lock(&jobs->mutex);
    jobs->ends = true;
    pthread_cond_broadcast(&jobs->wake);
    pthread_cond_broadcast(&jobs->stop);
    pthread_mutex_unlock(&jobs->mutex);
    for (size_t i = 0; i < JOBS_THREADS; i++) {
        if (jobs->workers[i].is_started)
            pthread_join(jobs->workers[i].thread, NULL);
        session_close(&jobs->workers[i].session);
    }
    end_all(jobs);
    loop_watch_free(jobs->watch);
    if (jobs->event >= 0)
        (void)close(jobs->event);
    pthread_cond_destroy(&jobs->wake);
    pthread_cond_destroy(&jobs->stop);
    pthread_mutex_destroy(&jobs->mutex);
    free(jobs);
}
