/* The queue's keys: their types, the group, and what must be the same in two places. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "admin/doctor/judge.h"
#include "admin/human_text.h"

#define OVERDUE_WARNING_MS (5 * INT64_C(60000)) /* workers lease what is due within a second */
#define UNREAD_WARNING_MS (5 * INT64_C(60000))
#define PENDING_WARNING_MS 300000

static const char *const key_types[QUEUE_KEYS] = {
    [KEY_EVENTS] = "stream",        [KEY_DELIVERIES] = "hash",
    [KEY_LANES] = "zset",           [KEY_LANES_SHUT] = "zset",
    [KEY_DEAD] = "stream",          [KEY_META] = "hash",
    [KEY_RETRIES] = "zset",         [KEY_HOOKS_PACE] = "hash",
    [KEY_DOCUMENTS] = "hash",       [KEY_LEASES] = "hash",
    [KEY_GATES] = "hash",           [KEY_DEAD_BY_ROOM] = "zset",
    [KEY_DEAD_BYTES] = "hash",      [KEY_HOOKS_STATE] = "hash",
    [KEY_HOOKS_CHANGED] = "stream", [KEY_STATS] = "hash",
    [KEY_LEADER] = "string",        [KEY_HOOKS_RECENT] = "hash",
    [KEY_DELIVERED] = "stream",     [KEY_DELIVERED_DOCUMENTS] = "hash",
    [KEY_TASKS] = "hash",
};

static const char *key_name(const struct keys *keys, enum queue_key key)
{
    const char *const names[QUEUE_KEYS] = {
        [KEY_EVENTS] = keys->events,
        [KEY_DELIVERIES] = keys->deliveries,
        [KEY_LANES] = keys->lanes,
        [KEY_LANES_SHUT] = keys->lanes_shut,
        [KEY_DEAD] = keys->dead,
        [KEY_META] = keys->meta,
        [KEY_RETRIES] = keys->retries,
        [KEY_HOOKS_PACE] = keys->hooks_pace,
        [KEY_DOCUMENTS] = keys->documents,
        [KEY_LEASES] = keys->leases,
        [KEY_GATES] = keys->gates,
        [KEY_DEAD_BY_ROOM] = keys->dead_by_room,
        [KEY_DEAD_BYTES] = keys->dead_bytes,
        [KEY_HOOKS_STATE] = keys->hooks_state,
        [KEY_HOOKS_CHANGED] = keys->hooks_changed,
        [KEY_STATS] = keys->stats,
        [KEY_LEADER] = keys->leader,
        [KEY_HOOKS_RECENT] = keys->hooks_recent,
        [KEY_DELIVERED] = keys->delivered,
        [KEY_DELIVERED_DOCUMENTS] = keys->delivered_documents,
        [KEY_TASKS] = keys->tasks,
    };

    return names[key];
}

static bool is_there(const struct key_fact *key)
{
    return strcmp(key->type, "none") != 0;
}

/* Is this key of the type that it must have? Not, when it is not there. */
static bool has_type(const struct queue_facts *queue, enum queue_key key)
{
    return strcmp(queue->keys[key].type, key_types[key]) == 0;
}

static bool judge_type(struct findings *findings, const struct queue_facts *queue,
                       enum queue_key key, const char *name)
{
    if (!is_there(&queue->keys[key]) || has_type(queue, key))
        return true;
    findings_add(findings, PART_QUEUE, "type", LEVEL_ERROR, "%s is a %s; it must be a %s", name,
                 queue->keys[key].type, key_types[key]);
    findings_advise(findings, "find out who wrote it, RENAME it away; workers create it again");
    return false;
}

/* What workers keep for a while only. */
static bool is_passing(enum queue_key key)
{
    return key == KEY_DELIVERED || key == KEY_DELIVERED_DOCUMENTS;
}

/* The leader's lease is the only one of the others that expires, and must. */
static bool judge_expiry(struct findings *findings, const struct queue_facts *queue,
                         enum queue_key key, const char *name)
{
    int64_t pttl_ms = queue->keys[key].pttl_ms;
    char age[HUMAN_TEXT_SIZE];

    if (!is_there(&queue->keys[key]) || is_passing(key) || (pttl_ms < 0) == (key != KEY_LEADER))
        return true;
    if (key == KEY_LEADER) {
        findings_add(
            findings, PART_QUEUE, "expiry", LEVEL_ERROR,
            "%s never expires: when its worker is gone, no worker takes over from the dead", name);
        findings_advise(findings, "redis-cli DEL '%s'; a worker takes the lease again", name);
        return false;
    }
    findings_add(findings, PART_QUEUE, "expiry", LEVEL_ERROR,
                 "%s expires in %s, and all of it is "
                 "lost then",
                 name, human_age(pttl_ms, age));
    findings_advise(findings, "redis-cli PERSIST '%s'; find out who set an expiry on it", name);
    return false;
}

