#include "queue/leader.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"

#define TAKE_LIMIT 100
#define CONSUMERS_MAX 1000
#define CURSOR_SIZE 48
#define PRUNE_CURSORS 3 /* of hook states, of gates, of what contract 1 called pace */
#define TIDY_EVERY_MS 60000
#define SWEEP_IDLE_MS 600000 /* twice the longest timeout that can be set */

struct leader {
    struct leader_config config;
    char (*suspects)[CONSUMER_NAME_SIZE]; /* asked about in this round */
    size_t suspects_len;
    int64_t tidied_at_ms;
    /* Of walks that go on from minute to minute. */
    char dead_cursor[CURSOR_SIZE];
    char count_from[CURSOR_SIZE];
    char prune_cursors[PRUNE_CURSORS][CURSOR_SIZE];
};

struct leader *leader_new(const struct leader_config *config)
{
    struct leader *leader = calloc(1, sizeof(*leader));
    if (leader == NULL)
        return NULL;
    leader->config = *config;
    snprintf(leader->dead_cursor, CURSOR_SIZE, "0");
    snprintf(leader->count_from, CURSOR_SIZE, "-");
    for (size_t i = 0; i < PRUNE_CURSORS; i++)
        snprintf(leader->prune_cursors[i], CURSOR_SIZE, "0");
    leader->suspects = calloc(CONSUMERS_MAX, sizeof(*leader->suspects));
    if (leader->suspects == NULL) {
        free(leader);
        return NULL;
    }
    return leader;
}

void leader_free(struct leader *leader)
{
    if (leader == NULL)
        return;
    free(leader->suspects);
    free(leader);
}

/* --- taking over from the dead --- */

static void ask_consumers(struct leader *leader);

static void note_lost(struct leader *leader, int64_t lost)
{
    counters_add(leader->config.queue->counters, COUNTER_LOST, lost);
    log_at(LOG_ERROR, "entries_lost", log_int("entries", lost),
           log_text("why", "they were deleted from the stream while pending"));
}

/* From first on the reply tells how many of the entries are lost, and the ids of the others.
 * Returns how many there were in all. */
static size_t take_over(struct leader *leader, const struct reply *reply, size_t first,
                        enum counter counter)
{
    int64_t lost = reply_int(reply_at(reply, first));
    size_t taken = reply_len(reply) > first + 1 ? reply_len(reply) - first - 1 : 0;
    if (lost > 0)
        note_lost(leader, lost);
    if (taken > 0) {
        counters_add(leader->config.queue->counters, counter, (int64_t)taken);
        log_at(LOG_WARN, counter_name(counter), log_int("entries", (int64_t)taken));
        leader->config.adopt(leader->config.context, 0);
    }
    return taken + (size_t)lost;
}

static void on_reaped(void *context, const struct reply *reply)
{
    struct leader *leader = context;
    if (take_over(leader, reply, 0, COUNTER_REAPED) >= TAKE_LIMIT)
        ask_consumers(leader); /* there may be more of it */
}

static void reap(struct leader *leader, const char *suspect)
{
    struct redis_args args;
    char key[KEY_SIZE];
    redis_args_init(&args);
    redis_args_text(&args, leader->config.queue->keys.events);
    redis_args_text(&args, keys_worker(&leader->config.queue->keys, suspect, key));
    redis_args_text(&args, KEYS_GROUP);
    redis_args_text(&args, suspect);
    redis_args_text(&args, leader->config.queue->consumer);
    redis_args_int(&args, leader->config.ttl_ms);
    redis_args_int(&args, TAKE_LIMIT);
    redis_args_int(&args, leader->config.suspect_claims);
    (void)queue_call(leader->config.queue, SCRIPT_REAP, 2, &args, on_reaped, leader);
    redis_args_release(&args);
}

static void on_heartbeats(void *context, const struct reply *reply)
{
    struct leader *leader = context;
    size_t len = reply_len(reply);
    for (size_t i = 0; i < len && i < leader->suspects_len; i++) {
        if (reply_is_nil(reply_at(reply, i)))
            reap(leader, leader->suspects[i]);
    }
}

/* The name is the second value of each consumer's list of keys and values. */
static struct bytes consumer_name(const struct reply *consumer)
{
    for (size_t i = 0; i + 1 < reply_len(consumer); i += 2) {
        if (bytes_equal_text(reply_text(reply_at(consumer, i)), "name"))
            return reply_text(reply_at(consumer, i + 1));
    }
    return BYTES("");
}

static void on_consumers(void *context, const struct reply *reply)
{
    struct leader *leader = context;
    struct redis_args args;
    char key[KEY_SIZE];
    leader->suspects_len = 0;
    redis_args_init(&args);
    redis_args_text(&args, "MGET");
    for (size_t i = 0; i < reply_len(reply) && leader->suspects_len < CONSUMERS_MAX; i++) {
        struct bytes name = consumer_name(reply_at(reply, i));
        char *suspect = leader->suspects[leader->suspects_len];
        if (name.len == 0 || bytes_equal_text(name, leader->config.queue->consumer) ||
            !bytes_copy_text(name, suspect, CONSUMER_NAME_SIZE))
            continue;
        redis_args_copy(&args, bytes_of(keys_worker(&leader->config.queue->keys, suspect, key)));
        leader->suspects_len++;
    }
    if (leader->suspects_len > 0)
        (void)redis_link_send(leader->config.queue->link, &args, REDIS_COMMAND_DEADLINE_MS,
                              on_heartbeats, leader);
    redis_args_release(&args);
}

