/* Redis itself: version, role, memory, persistence, clock. */
#include <inttypes.h>
#include <string.h>

#include "admin/doctor/judge.h"
#include "admin/human_text.h"
#include "redis/version.h"

#define MEMORY_WARNING_PERCENT 80
#define CLOCK_WARNING_MS 2000
#define CLOCK_ERROR_MS 30000 /* receivers refuse signatures that are 5 minutes off */

/* A field that this server's INFO does not have. */
static void not_told(struct findings *findings, const char *check, const char *field)
{
    findings_add(findings, PART_REDIS, check, LEVEL_UNCHECKED,
                 "could not check %s: INFO does not tell %s", check, field);
    findings_advise(findings, "use Redis " REDIS_VERSION_NEEDED " or later");
}

static void judge_version(struct findings *findings, const struct info *info)
{
    int64_t number = redis_version_number(bytes_of(info->version));

    if (number == REDIS_VERSION_UNKNOWN) {
        not_told(findings, "version", "a redis_version of three numbers");
        return;
    }
    if (number >= redis_version_number(BYTES(REDIS_VERSION_NEEDED))) {
        if (info->valkey_version[0] != '\0')
            findings_add(findings, PART_REDIS, "version", LEVEL_OK,
                         "version %s of Valkey, which is like %s of Redis", info->valkey_version,
                         info->version);
        else
            findings_add(findings, PART_REDIS, "version", LEVEL_OK, "version %s", info->version);
        return;
    }
    findings_add(findings, PART_REDIS, "version", LEVEL_ERROR,
                 "version %s is older than " REDIS_VERSION_NEEDED, info->version);
    findings_advise(findings, "upgrade Redis: workers use what came with 7.0, and before "
                              "" REDIS_VERSION_NEEDED " a claim may crash it");
}

static void judge_cluster(struct findings *findings, const struct info *info)
{
    if (info->cluster_enabled < 0)
        not_told(findings, "cluster", "cluster_enabled");
    if (info->cluster_enabled != 1)
        return;
    findings_add(findings, PART_REDIS, "cluster", LEVEL_WARNING,
                 "this is a Redis Cluster, and workers do not follow its redirects");
    findings_advise(findings, "use a Redis without cluster; else it works only as long as this "
                              "node has the queue's slot");
}

static void judge_replicas(struct findings *findings, const struct info *info)
{
    if (info->replicas_behind == 0) {
        findings_add(findings, PART_REDIS, "role", LEVEL_OK, "a master, with %" PRId64 " replica%s",
                     info->replicas > 0 ? info->replicas : 0, info->replicas == 1 ? "" : "s");
        return;
    }
    findings_add(findings, PART_REDIS, "replicas", LEVEL_WARNING,
                 "%" PRId64 " of %" PRId64 " replicas are not in step", info->replicas_behind,
                 info->replicas);
    findings_advise(findings, "look at master_link_status and the log of the replicas; a failover "
                              "to one now would lose events");
}

static void judge_role(struct findings *findings, const struct info *info)
{
    if (info->role[0] == '\0') {
        not_told(findings, "role", "role");
    } else if (strcmp(info->role, "master") == 0) {
        judge_replicas(findings, info);
    } else {
        findings_add(findings, PART_REDIS, "role", LEVEL_ERROR,
                     "this Redis is a %s, not a master: it takes no events", info->role);
        findings_advise(findings, "give the address of the master, or of the Sentinels "
                                  "(redis+sentinel://)");
    }
}

/* Without a limit a policy does nothing, until somebody sets one. */
static void judge_eviction(struct findings *findings, const struct info *info)
{
    if (info->policy[0] == '\0') {
        not_told(findings, "eviction", "maxmemory_policy");
        return;
    }
    if (strcmp(info->policy, "noeviction") == 0) {
        findings_add(findings, PART_REDIS, "eviction", LEVEL_OK, "maxmemory-policy noeviction");
    } else {
        findings_add(findings, PART_REDIS, "eviction",
                     info->max_memory == 0 ? LEVEL_WARNING : LEVEL_ERROR,
                     "maxmemory-policy %s may throw %s away when memory is short", info->policy,
                     strncmp(info->policy, "volatile", 8) == 0 ? "heartbeats" : "the queue");
        findings_advise(findings, "redis-cli CONFIG SET maxmemory-policy noeviction, then "
                                  "redis-cli CONFIG REWRITE");
    }
}