static void judge_keys(struct findings *findings, const struct queue_facts *queue,
                       const struct keys *keys)
{
    bool all_well = true;

    for (enum queue_key key = 0; key < QUEUE_KEYS; key++) {
        const char *name = key_name(keys, key);
        all_well &= judge_type(findings, queue, key, name);
        all_well &= judge_expiry(findings, queue, key, name);
    }
    if (all_well)
        findings_add(findings, PART_QUEUE, "keys", LEVEL_OK,
                     "every key has its type, none expires");
}

static void judge_contract(struct findings *findings, const struct queue_facts *queue,
                           const struct keys *keys)
{
    if (queue->contract[0] == '\0') {
        findings_add(findings, PART_QUEUE, "contract", LEVEL_NOTE,
                     "%s has no contract: no worker has noted it yet", keys->meta);
        findings_advise(findings, "start a worker, if this is the right queue and Redis");
    } else if (strcmp(queue->contract, KEYS_CONTRACT) == 0 && queue->is_converting) {
        findings_add(findings, PART_QUEUE, "contract", LEVEL_NOTE,
                     "contract " KEYS_CONTRACT ", being converted from contract 1");
        findings_advise(findings, "nothing, while a worker runs: its log says how far it is");
    } else if (strcmp(queue->contract, KEYS_CONTRACT) == 0) {
        findings_add(findings, PART_QUEUE, "contract", LEVEL_OK, "contract " KEYS_CONTRACT);
    } else if (strcmp(queue->contract, KEYS_CONTRACT_OLD) == 0) {
        findings_add(findings, PART_QUEUE, "contract", LEVEL_NOTE,
                     "%s has contract " KEYS_CONTRACT_OLD ", this version converts it", keys->meta);
        findings_advise(findings, "stop the older workers, start one of this version");
    } else {
        findings_add(findings, PART_QUEUE, "contract", LEVEL_ERROR,
                     "%s has contract %s, this version knows " KEYS_CONTRACT, keys->meta,
                     queue->contract);
        findings_advise(findings, "use the version of Roomhook that made this queue, or another "
                                  "queue");
    }
}

static void judge_other_groups(struct findings *findings, const struct queue_facts *queue,
                               const struct keys *keys)
{
    char names[FINDING_TEXT_SIZE] = "";
    size_t len = 0;

    if (queue->other_groups_len == 0)
        return;
    for (size_t i = 0; i < queue->other_groups_len && i < OTHER_GROUPS_MAX; i++)
        len += (size_t)snprintf(names + len, sizeof(names) - len, "%s%s", i > 0 ? ", " : "",
                                queue->other_groups[i]);
    findings_add(findings, PART_QUEUE, "other-groups", LEVEL_WARNING,
                 "other groups read %s (%zu), and miss what workers delete: %s", keys->events,
                 queue->other_groups_len, names);
    findings_advise(findings,
                    "let their readers have a stream of their own, then redis-cli XGROUP "
                    "DESTROY '%s' GROUP",
                    keys->events);
}

/* That the stream has no group yet is nothing wrong as long as nothing is in it. */
static void judge_group(struct findings *findings, const struct queue_facts *queue,
                        const struct keys *keys)
{
    if (queue->has_group) {
        findings_add(findings, PART_QUEUE, "group", LEVEL_OK,
                     "the stream has its group " KEYS_GROUP);
        return;
    }
    findings_add(findings, PART_QUEUE, "group", queue->events > 0 ? LEVEL_WARNING : LEVEL_NOTE,
                 "%s has no group " KEYS_GROUP, keys->events);
    findings_advise(findings,
                    "start a worker, it makes the group; if one runs already, look at its "
                    "log");
}

static void judge_waiting(struct findings *findings, const struct queue_facts *queue)
{
    int64_t unread = queue->events > queue->pending ? queue->events - queue->pending : 0;
    int64_t age_ms = queue->now_ms - queue->oldest_unread_ms;
    char age[HUMAN_TEXT_SIZE];

    if (queue->oldest_unread_ms < 0 || age_ms <= UNREAD_WARNING_MS) {
        findings_add(findings, PART_QUEUE, "unread", LEVEL_OK,
                     "events: %" PRId64 " unread, %" PRId64 " pending", unread, queue->pending);
        return;
    }
    findings_add(findings, PART_QUEUE, "unread", LEVEL_WARNING,
                 "events: %" PRId64 " unread, the oldest for %s", unread, human_age(age_ms, age));
    findings_advise(findings, "start workers, or more of them; look at what holds them up "
                              "(roomhook status, their logs)");
}

/* Whatever its receivers do, an entry is settled or parted within the longest timeout. */
static void judge_held(struct findings *findings, const struct queue_facts *queue)
{
    char age[HUMAN_TEXT_SIZE];

    if (queue->pending_idle_ms <= PENDING_WARNING_MS)
        return;
    findings_add(findings, PART_QUEUE, "held", LEVEL_WARNING,
                 "events: %" PRId64 " pending, the oldest was taken %s ago and is not settled",
                 queue->pending, human_age(queue->pending_idle_ms, age));
    findings_advise(findings, "look at the workers' logs for outcomes_refused and redis_error");
}

