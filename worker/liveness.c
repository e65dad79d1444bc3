#include "liveness.h"

#include <roomhook/version.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "json_text.h"
#include "log.h"

#define AUDIT_EVERY_MS 60000
#define AUDIT_IDLE_MS 10000

struct liveness {
    struct loop *loop;
    struct liveness_config config;
    struct loop_timer timer;
    int64_t link_up_at_ms;
    int64_t sent_at_ms; /* of the heartbeat under way */
    int64_t audited_at_ms;
    int64_t started_at_ms; /* wall clock */
    bool ever;             /* a heartbeat was stored before */
    bool leader;
    loop_fn *left;
    void *left_context;
};

static void beat(void *context);

struct liveness *liveness_new(struct loop *loop, const struct liveness_config *config)
{
    struct liveness *liveness = calloc(1, sizeof(*liveness));
    if (liveness == NULL)
        return NULL;
    liveness->loop = loop;
    liveness->config = *config;
    liveness->started_at_ms = loop_wall_ms();
    if (loop_timer_init(loop, &liveness->timer, beat, liveness) != 0) {
        free(liveness);
        return NULL;
    }
    return liveness;
}

void liveness_free(struct liveness *liveness)
{
    if (liveness == NULL)
        return;
    loop_timer_release(&liveness->timer);
    free(liveness);
}

static const struct redis_script *script(const struct liveness *liveness, enum script_number number)
{
    return &liveness->config.scripts->script[number];
}

/* --- the heartbeat --- */

static void on_beat(void *context, const struct reply *reply)
{
    struct liveness *liveness = context;
    if (!reply_is_list(reply)) {
        char words[160];
        if (reply != NULL && reply_error(reply) == REPLY_NOSCRIPT)
            beat(liveness);
        else if (reply != NULL)
            log_at(
                LOG_ERROR, "heartbeat_refused",
                log_text("error", bytes_printable(reply_error_text(reply), words, sizeof(words))));
        return;
    }
    bool had = reply_int(reply_at(reply, 0)) == 1;
    bool leads = reply_int(reply_at(reply, 1)) == 1;
    if (leads != liveness->leader)
        log_at(LOG_INFO, leads ? "leader" : "leader_no_more",
               log_text("queue", liveness->config.keys->queue));
    if (!had && liveness->ever)
        log_at(LOG_WARN, "heartbeat_lapsed",
               log_text("why", "this worker stood still, or Redis lost it"));
    liveness->leader = leads;
    liveness->config.alive(liveness->config.context, liveness->sent_at_ms + liveness->config.ttl_ms,
                           !had && liveness->ever);
    liveness->ever = true;
    if (leads && loop_now_ms() - liveness->link_up_at_ms >= liveness->config.ttl_ms)
        leader_look_after(liveness->config.leader);
    if (loop_now_ms() - liveness->audited_at_ms >= AUDIT_EVERY_MS) {
        liveness->audited_at_ms = loop_now_ms();
        liveness->config.adopt(liveness->config.context, AUDIT_IDLE_MS);
    }
}

static void describe(struct liveness *liveness, struct buffer *out)
{
    buffer_append_text(out, "{\"host\":");
    json_put_untrusted(out, bytes_of(liveness->config.host));
    buffer_append_format(out, ",\"pid\":%ld,\"version\":\"" RH_VERSION "\",\"in_flight\":%zu",
                         (long)getpid(), liveness->config.in_flight(liveness->config.context));
    buffer_append_format(out, ",\"started_at\":%lld,\"loop_lag_ms\":%lld}",
                         (long long)liveness->started_at_ms,
                         (long long)loop_take_lag_ms(liveness->loop));
}

