/* Workers, living and dead, and the dead letters they write. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "admin/doctor/judge.h"
#include "admin/human_text.h"

#define NEVER_EXPIRES INT64_C(-1)
#define HEARTBEAT_TTL_DEFAULT_MS 15000
#define IN_FLIGHT_MS 120000 /* how long a worker may have held what it had when it died */
#define NEAR_CAP 0.9

static bool is_alive(const struct worker_fact *worker)
{
    return worker->pttl_ms >= NEVER_EXPIRES;
}

struct census {
    int64_t alive;
    int64_t left;         /* dead, and nothing is pending for them */
    int64_t dead_pending; /* entries of the others that are dead */
    int64_t ttl_ms;       /* at least two thirds of the workers' heartbeat-ttl */
};

static struct census count(const struct workers_facts *workers)
{
    struct census census = {.ttl_ms = HEARTBEAT_TTL_DEFAULT_MS};

    for (size_t i = 0; i < workers->len; i++) {
        const struct worker_fact *worker = &workers->list[i];
        if (is_alive(worker)) {
            census.alive++;
            if (worker->pttl_ms > census.ttl_ms)
                census.ttl_ms = worker->pttl_ms;
        } else if (worker->pending > 0) {
            census.dead_pending += worker->pending;
        } else {
            census.left++;
        }
    }
    return census;
}

/* Nobody alive is normal for a queue on which nothing waits. */
static void judge_nobody(struct findings *findings, const struct queue_facts *queue,
                         const struct census *census)
{
    if (queue->events == 0 && queue->due == 0) {
        findings_add(findings, PART_WORKERS, "alive", LEVEL_NOTE, "no worker is alive");
        findings_advise(findings, "start roomhook-worker");
        return;
    }
    findings_add(findings, PART_WORKERS, "alive", LEVEL_ERROR,
                 "no worker is alive; waiting events: %" PRId64 ", %" PRId64
                 " of them pending for dead workers; due lanes: %" PRId64,
                 queue->events, census->dead_pending, queue->due);
    findings_advise(findings, "start roomhook-worker; it takes over what is pending");
}

static void judge_versions(struct findings *findings, const struct workers_facts *workers,
                           const struct census *census)
{
    const char *version = NULL;

    for (size_t i = 0; i < workers->len; i++) {
        const struct worker_fact *worker = &workers->list[i];
        if (!is_alive(worker))
            continue;
        if (!version)
            version = worker->version;
        if (strcmp(version, worker->version) == 0)
            continue;
        findings_add(findings, PART_WORKERS, "versions", LEVEL_NOTE,
                     "%" PRId64 " alive, of different versions: %s and %s", census->alive,
                     version[0] != '\0' ? version : "unknown",
                     worker->version[0] != '\0' ? worker->version : "unknown");
        findings_advise(findings, "finish the upgrade: restart the older ones one by one");
        return;
    }
    findings_add(findings, PART_WORKERS, "alive", LEVEL_OK, "%" PRId64 " alive, version %s",
                 census->alive, version && version[0] != '\0' ? version : "unknown");
}

static void judge_heartbeat(struct findings *findings, const struct worker_fact *worker,
                            const struct keys *keys)
{
    if (worker->pttl_ms != NEVER_EXPIRES)
        return;
    findings_add(findings, PART_WORKERS, "heartbeat", LEVEL_ERROR,
                 "the heartbeat of %s never expires: no worker would take over from it",
                 worker->name);
    findings_advise(findings, "redis-cli DEL '{%s}:worker:NAME'; a living worker writes it again",
                    keys->queue);
}

static enum redis_fault fault_named(const char *name)
{
    for (enum redis_fault fault = FAULT_NONE + 1; fault < FAULTS; fault++) {
        if (strcmp(redis_fault_name(fault), name) == 0)
            return fault;
    }
    return FAULT_OTHER;
}

/* The command that may not be used: in our words, in those of Redis, or what was refused itself. */
static size_t find_command(const char *what, const char **ret_command)
{
    static const char *const before[] = {" may not ", " run the '", " subcommand: "};
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    const char *command = what;

    for (size_t i = 0; i < sizeof(before) / sizeof(before[0]); i++) {
        const char *found = strstr(what, before[i]);
        if (found)
            command = found + strlen(before[i]);
    }
    size_t len = strspn(command, letters);
    bool is_error = strncmp(what, "ERR ", 4) == 0 || strncmp(what, "NOPERM ", 7) == 0;
    if (command == what && (is_error || strcspn(what, "abcdefghijklmnopqrstuvwxyz") < len))
        return 0;
    *ret_command = command;
    return len;
}

static void advise_refused(struct findings *findings, const struct worker_fact *worker)
{
    enum redis_fault fault = fault_named(worker->refused);
    const char *command = NULL;
    size_t len = fault == FAULT_NOPERM ? find_command(worker->refused_what, &command) : 0;
    char right[32] = "";

    for (size_t i = 0; i < len && i + 1 < sizeof(right); i++)
        right[i] = (char)(command[i] | 0x20); /* lower case */
    if (right[0] != '\0')
        findings_advise(findings, "give its user +%s, or all that docs/operations.md lists", right);
    else
        findings_advise(findings, "%s; the worker's log has the words of Redis",
                        redis_fault_advice(fault));
}