/* What waits in lanes. That of lanes that are shut may take its time. */
static void judge_due(struct findings *findings, const struct queue_facts *queue)
{
    int64_t overdue_ms = queue->now_ms - queue->first_due_ms;
    char age[HUMAN_TEXT_SIZE];

    if (queue->lanes == 0 || overdue_ms <= OVERDUE_WARNING_MS) {
        findings_add(findings, PART_QUEUE, "lanes", LEVEL_OK,
                     "waiting deliveries: %" PRId64 "; lanes: %" PRId64 ", %" PRId64
                     " due, and %" PRId64 " shut",
                     queue->deliveries, queue->lanes, queue->due, queue->lanes_shut);
        return;
    }
    findings_add(findings, PART_QUEUE, "lanes", LEVEL_WARNING,
                 "lanes: %" PRId64 " due, the first for %s", queue->due,
                 human_age(overdue_ms, age));
    findings_advise(findings, "start workers, or more of them; look at their logs for redis_error");
}

static void judge_old(struct findings *findings, const struct queue_facts *queue)
{
    if (queue->old == 0)
        return;
    findings_add(findings, PART_QUEUE, "converting", LEVEL_NOTE,
                 "deliveries that wait as contract 1 has it: %" PRId64, queue->old);
    findings_advise(findings, "nothing, while a worker runs: it brings them into lanes");
}

/* The stream as it is now; a worker that makes it again counts what was in there. */
static bool judge_vanished(struct findings *findings, const struct queue_facts *queue,
                           const struct keys *keys)
{
    char age[HUMAN_TEXT_SIZE];

    if (is_there(&queue->keys[KEY_EVENTS]) || queue->looked_at_ms == 0)
        return false;
    findings_add(findings, PART_QUEUE, "lost", LEVEL_WARNING,
                 "%s is not there; %s ago it was, with %" PRId64 " events in it", keys->events,
                 human_age(queue->now_ms - queue->looked_at_ms, age), queue->seen);
    findings_advise(findings, "find out what deleted it: DEL, an expiry, or eviction; a worker "
                              "makes it again and counts what was in it");
    return true;
}

/* What workers found out so far. */
static void judge_lost(struct findings *findings, const struct doctor_facts *facts,
                       const struct keys *keys)
{
    if (facts->lost > 0 || facts->deleted > 0 || facts->stream_deletions > 0) {
        findings_add(findings, PART_QUEUE, "lost", LEVEL_WARNING,
                     "events deleted by others than workers: %s%" PRId64
                     " (counter deleted_externally), pending ones: %" PRId64
                     " (lost); deletions of the whole stream: %" PRId64 " (stream_deletions)",
                     facts->stream_deletions > 0 ? "about " : "", facts->deleted, facts->lost,
                     facts->stream_deletions);
        findings_advise(
            findings,
            "look for MAXLEN, XTRIM, XDEL, DEL and FLUSHDB in what else uses this "
            "Redis, for an expiry on %s, and for eviction; producers send again what "
            "is missed; redis-cli HDEL '%s' deleted_externally lost stream_deletions starts the "
            "counts from 0",
            keys->events, keys->stats);
    } else if (facts->queue.contract[0] != '\0' && facts->queue.looked_at_ms == 0) {
        findings_add(findings, PART_QUEUE, "lost", LEVEL_NOTE,
                     "whether others than workers deleted events is not known: no worker has "
                     "looked yet");
        findings_advise(findings,
                        "start a worker, and look again when it has run for its heartbeat-ttl");
    } else {
        findings_add(findings, PART_QUEUE, "lost", LEVEL_OK,
                     "no event is known that others than workers deleted");
    }
}

void judge_queue(struct findings *findings, const struct doctor_facts *facts,
                 const struct keys *keys)
{
    const struct queue_facts *queue = &facts->queue;

    if (facts->asked[ASK_QUEUE].answered) {
        judge_keys(findings, queue, keys);
        if (has_type(queue, KEY_META) || !is_there(&queue->keys[KEY_META]))
            judge_contract(findings, queue, keys);
        if (has_type(queue, KEY_EVENTS)) {
            judge_group(findings, queue, keys);
            judge_other_groups(findings, queue, keys);
            judge_waiting(findings, queue);
            judge_held(findings, queue);
        }
        if (has_type(queue, KEY_LANES) || !is_there(&queue->keys[KEY_LANES]))
            judge_due(findings, queue);
        judge_old(findings, queue);
    }
    bool vanished = facts->asked[ASK_QUEUE].answered && judge_vanished(findings, queue, keys);
    if (!vanished && facts->asked[ASK_COUNTERS].answered)
        judge_lost(findings, facts, keys);
}