static void ask_consumers(struct leader *leader)
{
    struct redis_args args;
    redis_args_init(&args);
    redis_args_text(&args, "XINFO");
    redis_args_text(&args, "CONSUMERS");
    redis_args_text(&args, leader->config.queue->keys.events);
    redis_args_text(&args, KEYS_GROUP);
    (void)redis_link_send(leader->config.queue->link, &args, REDIS_COMMAND_DEADLINE_MS,
                          on_consumers, leader);
    redis_args_release(&args);
}

/* --- sweeping --- */

static void on_swept(void *context, const struct reply *reply)
{
    struct leader *leader = context;
    int64_t gone = reply_int(reply_at(reply, 0));
    if (gone > 0) {
        counters_add(leader->config.queue->counters, COUNTER_GONE, gone);
        log_at(LOG_ERROR, "entries_gone", log_int("entries", gone),
               log_text("why", "somebody else deletes from the stream: XDEL, XTRIM or MAXLEN"));
    }
    (void)take_over(leader, reply, 1, COUNTER_SWEPT);
}

static void sweep(struct leader *leader)
{
    struct redis_args args;
    char prefix[KEY_SIZE];
    redis_args_init(&args);
    redis_args_text(&args, leader->config.queue->keys.events);
    redis_args_text(&args, leader->config.queue->keys.meta);
    redis_args_text(&args, KEYS_GROUP);
    redis_args_text(&args, leader->config.queue->consumer);
    redis_args_int(&args, SWEEP_IDLE_MS);
    redis_args_int(&args, TAKE_LIMIT);
    redis_args_text(&args, keys_worker(&leader->config.queue->keys, "", prefix));
    (void)queue_call(leader->config.queue, SCRIPT_SWEEP, 2, &args, on_swept, leader);
    redis_args_release(&args);
}

/* --- tidying --- */

static void on_tidied(void *context, const struct reply *reply)
{
    struct leader *leader = context;
    int64_t dropped = reply_int(reply_at(reply, 0));
    if (!reply_is_list(reply))
        return;
    bytes_copy_text(reply_text(reply_at(reply, 1)), leader->dead_cursor,
                    sizeof(leader->dead_cursor));
    bytes_copy_text(reply_text(reply_at(reply, 2)), leader->count_from, sizeof(leader->count_from));
    if (dropped <= 0)
        return;
    counters_add(leader->config.queue->counters, COUNTER_DEAD_DROPPED, dropped);
    log_at(LOG_WARN, "dead_dropped", log_int("count", dropped));
}

static void tidy_dead(struct leader *leader)
{
    const struct keys *keys = &leader->config.queue->keys;
    struct redis_args args;
    redis_args_init(&args);
    redis_args_text(&args, keys->dead);
    redis_args_text(&args, keys->dead_by_room);
    redis_args_text(&args, keys->dead_bytes);
    redis_args_int(&args, leader->config.dead_max);
    redis_args_int(&args, leader->config.dead_max_bytes);
    redis_args_text(&args, leader->dead_cursor);
    redis_args_text(&args, leader->count_from);
    (void)queue_call(leader->config.queue, SCRIPT_TIDY_DEAD, 3, &args, on_tidied, leader);
    redis_args_release(&args);
}

static void on_pruned(void *context, const struct reply *reply)
{
    struct leader *leader = context;
    for (size_t i = 0; i < PRUNE_CURSORS && reply_is_list(reply); i++)
        bytes_copy_text(reply_text(reply_at(reply, i)), leader->prune_cursors[i],
                        sizeof(leader->prune_cursors[i]));
}

static void prune(struct leader *leader)
{
    const struct keys *keys = &leader->config.queue->keys;
    struct redis_args args;
    redis_args_init(&args);
    redis_args_text(&args, keys->hooks_state);
    redis_args_text(&args, keys->gates);
    redis_args_text(&args, keys->lanes);
    redis_args_text(&args, keys->lanes_shut);
    redis_args_text(&args, keys->hooks_pace);
    for (size_t i = 0; i < PRUNE_CURSORS; i++)
        redis_args_text(&args, leader->prune_cursors[i]);
    (void)queue_call(leader->config.queue, SCRIPT_PRUNE, 5, &args, on_pruned, leader);
    redis_args_release(&args);
}

void leader_look_after(struct leader *leader)
{
    int64_t now = loop_now_ms();
    ask_consumers(leader);
    if (now - leader->tidied_at_ms < TIDY_EVERY_MS && leader->tidied_at_ms != 0)
        return;
    leader->tidied_at_ms = now;
    sweep(leader);
    tidy_dead(leader);
    prune(leader);
}
