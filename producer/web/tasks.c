#include "web/tasks.h"

#include <stdlib.h>
#include <string.h>

#include "admin/dead/step.h"
#include "admin/resend/task.h"
#include "admin/task/list.h"
#include "admin/task/store.h"
#include "base/log.h"

#define READ_EVERY_MS 1000  /* new tasks, those whose service ended, what was cancelled */
#define RUN_MS 50           /* the thread is for others then */
#define NOTE_WAIT_MS 5000   /* until a step that Redis refused is tried again */
#define STEPS_PER_SECOND 10 /* with a rate: small steps, so that it is even */

/* Works on up to max entries behind the task's cursor. The script that does so also stores how far
 * the task is, while its fence is still the task's; task_update reads what it replied. */
typedef bool task_step_fn(struct session *session, struct task *task, size_t max, bool *ret_held);

static const struct kind {
    const char *what;
    task_step_fn *step;
} kinds[] = {
    {DEAD_TASK_REPLAY, dead_task_step},
    {DEAD_TASK_PURGE, dead_task_step},
    {RESEND_TASK, resend_task_step},
};

struct tasks {
    struct job job; /* first */
    struct jobs *jobs;
    struct loop_timer timer;
    const struct redis_options *options;
    bool is_failing; /* and this was logged */
    /* Of the job while it runs, of the loop before and after. */
    struct task held[TASKS_RUNNING_MAX]; /* leased by this process */
    size_t held_len;
    struct task ended[TASKS_RUNNING_MAX]; /* since the last run */
    size_t ended_len;
    int64_t redis_ahead_ms; /* Redis' clock before ours */
    int64_t read_at_ms;
    bool must_read;
    int64_t wait_ms; /* until the next run */
};

static const struct kind *find_kind(const struct task *task)
{
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        if (strcmp(kinds[i].what, task->what) == 0)
            return &kinds[i];
    }
    return NULL; /* of another version */
}

/* --- leases --- */

static struct task *find_held(struct tasks *tasks, const char *id)
{
    for (size_t i = 0; i < tasks->held_len; i++) {
        if (strcmp(tasks->held[i].id, id) == 0)
            return &tasks->held[i];
    }
    return NULL;
}

static void drop(struct tasks *tasks, struct task *task)
{
    *task = tasks->held[--tasks->held_len];
}

/* What others changed: cancelled, leased by another process, removed. */
static void renew_held(struct tasks *tasks, const struct task_list *list)
{
    for (size_t i = tasks->held_len; i-- > 0;) {
        struct task *task = &tasks->held[i];
        const struct task *now = task_list_find(list, task->id);
        if (now != NULL && now->state == TASK_RUNNING && now->fence == task->fence)
            *task = *now;
        else
            drop(tasks, task);
    }
}

static bool lease(struct tasks *tasks, struct session *session, const struct task_list *list)
{
    for (size_t i = 0; i < list->len && tasks->held_len < TASKS_RUNNING_MAX; i++) {
        struct task task = list->tasks[i];
        bool held = false;
        if (task.state != TASK_RUNNING || task.lease_until > list->now_ms ||
            find_kind(&task) == NULL || find_held(tasks, task.id) != NULL)
            continue;
        if (!task_lease(session, &task, &held))
            return false;
        if (held)
            tasks->held[tasks->held_len++] = task;
    }
    return true;
}

static bool remove_expired(struct session *session, struct task_list *list)
{
    struct bytes ids[TASKS_READ_MAX];

    return task_remove(session, ids, task_list_expired(list, ids));
}

static bool read_tasks(struct tasks *tasks, struct session *session)
{
    struct task_list list;

    if (!task_list_read(session, &list))
        return false;
    tasks->read_at_ms = loop_fresh_ms();
    tasks->redis_ahead_ms = list.now_ms - tasks->read_at_ms;
    tasks->must_read = false;
    if (!list.is_contract_ours)
        task_list_release(&list); /* and with it nothing to do */
    renew_held(tasks, &list);
    bool ok = lease(tasks, session, &list) && remove_expired(session, &list);
    task_list_release(&list);
    return ok;
}

/* --- steps --- */

/* The one whose turn it is; NULL: there is none. */
static struct task *next_task(struct tasks *tasks)
{
    struct task *next = NULL;

    for (size_t i = 0; i < tasks->held_len; i++) {
        if (next == NULL || tasks->held[i].next_at < next->next_at)
            next = &tasks->held[i];
    }
    return next;
}

static size_t step_max(const struct task *task)
{
    int64_t max = task->rate / STEPS_PER_SECOND;

    if (task->rate == 0 || max > SESSION_BATCH)
        return SESSION_BATCH;
    return max > 0 ? (size_t)max : 1;
}

