#include "queue/leader.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "queue/alerts.h"
#include "queue/consumers.h"
#include "queue/heal.h"
#include "queue/history.h"
#include "queue/keep.h"
#include "queue/log_tidy.h"
#include "queue/losses.h"
#include "queue/prune.h"

#define TAKE_LIMIT 100
#define CURSOR_SIZE 48
#define REPORT_EVERY_MS 60000
#define TIDY_EVERY_MS 60000
#define STUCK_MS 600000 /* twice the longest timeout that can be set */

struct leader {
    struct leader_config config;
    struct consumers *consumers;
    struct heal *heal;
    int64_t reported_at_ms;
    int64_t tidied_at_ms;
    /* Of walks that go on from minute to minute. */
    char dead_cursor[CURSOR_SIZE];
    char count_from[CURSOR_SIZE];
    struct prune prune;
    struct log_tidy log;
    struct alerts alerts;
};

static void on_consumer(void *context, const char *name, const struct reply *heartbeat);

struct leader *leader_new(const struct leader_config *config)
{
    struct leader *leader = calloc(1, sizeof(*leader));
    if (leader == NULL)
        return NULL;
    const struct consumers_config consumers = {.each = on_consumer, .context = leader};
    leader->config = *config;
    leader->log = (struct log_tidy){.queue = config->queue};
    alerts_init(&leader->alerts, config->queue);
    leader->alerts.hook = config->alert_hook;
    leader->alerts.lane = config->alert_lane;
    leader_set_caps(leader, &config->caps);
    snprintf(leader->dead_cursor, CURSOR_SIZE, "0");
    snprintf(leader->count_from, CURSOR_SIZE, "-");
    prune_init(&leader->prune);
    leader->consumers = consumers_new(config->queue, &consumers);
    leader->heal = heal_new(config->queue);
    if (leader->consumers == NULL || leader->heal == NULL) {
        leader_free(leader);
        return NULL;
    }
    return leader;
}

void leader_free(struct leader *leader)
{
    if (leader == NULL)
        return;
    consumers_free(leader->consumers);
    heal_free(leader->heal);
    free(leader);
}

/* --- taking over from the dead --- */

static void note_lost(struct leader *leader, int64_t lost)
{
    counters_add(leader->config.queue->counters, COUNTER_LOST, lost);
    log_at(LOG_ERROR, "entries_lost", log_int("entries", lost),
           log_text("why", "they were deleted from the stream while pending"));
}

/* From first on the reply says how many of the entries are lost, and the ids of the others.
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
        leader->config.reclaim(leader->config.context, 0);
    }
    return taken + (size_t)lost;
}

static void on_reclaimed_dead(void *context, const struct reply *reply)
{
    struct leader *leader = context;
    if (take_over(leader, reply, 0, COUNTER_RECLAIMED_DEAD) >= TAKE_LIMIT)
        consumers_ask(leader->consumers); /* there may be more of it */
}

static void reclaim_dead(struct leader *leader, const char *suspect)
{
    struct redis_args args;
    char key[KEY_SIZE];
    redis_args_init(&args);
    redis_args_text(&args, leader->config.queue->keys.events);
    redis_args_text(&args, keys_worker(&leader->config.queue->keys, suspect, key));
    redis_args_text(&args, leader->config.queue->keys.happened);
    redis_args_text(&args, KEYS_GROUP);
    redis_args_text(&args, suspect);
    redis_args_text(&args, leader->config.queue->consumer);
    redis_args_int(&args, leader->config.ttl_ms);
    redis_args_int(&args, TAKE_LIMIT);
    redis_args_int(&args, leader->config.suspect_claims);
    (void)queue_call(leader->config.queue, SCRIPT_RECLAIM_DEAD, 3, &args, on_reclaimed_dead,
                     leader);
    redis_args_release(&args);
}

static void report_old(struct leader *leader, const char *name)
{
    int64_t now = loop_now_ms();
    if (leader->reported_at_ms != 0 && now - leader->reported_at_ms < REPORT_EVERY_MS)
        return;
    leader->reported_at_ms = now;
    log_at(LOG_ERROR, "contract_1_works", log_text("worker", name),
           log_text("do", "stop it: it came back after the queue was upgraded, and what it puts "
                          "off is converted again and again"));
}

static void on_consumer(void *context, const char *name, const struct reply *heartbeat)
{
    struct leader *leader = context;
    if (name == NULL)
        return;
    if (reply_is_nil(heartbeat))
        reclaim_dead(leader, name);
    else if (!consumers_has_our_contract(heartbeat))
        report_old(leader, name);
}

/* --- entries that are stuck --- */

static void on_reclaimed_stuck(void *context, const struct reply *reply)
{
    struct leader *leader = context;
    (void)take_over(leader, reply, 0, COUNTER_RECLAIMED_STUCK);
}

static void reclaim_stuck(struct leader *leader)
{
    struct redis_args args;
    char prefix[KEY_SIZE];
    redis_args_init(&args);
    redis_args_text(&args, leader->config.queue->keys.events);
    redis_args_text(&args, KEYS_GROUP);
    redis_args_text(&args, leader->config.queue->consumer);
    redis_args_int(&args, STUCK_MS);
    redis_args_int(&args, TAKE_LIMIT);
    redis_args_text(&args, keys_worker(&leader->config.queue->keys, "", prefix));
    (void)queue_call(leader->config.queue, SCRIPT_RECLAIM_STUCK, 1, &args, on_reclaimed_stuck,
                     leader);
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
    redis_args_int(&args, leader->config.caps.dead_max);
    redis_args_int(&args, leader->config.caps.dead_max_bytes);
    redis_args_text(&args, leader->dead_cursor);
    redis_args_text(&args, leader->count_from);
    (void)queue_call(leader->config.queue, SCRIPT_TIDY_DEAD, 3, &args, on_tidied, leader);
    redis_args_release(&args);
}

static void on_pruned(void *context, const struct reply *reply)
{
    struct leader *leader = context;
    (void)prune_read(&leader->prune, reply);
}

void leader_set_caps(struct leader *leader, const struct leader_caps *caps)
{
    leader->config.caps = *caps;
    leader->log.max_bytes = caps->log_max_bytes;
    leader->log.logs_all = caps->logs_all;
    leader->alerts.disable_after_ms = caps->disable_after_ms;
}

void leader_look_after(struct leader *leader)
{
    int64_t now = loop_now_ms();
    consumers_ask(leader->consumers);
    heal_step(leader->heal);
    losses_look(leader->config.queue);
    if (leader->alerts.hook.len > 0)
        alerts_look(&leader->alerts);
    convert_run(leader->config.convert, NULL, NULL);
    if (now - leader->tidied_at_ms < TIDY_EVERY_MS && leader->tidied_at_ms != 0)
        return;
    leader->tidied_at_ms = now;
    heal_keys(leader->heal);
    reclaim_stuck(leader);
    tidy_dead(leader);
    history_write(leader->config.queue);
    if (leader->alerts.hook.len == 0)
        alerts_look(&leader->alerts); /* forgets what was to be reported */
    log_tidy_run(&leader->log);
    keep_tidy(leader->config.queue);
    (void)prune_send(&leader->prune, leader->config.queue, on_pruned, leader);
}
