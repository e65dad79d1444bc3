/* What could not be looked at. */
#include <string.h>

#include "admin/doctor/judge.h"

static const struct {
    enum part part;
    const char *check;
    const char *what;
    const char *rights;
} questions[QUESTIONS] = {
    [ASK_INFO] = {PART_REDIS, "info", "version, role, memory and persistence", "+info"},
    [ASK_APPENDFSYNC] = {PART_REDIS, "appendfsync", "appendfsync", "+config|get"},
    [ASK_TIME] = {PART_REDIS, "clock", "the clock", "+time"},
    [ASK_WRITE] = {PART_REDIS, "writes", "that Redis takes writes", "+eval"},
    [ASK_QUEUE] = {PART_QUEUE, "queue", "the queue's keys, group and entries",
                   "+eval +type +pttl +time +xlen +xrange +xinfo|groups +zcard +zcount +zrange "
                   "+hlen +hget"},
    [ASK_STORED] = {PART_QUEUE, "stored", "that every entry that was read is pending",
                    "+eval +xrange +xpending"},
    [ASK_PENDING] = {PART_QUEUE, "pending", "that every pending entry is stored",
                     "+eval +xrange +xpending"},
    [ASK_DELIVERIES] = {PART_QUEUE, "places", "that every waiting delivery is in a lane",
                        "+eval +hscan +hexists +zscore +sismember"},
    [ASK_LANES] = {PART_QUEUE, "looks", "that every lane is looked at in time",
                   "+eval +zscan +time +zscore +zrange +hget +hexists"},
    [ASK_GATES] = {PART_QUEUE, "gates", "what keeps lanes back", "+hscan"},
    [ASK_LEASES] = {PART_QUEUE, "leases", "that every lease is of a waiting delivery",
                    "+eval +hscan +hexists"},
    [ASK_DOCUMENTS] = {PART_QUEUE, "documents", "that every shared document is needed",
                       "+eval +hscan +hexists +smembers"},
    [ASK_COUNTERS] = {PART_QUEUE, "counters",
                      "the counters lost, deleted_externally and dead_dropped", "+hmget"},
    [ASK_WORKERS] = {PART_WORKERS, "workers", "the workers", "+eval +get +pttl +xinfo|consumers"},
    [ASK_KEYS] = {PART_HOOKS, "hooks", "the rooms' hooks", "+scan"},
    [ASK_ROOMS] = {PART_HOOKS, "hooks", "the rooms' hooks", "+eval +type +pttl +hlen +hgetall"},
    [ASK_HOOK_STATES] = {PART_HOOKS, "disabled", "which hooks are disabled", "+hmget"},
    [ASK_TASKS] = {PART_QUEUE, "tasks", "the bulk tasks", "+eval +time +type +hget +hlen +hgetall"},
    [ASK_DEAD_BYTES] = {PART_DEAD, "dead-max-bytes", "how much memory the dead letters take",
                        "+memory|usage"},
};

/* Redis has one answer for commands, and others for those of scripts: before 7.2 and since. */
static bool is_about_rights(const char *refusal)
{
    return strstr(refusal, "NOPERM") || strstr(refusal, "executing the script can't") ||
           strstr(refusal, "ACL failure in script");
}

static void advise(struct findings *findings, enum question question, const char *refusal,
                   const struct keys *keys)
{
    if (question == ASK_APPENDFSYNC)
        findings_advise(findings,
                        "look at it as an administrator: the right %s shows passwords too",
                        questions[question].rights);
    else if (!is_about_rights(refusal))
        findings_advise(findings, "mend that first, then look again");
    else if (strstr(refusal, " keys ") || strstr(refusal, " a key"))
        findings_advise(findings, "give the user the keys ~{%s}:*", keys->queue);
    else
        findings_advise(findings, "give the user %s", questions[question].rights);
}

void judge_refusals(struct findings *findings, const struct doctor_facts *facts,
                    const struct keys *keys)
{
    for (enum question question = 0; question < QUESTIONS; question++) {
        const char *refusal = facts->asked[question].refusal;
        /* That it takes no write is a finding of judge_redis. */
        if (refusal[0] == '\0' || (question == ASK_WRITE && !is_about_rights(refusal)))
            continue;
        /* The right that appendfsync needs is better not given. */
        findings_add(findings, questions[question].part, questions[question].check,
                     question == ASK_APPENDFSYNC ? LEVEL_NOTE : LEVEL_UNCHECKED,
                     "could not check %s: %s", questions[question].what, refusal);
        advise(findings, question, refusal, keys);
    }
}
