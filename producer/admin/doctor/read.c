/* What is read at one go: Redis itself, the queue's numbers, the workers. */
#include "admin/doctor/read.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "admin/doctor/ask.h"
#include "admin_lua.h"
#include "contract/parse.h"

/* --- Redis --- */

static bool read_info(struct session *session, struct doctor_facts *facts)
{
    const struct bytes args[] = {BYTES("INFO")};
    struct reply *reply;

    enum ask_result result = doctor_ask(session, facts, ASK_INFO, args, 1, &reply);
    if (result != ASK_ANSWERED)
        return result == ASK_REFUSED;
    info_read(reply_text(reply), &facts->info);
    reply_free(reply);
    return true;
}

/* INFO does not tell it. */
static bool read_appendfsync(struct session *session, struct doctor_facts *facts)
{
    const struct bytes args[] = {BYTES("CONFIG"), BYTES("GET"), BYTES("appendfsync")};
    struct reply *reply;

    enum ask_result result = doctor_ask(session, facts, ASK_APPENDFSYNC, args, 3, &reply);
    if (result != ASK_ANSWERED)
        return result == ASK_REFUSED;
    bytes_printable(reply_text(reply_value(reply, "appendfsync")), facts->appendfsync,
                    sizeof(facts->appendfsync));
    reply_free(reply);
    return true;
}