static void judge_evicted(struct findings *findings, const struct info *info)
{
    if (info->evicted_keys < 0)
        not_told(findings, "evicted", "evicted_keys");
    if (info->evicted_keys > 0) {
        findings_add(findings, PART_REDIS, "evicted", LEVEL_WARNING,
                     "%" PRId64 " keys were evicted since Redis started; the queue's may be "
                     "among them",
                     info->evicted_keys);
        findings_advise(findings, "send again what is missing; redis-cli CONFIG RESETSTAT resets "
                                  "the count");
    }
}

/* Without maxmemory the machine is the limit. */
static void judge_no_limit(struct findings *findings, const struct info *info)
{
    char used[HUMAN_TEXT_SIZE];
    char system[HUMAN_TEXT_SIZE];
    bool is_much = info->system_memory > 0 &&
                   info->used_memory / MEMORY_WARNING_PERCENT > info->system_memory / 100;

    if (info->system_memory > 0)
        findings_add(findings, PART_REDIS, "memory", is_much ? LEVEL_WARNING : LEVEL_NOTE,
                     "no maxmemory: Redis may grow until the kernel ends it; %s of the machine's "
                     "%s used",
                     human_size(info->used_memory, used), human_size(info->system_memory, system));
    else
        findings_add(findings, PART_REDIS, "memory", LEVEL_NOTE,
                     "no maxmemory: Redis may grow until the kernel ends it; %s used",
                     human_size(info->used_memory, used));
    findings_advise(findings, "redis-cli CONFIG SET maxmemory, to what leaves room on its machine");
}

static void judge_memory(struct findings *findings, const struct info *info)
{
    char used[HUMAN_TEXT_SIZE];
    char max[HUMAN_TEXT_SIZE];

    if (info->used_memory < 0 || info->max_memory < 0) {
        not_told(findings, "memory", "used_memory and maxmemory");
        return;
    }
    if (info->max_memory == 0) {
        judge_no_limit(findings, info);
        return;
    }
    bool is_full = info->used_memory >= info->max_memory;
    bool is_much = info->used_memory / MEMORY_WARNING_PERCENT > info->max_memory / 100;
    findings_add(findings, PART_REDIS, "memory",
                 is_full   ? LEVEL_ERROR
                 : is_much ? LEVEL_WARNING
                           : LEVEL_OK,
                 "%s of %s used%s", human_size(info->used_memory, used),
                 human_size(info->max_memory, max), is_full ? ": events are refused" : "");
    if (is_full || is_much)
        findings_advise(findings, "find what fills it (roomhook status, redis-cli --bigkeys), or "
                                  "raise maxmemory");
}

static void judge_append_file(struct findings *findings, const struct doctor_facts *facts)
{
    const struct info *info = &facts->info;

    if (info->aof_enabled < 0) {
        not_told(findings, "persistence", "aof_enabled");
    } else if (info->aof_enabled == 0) {
        findings_add(findings, PART_REDIS, "persistence", LEVEL_WARNING,
                     "appendonly is off: when Redis restarts, what came since its last snapshot "
                     "is lost");
        findings_advise(findings, "redis-cli CONFIG SET appendonly yes, then redis-cli CONFIG "
                                  "REWRITE");
    } else if (strcmp(facts->appendfsync, "no") == 0) {
        findings_add(findings, PART_REDIS, "persistence", LEVEL_WARNING,
                     "appendfsync is no: a crash of the machine loses half a minute of events");
        findings_advise(findings, "redis-cli CONFIG SET appendfsync everysec, then redis-cli "
                                  "CONFIG REWRITE");
    } else {
        findings_add(findings, PART_REDIS, "persistence", LEVEL_OK, "appendonly%s%s",
                     facts->appendfsync[0] != '\0' ? ", appendfsync " : "", facts->appendfsync);
    }
}