/* What Redis refuses it, as its heartbeat says. */
static void judge_refused(struct findings *findings, const struct worker_fact *worker)
{
    char age[HUMAN_TEXT_SIZE];

    if (worker->unstored > 0) {
        findings_add(findings, PART_WORKERS, "unstored", LEVEL_ERROR,
                     "%s cannot store %" PRId64 " outcome%s, for %s, and reads nothing (%s%s%s)",
                     worker->name, worker->unstored, worker->unstored == 1 ? "" : "s",
                     human_age(worker->unstored_ms, age), worker->refused,
                     worker->refused_what[0] != '\0' ? ": " : "", worker->refused_what);
    } else if (worker->refused[0] != '\0') {
        findings_add(findings, PART_WORKERS, "refused", LEVEL_WARNING, "Redis refuses %s %s (%s)",
                     worker->name,
                     worker->refused_what[0] != '\0' ? worker->refused_what : "commands",
                     worker->refused);
    } else {
        return;
    }
    advise_refused(findings, worker);
}

/*
 * The leader takes over once an entry was idle for a heartbeat-ttl and the heartbeat is gone, and
 * looks every third of that; a new leader waits for a heartbeat-ttl first.
 */
static void judge_dead_worker(struct findings *findings, const struct worker_fact *worker,
                              const struct census *census)
{
    char age[HUMAN_TEXT_SIZE];

    if (is_alive(worker) || worker->pending == 0)
        return;
    human_age(worker->idle_ms, age);
    if (census->alive == 0) {
        findings_add(findings, PART_WORKERS, "dead-worker", LEVEL_NOTE,
                     "%s is dead, silent for %s, pending entries: %" PRId64, worker->name, age,
                     worker->pending);
        findings_advise(findings, "nothing more: the first worker that starts takes them over");
    } else if (worker->idle_ms <= IN_FLIGHT_MS + 3 * census->ttl_ms) {
        findings_add(findings, PART_WORKERS, "dead-worker", LEVEL_NOTE,
                     "%s is gone, silent for %s; others take over its pending entries: %" PRId64,
                     worker->name, age, worker->pending);
        findings_advise(findings, "nothing; if it is still there in a minute, look at the leader's "
                                  "log");
    } else {
        findings_add(
            findings, PART_WORKERS, "dead-worker", LEVEL_ERROR,
            "%s is dead, silent for %s, and no worker takes over its pending entries: %" PRId64,
            worker->name, age, worker->pending);
        findings_advise(findings, "look at the logs of the living for redis_error; restart them "
                                  "one by one");
    }
}

static void judge_left(struct findings *findings, const struct census *census)
{
    if (census->left == 0)
        return;
    findings_add(findings, PART_WORKERS, "left-over", LEVEL_NOTE,
                 "consumers without heartbeat and pending entries: %" PRId64, census->left);
    findings_advise(findings, "nothing: the leader removes them");
}

void judge_workers(struct findings *findings, const struct doctor_facts *facts,
                   const struct keys *keys)
{
    const struct workers_facts *workers = &facts->workers;
    struct census census = count(workers);

    if (!facts->asked[ASK_WORKERS].answered)
        return;
    if (census.alive == 0)
        judge_nobody(findings, &facts->queue, &census);
    else
        judge_versions(findings, workers, &census);
    for (size_t i = 0; i < workers->len; i++) {
        judge_heartbeat(findings, &workers->list[i], keys);
        judge_refused(findings, &workers->list[i]);
        judge_dead_worker(findings, &workers->list[i], &census);
    }
    judge_left(findings, &census);
}

/* --- dead letters --- */

static bool is_near(int64_t value, int64_t cap)
{
    return (double)value >= (double)cap * NEAR_CAP;
}

static void advise_on_caps(struct findings *findings)
{
    findings_advise(findings, "roomhook dead replay or dead purge; past the cap the oldest are "
                              "dropped");
}

static void judge_count(struct findings *findings, const struct doctor_facts *facts)
{
    int64_t cap = facts->dead_max;
    bool near = is_near(facts->queue.dead, cap);

    findings_add(findings, PART_DEAD, "dead-max", near ? LEVEL_WARNING : LEVEL_OK,
                 "letters: %" PRId64 ", the cap is %" PRId64, facts->queue.dead, cap);
    if (near)
        advise_on_caps(findings);
}

static void judge_bytes(struct findings *findings, const struct doctor_facts *facts)
{
    bool near = is_near(facts->dead_bytes, facts->dead_max_bytes);
    char size[HUMAN_TEXT_SIZE];
    char cap[HUMAN_TEXT_SIZE];

    findings_add(findings, PART_DEAD, "dead-max-bytes", near ? LEVEL_WARNING : LEVEL_OK,
                 "memory: %s, the cap is %s", human_size(facts->dead_bytes, size),
                 human_size(facts->dead_max_bytes, cap));
    if (near)
        advise_on_caps(findings);
}

void judge_dead(struct findings *findings, const struct doctor_facts *facts,
                const struct keys *keys)
{
    if (facts->asked[ASK_QUEUE].answered)
        judge_count(findings, facts);
    if (facts->asked[ASK_DEAD_BYTES].answered)
        judge_bytes(findings, facts);
    if (!facts->asked[ASK_COUNTERS].answered)
        return;
    if (facts->dead_dropped == 0) {
        findings_add(findings, PART_DEAD, "dead-dropped", LEVEL_OK, "none was ever dropped");
        return;
    }
    findings_add(findings, PART_DEAD, "dead-dropped", LEVEL_WARNING,
                 "counter dead_dropped: %" PRId64 " letters went over a cap", facts->dead_dropped);
    findings_advise(findings,
                    "raise dead-max or dead-max-bytes, or replay and purge in time; "
                    "redis-cli HDEL '%s' dead_dropped resets the count",
                    keys->stats);
}