static int64_t wall_ms(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Redis looked at its clock at some time between our two looks: nearer than that nobody knows. */
static bool read_time(struct session *session, struct doctor_facts *facts)
{
    const struct bytes args[] = {BYTES("TIME")};
    struct reply *reply;

    int64_t before_ms = wall_ms();
    enum ask_result result = doctor_ask(session, facts, ASK_TIME, args, 1, &reply);
    int64_t after_ms = wall_ms();
    if (result != ASK_ANSWERED)
        return result == ASK_REFUSED;
    int64_t redis_ms = reply_int(reply_at(reply, 0)) * 1000 + reply_int(reply_at(reply, 1)) / 1000;
    facts->clock_ahead_ms = 0;
    if (redis_ms < before_ms)
        facts->clock_ahead_ms = before_ms - redis_ms;
    else if (redis_ms > after_ms)
        facts->clock_ahead_ms = after_ms - redis_ms;
    reply_free(reply);
    return true;
}

static bool read_write(struct session *session, struct doctor_facts *facts)
{
    struct reply *reply;

    enum ask_result result =
        doctor_ask_script(session, facts, ASK_WRITE, BYTES(lua_may_write), 0, NULL, 0, &reply);
    if (result == ASK_REFUSED)
        facts->write_fault = redis_error_fault(session->redis);
    if (result != ASK_ANSWERED)
        return result == ASK_REFUSED;
    reply_free(reply);
    return true;
}

bool doctor_read_redis(struct session *session, struct doctor_facts *facts)
{
    return read_info(session, facts) && read_appendfsync(session, facts) &&
           read_time(session, facts) && read_write(session, facts);
}

/* --- the queue --- */

static void read_keys(struct queue_facts *queue, const struct reply *pairs)
{
    for (size_t i = 0; i < QUEUE_KEYS; i++) {
        bytes_printable(reply_text(reply_at(pairs, 2 * i)), queue->keys[i].type,
                        sizeof(queue->keys[i].type));
        queue->keys[i].pttl_ms = reply_int(reply_at(pairs, 2 * i + 1));
    }
}

static void read_groups(struct queue_facts *queue, const struct reply *reply)
{
    const struct reply *others = reply_value(reply, "other_groups");
    struct bytes last = reply_text(reply_value(reply, "last_delivered"));
    uint64_t ms;
    uint64_t seq;

    queue->has_group = last.len > 0;
    (void)bytes_copy_text(last, queue->last_delivered, sizeof(queue->last_delivered));
    queue->pending = reply_int(reply_value(reply, "pending"));
    queue->pending_idle_ms = reply_int(reply_value(reply, "pending_idle_ms"));
    queue->oldest_unread_ms = -1;
    if (parse_stream_id(reply_text(reply_value(reply, "oldest_unread")), &ms, &seq) == 0)
        queue->oldest_unread_ms = ms < INT64_MAX ? (int64_t)ms : INT64_MAX;
    queue->other_groups_len = reply_len(others);
    for (size_t i = 0; i < queue->other_groups_len && i < OTHER_GROUPS_MAX; i++)
        bytes_printable(reply_text(reply_at(others, i)), queue->other_groups[i],
                        sizeof(queue->other_groups[i]));
}

static void read_queue(struct queue_facts *queue, const struct reply *reply)
{
    read_keys(queue, reply_value(reply, "keys"));
    read_groups(queue, reply);
    bytes_printable(reply_text(reply_value(reply, "contract")), queue->contract,
                    sizeof(queue->contract));
    queue->now_ms = reply_int(reply_value(reply, "now_ms"));
    queue->events = reply_int(reply_value(reply, "events"));
    queue->is_converting = reply_int(reply_value(reply, "converting")) == 1;
    queue->old = reply_int(reply_value(reply, "old"));
    queue->lanes = reply_int(reply_value(reply, "lanes"));
    queue->lanes_shut = reply_int(reply_value(reply, "lanes_shut"));
    queue->due = reply_int(reply_value(reply, "due"));
    queue->first_due_ms = reply_int(reply_value(reply, "first_due_ms"));
    queue->deliveries = reply_int(reply_value(reply, "deliveries"));
    queue->dead = reply_int(reply_value(reply, "dead"));
    queue->looked_at_ms = reply_int(reply_value(reply, "looked_at"));
    queue->seen = reply_int(reply_value(reply, "seen"));
}

static bool read_counters(struct session *session, struct doctor_facts *facts)
{
    const struct bytes args[] = {BYTES("HMGET"),        bytes_of(session->keys.stats),
                                 BYTES("lost"),         BYTES("deleted_externally"),
                                 BYTES("dead_dropped"), BYTES("stream_deletions")};
    struct reply *reply;

    enum ask_result result = doctor_ask(session, facts, ASK_COUNTERS, args, 6, &reply);
    if (result != ASK_ANSWERED)
        return result == ASK_REFUSED;
    facts->lost = reply_int(reply_at(reply, 0));
    facts->deleted = reply_int(reply_at(reply, 1));
    facts->dead_dropped = reply_int(reply_at(reply, 2));
    facts->stream_deletions = reply_int(reply_at(reply, 3));
    reply_free(reply);
    return true;
}

static bool read_dead_bytes(struct session *session, struct doctor_facts *facts)
{
    const struct bytes args[] = {BYTES("MEMORY"), BYTES("USAGE"), bytes_of(session->keys.dead)};
    struct reply *reply;

    enum ask_result result = doctor_ask(session, facts, ASK_DEAD_BYTES, args, 3, &reply);
    if (result != ASK_ANSWERED)
        return result == ASK_REFUSED;
    facts->dead_bytes = reply_int(reply);
    reply_free(reply);
    return true;
}

bool doctor_read_queue(struct session *session, struct doctor_facts *facts)
{
    const struct keys *keys = &session->keys;
    const struct bytes args[QUEUE_KEYS + 1] = {
        [KEY_EVENTS] = bytes_of(keys->events),
        [KEY_DELIVERIES] = bytes_of(keys->deliveries),
        [KEY_LANES] = bytes_of(keys->lanes),
        [KEY_LANES_SHUT] = bytes_of(keys->lanes_shut),
        [KEY_DEAD] = bytes_of(keys->dead),
        [KEY_META] = bytes_of(keys->meta),
        [KEY_RETRIES] = bytes_of(keys->retries),
        [KEY_HOOKS_PACE] = bytes_of(keys->hooks_pace),
        [KEY_DOCUMENTS] = bytes_of(keys->documents),
        [KEY_LEASES] = bytes_of(keys->leases),
        [KEY_GATES] = bytes_of(keys->gates),
        [KEY_DEAD_BY_ROOM] = bytes_of(keys->dead_by_room),
        [KEY_DEAD_BYTES] = bytes_of(keys->dead_bytes),
        [KEY_HOOKS_STATE] = bytes_of(keys->hooks_state),
        [KEY_HOOKS_CHANGED] = bytes_of(keys->hooks_changed),
        [KEY_STATS] = bytes_of(keys->stats),
        [KEY_LEADER] = bytes_of(keys->leader),
        [KEY_HOOKS_RECENT] = bytes_of(keys->hooks_recent),
        [KEY_DELIVERED] = bytes_of(keys->delivered),
        [KEY_DELIVERED_DOCUMENTS] = bytes_of(keys->delivered_documents),
        [KEY_TASKS] = bytes_of(keys->tasks),
        [QUEUE_KEYS] = BYTES(KEYS_GROUP),
    };
    struct reply *reply;

    enum ask_result result = doctor_ask_script(session, facts, ASK_QUEUE, BYTES(lua_look_queue),
                                               QUEUE_KEYS, args, QUEUE_KEYS + 1, &reply);
    if (result == ASK_BROKEN)
        return false;
    if (result == ASK_ANSWERED) {
        read_queue(&facts->queue, reply);
        reply_free(reply);
    }
    return read_counters(session, facts) && read_dead_bytes(session, facts);
}

/* --- the workers --- */

static void read_text(const json_t *json, const char *name, char *out, size_t out_size)
{
    bytes_printable(bytes_of(json_string_value(json_object_get(json, name))), out, out_size);
}

static void read_heartbeat(struct worker_fact *worker, struct bytes heartbeat)
{
    json_t *json = json_loadb(heartbeat.data, heartbeat.len, 0, NULL);

    read_text(json, "version", worker->version, sizeof(worker->version));
    read_text(json, "refused", worker->refused, sizeof(worker->refused));
    read_text(json, "refused_what", worker->refused_what, sizeof(worker->refused_what));
    worker->unstored = json_integer_value(json_object_get(json, "unstored"));
    worker->unstored_ms = json_integer_value(json_object_get(json, "unstored_ms"));
    json_decref(json);
}

static void read_worker(struct worker_fact *worker, const struct reply *reply)
{
    bytes_printable(reply_text(reply_at(reply, 0)), worker->name, sizeof(worker->name));
    worker->pending = reply_int(reply_at(reply, 1));
    worker->idle_ms = reply_int(reply_at(reply, 2));
    worker->pttl_ms = reply_int(reply_at(reply, 3));
    read_heartbeat(worker, reply_text(reply_at(reply, 4)));
}

static bool read_workers(const struct session *session, struct workers_facts *workers,
                         const struct reply *reply)
{
    size_t len = reply_len(reply);

    workers->list = calloc(len > 0 ? len : 1, sizeof(*workers->list));
    if (!workers->list) {
        session_failed(session, "out of memory");
        return false;
    }
    for (size_t i = 0; i < len; i++)
        read_worker(&workers->list[i], reply_at(reply, i));
    workers->len = len;
    return true;
}

bool doctor_read_workers(struct session *session, struct doctor_facts *facts,
                         const struct worker_names *names)
{
    struct bytes args[4 + DOCTOR_WORKERS_MAX] = {bytes_of(session->keys.events),
                                                 bytes_of(session->keys.leader), BYTES(KEYS_GROUP)};
    char prefix[KEY_SIZE];
    struct reply *reply;

    args[3] = bytes_of(keys_worker(&session->keys, "", prefix));
    for (size_t i = 0; i < names->len; i++)
        args[4 + i] = bytes_of(names->names[i]);
    enum ask_result result = doctor_ask_script(session, facts, ASK_WORKERS, BYTES(lua_look_workers),
                                               2, args, 4 + names->len, &reply);
    if (result != ASK_ANSWERED)
        return result == ASK_REFUSED;
    bool ok = read_workers(session, &facts->workers, reply);
    reply_free(reply);
    return ok;
}