static void beat(void *context)
{
    struct liveness *liveness = context;
    struct redis_args args;
    struct buffer value;
    char key[KEY_SIZE];
    if (!redis_link_is_up(liveness->config.link))
        return;
    buffer_init(&value, 1024);
    describe(liveness, &value);
    redis_args_init(&args);
    redis_args_text(&args, keys_worker(liveness->config.keys, liveness->config.consumer, key));
    redis_args_text(&args, liveness->config.keys->leader);
    redis_args_text(&args, liveness->config.consumer);
    redis_args_int(&args, liveness->config.ttl_ms);
    redis_args_borrow(&args, buffer_bytes(&value));
    liveness->sent_at_ms = loop_now_ms();
    (void)redis_link_eval(liveness->config.link, script(liveness, SCRIPT_HEARTBEAT), 2, &args,
                          on_beat, liveness);
    loop_timer_arm(&liveness->timer, liveness->config.ttl_ms / 3);
    redis_args_release(&args);
    buffer_release(&value);
}

/* --- the first words on a connection --- */

static void on_contract(void *context, const struct reply *reply)
{
    struct liveness *liveness = context;
    struct bytes version = reply_text(reply);
    char shown[40];
    char why[160];
    if (version.len == 0 || bytes_equal_text(version, KEYS_CONTRACT))
        return; /* absent when Redis is too full to note it */
    snprintf(why, sizeof(why), "%s has contract %s, this worker knows " KEYS_CONTRACT,
             liveness->config.keys->meta, bytes_printable(version, shown, sizeof(shown)));
    liveness->config.refused(liveness->config.context, why);
}

/* An error here is BUSYGROUP, or one that the reader will meet and report. */
static void on_group(void *context, const struct reply *reply)
{
    struct liveness *liveness = context;
    if (reply == NULL)
        return;
    if (reply_error(reply) == REPLY_NO_ERROR)
        counters_add(liveness->config.counters, COUNTER_GROUP_CREATED, 1);
    liveness->config.ready(liveness->config.context);
}

static int say(struct liveness *liveness, const char *const *words, int words_len,
               redis_reply_fn *fn)
{
    struct redis_args args;
    redis_args_init(&args);
    for (int i = 0; i < words_len; i++)
        redis_args_text(&args, words[i]);
    int result =
        redis_link_send(liveness->config.link, &args, REDIS_COMMAND_DEADLINE_MS, fn, liveness);
    redis_args_release(&args);
    return result;
}

void liveness_link_up(struct liveness *liveness)
{
    const struct keys *keys = liveness->config.keys;
    const char *note[] = {"HSETNX", keys->meta, "contract", KEYS_CONTRACT};
    const char *ask[] = {"HGET", keys->meta, "contract"};
    const char *group[] = {"XGROUP", "CREATE", keys->events, KEYS_GROUP, "0", "MKSTREAM"};
    liveness->link_up_at_ms = loop_now_ms();
    liveness->audited_at_ms = loop_now_ms();
    counters_add(liveness->config.counters, COUNTER_REDIS_CONNECTS, 1);
    beat(liveness);
    if (say(liveness, note, 4, NULL) != 0 || say(liveness, ask, 3, on_contract) != 0 ||
        say(liveness, group, 6, on_group) != 0)
        redis_link_drop(liveness->config.link, "out of memory");
}

void liveness_link_down(struct liveness *liveness)
{
    liveness->leader = false;
    loop_timer_disarm(&liveness->timer);
}

/* --- goodbye --- */

static void on_left(void *context, const struct reply *reply)
{
    struct liveness *liveness = context;
    (void)reply;
    liveness->left(liveness->left_context);
}

void liveness_leave(struct liveness *liveness, loop_fn *left, void *context)
{
    struct redis_args args;
    char key[KEY_SIZE];
    liveness->left = left;
    liveness->left_context = context;
    loop_timer_disarm(&liveness->timer);
    redis_args_init(&args);
    redis_args_text(&args, liveness->config.keys->events);
    redis_args_text(&args, keys_worker(liveness->config.keys, liveness->config.consumer, key));
    redis_args_text(&args, liveness->config.keys->leader);
    redis_args_text(&args, KEYS_GROUP);
    redis_args_text(&args, liveness->config.consumer);
    if (redis_link_eval(liveness->config.link, script(liveness, SCRIPT_LEAVE), 3, &args, on_left,
                        liveness) != 0)
        left(context);
    redis_args_release(&args);
}