/* Whether the step was done is not known, unless Redis refused it; then the task says why. */
static void note_failure(struct tasks *tasks, struct session *session, struct task *task)
{
    enum redis_fault fault = redis_error_fault(session->redis);
    bool held;

    tasks->must_read = true;
    tasks->wait_ms = READ_EVERY_MS;
    if (fault != FAULT_UNREACHABLE && fault != FAULT_LOST && fault != FAULT_TIMEOUT)
        (void)task_note(session, task, tasks->job.why.text, NOTE_WAIT_MS, &held);
}

static bool step(struct tasks *tasks, struct session *session, struct task *task)
{
    bool held = false;

    if (!find_kind(task)->step(session, task, step_max(task), &held)) {
        note_failure(tasks, session, task);
        return false;
    }
    if (held && task->state != TASK_RUNNING && tasks->ended_len < TASKS_RUNNING_MAX)
        tasks->ended[tasks->ended_len++] = *task;
    if (!held || task->state != TASK_RUNNING)
        drop(tasks, task);
    return true;
}

static void on_run(struct job *job, struct session *session)
{
    struct tasks *tasks = (struct tasks *)job;
    int64_t began_ms = loop_fresh_ms();
    struct task *task;

    tasks->wait_ms = READ_EVERY_MS;
    if ((tasks->must_read || began_ms - tasks->read_at_ms >= READ_EVERY_MS) &&
        !read_tasks(tasks, session))
        return;
    while ((task = next_task(tasks)) != NULL) {
        int64_t now_ms = loop_fresh_ms();
        int64_t wait_ms = task->next_at - (now_ms + tasks->redis_ahead_ms);
        tasks->wait_ms = wait_ms < READ_EVERY_MS ? wait_ms : READ_EVERY_MS;
        if (wait_ms > 0 || now_ms - began_ms >= RUN_MS || !step(tasks, session, task))
            return;
    }
}

/* --- the loop's --- */

static void log_ended(struct tasks *tasks)
{
    for (size_t i = 0; i < tasks->ended_len; i++) {
        const struct task *task = &tasks->ended[i];
        log_at(LOG_INFO, "task_done", log_text("task", task->id), log_text("what", task->what),
               log_int("done", task->done), log_int("skipped", task->skipped),
               log_int("failed", task->failed));
    }
    tasks->ended_len = 0;
}

/* Once, until all is well again. */
static void log_failure(struct tasks *tasks)
{
    const struct job *job = &tasks->job;
    bool fails = job->result != ADMIN_DONE;

    if (fails && !tasks->is_failing && job->is_run)
        log_at(LOG_WARN, "tasks_wait", log_text("why", job->why.text));
    if (job->is_run)
        tasks->is_failing = fails;
}

static void on_done(struct job *job)
{
    struct tasks *tasks = (struct tasks *)job;

    log_ended(tasks);
    log_failure(tasks);
    loop_timer_arm(&tasks->timer, tasks->wait_ms > 0 ? tasks->wait_ms : 0);
}

static void on_time(void *context)
{
    struct tasks *tasks = context;

    tasks->job.result = ADMIN_DONE;
    tasks->job.is_run = false;
    tasks->job.why.text[0] = '\0';
    if (jobs_add(tasks->jobs, &tasks->job) != 0)
        loop_timer_arm(&tasks->timer, READ_EVERY_MS);
}

struct tasks *tasks_new(struct loop *loop, struct jobs *jobs, const struct redis_options *options)
{
    struct tasks *tasks = calloc(1, sizeof(*tasks));

    if (tasks == NULL || loop_timer_init(loop, &tasks->timer, on_time, tasks) != 0) {
        free(tasks);
        return NULL;
    }
    tasks->jobs = jobs;
    tasks->options = options;
    tasks->must_read = true;
    tasks->job.run = on_run;
    tasks->job.done = on_done;
    loop_timer_arm(&tasks->timer, 0);
    return tasks;
}

/* A lease that cannot be given back ends by itself. */
static void ignore(void *context, enum admin_result result, const char *why)
{
    (void)context;
    (void)result;
    (void)why;
}

static void give_back(struct tasks *tasks)
{
    struct session session = {.tell = ignore};
    struct error_text why;

    if (tasks->held_len == 0 || session_open(&session, tasks->options, "roomhook-web", &why) != 0)
        return;
    for (size_t i = 0; i < tasks->held_len; i++) {
        if (!task_give_back(&session, &tasks->held[i]))
            break;
    }
    session_close(&session);
}

void tasks_free(struct tasks *tasks)
{
    if (tasks == NULL)
        return;
    give_back(tasks);
    loop_timer_release(&tasks->timer);
    free(tasks);
}
