/* The bulk tasks. */
#include <inttypes.h>

#include "admin/doctor/judge.h"

static void judge_invalid(struct findings *findings, const struct tasks_facts *tasks,
                          const struct keys *keys)
{
    if (tasks->too_many) {
        findings_add(findings, PART_QUEUE, "tasks", LEVEL_WARNING,
                     "%s has %" PRId64 " fields: roomhook-web refuses to work on it", keys->tasks,
                     tasks->stored);
        findings_advise(findings, "find out what wrote them, HDEL those that are no tasks");
    }
    if (tasks->invalid.count > 0) {
        findings_add(findings, PART_QUEUE, "tasks", LEVEL_WARNING,
                     "%s: %" PRId64 " records cannot be read, like that of %s", keys->tasks,
                     tasks->invalid.count, tasks->invalid.id);
        findings_advise(findings, "redis-cli HDEL '%s' '%s'", keys->tasks, tasks->invalid.id);
    }
}

void judge_tasks(struct findings *findings, const struct doctor_facts *facts,
                 const struct keys *keys)
{
    const struct tasks_facts *tasks = &facts->tasks;

    if (!facts->asked[ASK_TASKS].answered)
        return;
    judge_invalid(findings, tasks, keys);
    if (tasks->free.count > 0) {
        findings_add(findings, PART_QUEUE, "tasks", LEVEL_WARNING,
                     "bulk tasks that no roomhook-web works on: %" PRId64 ", like %s",
                     tasks->free.count, tasks->free.id);
        findings_advise(findings, "start roomhook-web with --actions, or cancel them");
    }
    if (tasks->refused.count > 0) {
        findings_add(findings, PART_QUEUE, "tasks", LEVEL_WARNING,
                     "bulk tasks whose last step failed: %" PRId64 ", like %s: %s",
                     tasks->refused.count, tasks->refused.id, tasks->error);
        findings_advise(findings, "mend that, they go on by themselves; or cancel them");
    }
    if (!tasks->too_many && tasks->invalid.count + tasks->free.count + tasks->refused.count == 0)
        findings_add(findings, PART_QUEUE, "tasks", LEVEL_OK, "bulk tasks: %" PRId64 " running",
                     tasks->running);
}