/* One of INFO's words about the last write of some kind: "ok" or "err". */
static void judge_write(struct findings *findings, const char *check, const char *what,
                        const char *word)
{
    if (word[0] == '\0')
        not_told(findings, check, what);
    if (word[0] == '\0' || strcmp(word, "ok") == 0)
        return;
    findings_add(findings, PART_REDIS, check, LEVEL_ERROR,
                 "%s failed (%s): Redis may refuse writes", what, word);
    findings_advise(findings, "look at Redis' log and the room on its disk");
}

static void judge_writes(struct findings *findings, const struct doctor_facts *facts)
{
    const struct asking *asked = &facts->asked[ASK_WRITE];

    if (asked->answered)
        findings_add(findings, PART_REDIS, "writes", LEVEL_OK, "writes are taken");
    if (asked->answered || facts->write_fault == FAULT_NONE || facts->write_fault == FAULT_NOPERM)
        return;
    findings_add(findings, PART_REDIS, "writes", LEVEL_ERROR,
                 "no write is taken, so nothing is sent or settled: %s", asked->refusal);
    findings_advise(findings, "%s", redis_fault_advice(facts->write_fault));
}

static void judge_clock(struct findings *findings, const struct doctor_facts *facts)
{
    int64_t ahead_ms = facts->clock_ahead_ms;
    int64_t off_ms = ahead_ms < 0 ? -ahead_ms : ahead_ms;
    char off[HUMAN_TEXT_SIZE];

    if (!facts->asked[ASK_TIME].answered)
        return;
    if (off_ms <= CLOCK_WARNING_MS) {
        findings_add(findings, PART_REDIS, "clock", LEVEL_OK,
                     "this machine's clock agrees with that of Redis");
        return;
    }
    findings_add(findings, PART_REDIS, "clock",
                 off_ms > CLOCK_ERROR_MS ? LEVEL_ERROR : LEVEL_WARNING,
                 "this machine's clock is %s %s that of Redis", human_age(off_ms, off),
                 ahead_ms < 0 ? "behind" : "ahead of");
    findings_advise(findings,
                    "run NTP on both; receivers refuse signatures of a worker whose clock "
                    "is 5 minutes off");
}

static void judge_access(struct findings *findings, const struct access_facts *access)
{
    if (!access->asked)
        return;
    if (access->refusal[0] != '\0') {
        findings_add(findings, PART_REDIS, "access", LEVEL_UNCHECKED,
                     "could not check that Redis needs a password: %s", access->refusal);
        findings_advise(findings, "mend that first, then look again");
    } else if (!access->is_open) {
        findings_add(findings, PART_REDIS, "access", LEVEL_OK, "the queue needs a password");
    } else {
        findings_add(findings, PART_REDIS, "access", access->is_local ? LEVEL_NOTE : LEVEL_WARNING,
                     "the queue needs no password: every client %s may use it",
                     access->is_local ? "on Redis' own machine" : "that reaches Redis");
        findings_advise(findings, "give workers, producers and operators users of their own, then "
                                  "redis-cli ACL SETUSER default resetpass '>a-password'");
    }
}

void judge_redis(struct findings *findings, const struct doctor_facts *facts)
{
    const struct info *info = &facts->info;

    if (facts->asked[ASK_INFO].answered) {
        judge_version(findings, info);
        judge_cluster(findings, info);
        judge_role(findings, info);
        judge_eviction(findings, info);
        judge_evicted(findings, info);
        judge_memory(findings, info);
        judge_append_file(findings, facts);
        judge_write(findings, "aof-write", "the last write to the append-only file",
                    info->aof_write);
        judge_write(findings, "aof-rewrite", "the last rewrite of the append-only file",
                    info->aof_rewrite);
        judge_write(findings, "snapshot", "the last snapshot", info->rdb_save);
    }
    judge_writes(findings, facts);
    judge_access(findings, &facts->access);
    judge_clock(findings, facts);
}
