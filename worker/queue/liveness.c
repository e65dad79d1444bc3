#include "queue/liveness.h"

#include <roomhook/version.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "contract/json_text.h"
#include "queue/consumers.h"
#include "queue/losses.h"
#include "queue/opening.h"

#define AUDIT_EVERY_MS 60000
#define AUDIT_IDLE_MS 10000
#define BEAT_MAX_MS 4000 /* a dead worker is noticed within its heartbeat-ttl and this */
#define TIME_MAX_MS ((int64_t)1 << 53)
#define CLOCK_WARN_MS 30000
#define CLOCK_FINE_MS 15000

struct liveness {
    struct loop *loop;
    struct liveness_config config;
    struct loop_timer timer; /* the next heartbeat */
    struct opening *opening;
    int64_t steady_since_ms; /* every heartbeat was taken since then */
    int64_t sent_at_ms;      /* of the heartbeat under way */
    int64_t audited_at_ms;
    int64_t started_at_ms; /* wall clock */
    int64_t delivered;     /* until the last heartbeat */
    int64_t described_at_ms;
    bool ever; /* a heartbeat was stored before */
    bool leader;
    bool evicts;       /* Redis would evict keys: logged */
    bool clock_skewed; /* from Redis': logged */
    loop_fn *left;
    void *left_context;
};

static void beat(void *context);
static bool leads(void *context);
static void on_opened(void *context);
static void on_refused(void *context, const char *why);

struct liveness *liveness_new(struct loop *loop, const struct liveness_config *config)
{
    struct liveness *liveness = calloc(1, sizeof(*liveness));
    if (liveness == NULL)
        return NULL;
    liveness->loop = loop;
    liveness->config = *config;
    liveness->started_at_ms = loop_wall_ms();
    const struct opening_config opening = {
        .queue = config->queue,
        .convert = config->convert,
        .leads = leads,
        .ready = on_opened,
        .refused = on_refused,
        .context = liveness,
    };
    liveness->opening = opening_new(loop, &opening);
    if (liveness->opening == NULL || loop_timer_init(loop, &liveness->timer, beat, liveness) != 0) {
        liveness_free(liveness);
        return NULL;
    }
    return liveness;
}

void liveness_free(struct liveness *liveness)
{
    if (liveness == NULL)
        return;
    loop_timer_release(&liveness->timer);
    opening_free(liveness->opening);
    free(liveness);
}

/* --- the heartbeat --- */

/* What is no time would be one of a Redis that is none: ours is as good. */
static int64_t redis_time(const struct reply *reply)
{
    int64_t ms = reply_int(reply);
    return ms > 0 && ms < TIME_MAX_MS ? ms : loop_wall_ms();
}

/* One of the two is wrong; when it is ours, receivers refuse our signatures. */
static void compare_clocks(struct liveness *liveness, int64_t redis_ms)
{
    int64_t ahead = loop_wall_ms() - redis_ms;
    int64_t off = ahead < 0 ? -ahead : ahead;
    if (off > CLOCK_WARN_MS && !liveness->clock_skewed)
        log_at(LOG_WARN, "clock_skewed", log_int("ahead_of_redis_ms", ahead),
               log_text("do", "set the clock of this machine or of Redis' right: receivers refuse "
                              "requests that are signed at a wrong time"));
    else if (off < CLOCK_FINE_MS && liveness->clock_skewed)
        log_at(LOG_INFO, "clock_in_sync", log_int("ahead_of_redis_ms", ahead));
    else
        return;
    liveness->clock_skewed = !liveness->clock_skewed;
}

static void on_beat(void *context, const struct reply *reply)
{
    struct liveness *liveness = context;
    if (!reply_is_list(reply)) {
        if (redis_fault_of(reply) == FAULT_NOSCRIPT)
            beat(liveness);
        else /* so were those of the others: they are not dead */
            liveness->steady_since_ms = loop_now_ms();
        return;
    }
    bool had = reply_int(reply_at(reply, 0)) == 1;
    bool leader = reply_int(reply_at(reply, 1)) == 1;
    if (leader != liveness->leader)
        log_at(LOG_INFO, leader ? "leader" : "leader_no_more",
               log_text("queue", liveness->config.queue->keys.queue));
    if (!had && liveness->ever)
        log_at(LOG_WARN, "heartbeat_lapsed",
               log_text("why", "this worker was stalled, or Redis lost it"));
    liveness->leader = leader;
    struct liveness_beat stored = {.until_ms = liveness->sent_at_ms + liveness->config.ttl_ms,
                                   .had_lapsed = !had && liveness->ever,
                                   .redis_ms = redis_time(reply_at(reply, 2))};
    compare_clocks(liveness, stored.redis_ms);
    losses_remember(liveness->config.queue, reply);
    liveness->config.alive(liveness->config.context, &stored);
    liveness->ever = true;
    if (!opening_is_done(liveness->opening))
        return;
    if (leader && loop_now_ms() - liveness->steady_since_ms >= liveness->config.ttl_ms)
        leader_look_after(liveness->config.leader);
    if (loop_now_ms() - liveness->audited_at_ms >= AUDIT_EVERY_MS) {
        liveness->audited_at_ms = loop_now_ms();
        liveness->config.reclaim(liveness->config.context, AUDIT_IDLE_MS);
    }
}

/* Told to roomhook status and doctor. reclaim_stuck.lua looks for "unstored". */
static void put_trouble(struct liveness *liveness, struct buffer *out)
{
    struct liveness_trouble trouble = liveness->config.trouble(liveness->config.context);
    if (trouble.fault == NULL)
        return;
    buffer_append_format(out, ",\"refused\":\"%s\"", trouble.fault);
    if (trouble.what[0] != '\0') {
        buffer_append_text(out, ",\"refused_what\":");
        json_put_untrusted(out, bytes_of(trouble.what));
    }
    if (trouble.unstored > 0)
        buffer_append_format(out, ",\"unstored\":%zu,\"unstored_ms\":%lld", trouble.unstored,
                             (long long)trouble.unstored_ms);
}

/* Since the heartbeat before; nothing in the first one. */
static void put_rate(struct liveness *liveness, struct buffer *out)
{
    int64_t now = loop_now_ms();
    int64_t delivered = liveness->config.queue->counters->total[COUNTER_DELIVERED];
    int64_t elapsed_ms = now - liveness->described_at_ms;
    if (liveness->described_at_ms > 0 && elapsed_ms > 0) {
        int64_t tenths = (delivered - liveness->delivered) * 10000 / elapsed_ms;
        buffer_append_format(out, ",\"delivered_per_s\":%lld.%lld", (long long)(tenths / 10),
                             (long long)(tenths % 10));
    }
    liveness->delivered = delivered;
    liveness->described_at_ms = now;
}

static void describe(struct liveness *liveness, struct buffer *out)
{
    buffer_append_text(out, CONSUMERS_HEARTBEAT ",\"host\":");
    json_put_untrusted(out, bytes_of(liveness->config.host));
    buffer_append_format(out, ",\"pid\":%ld,\"version\":\"" RH_VERSION "\",\"in_flight\":%zu",
                         (long)getpid(), liveness->config.in_flight(liveness->config.context));
    buffer_append_format(out, ",\"started_at\":%lld,\"loop_lag_ms\":%lld",
                         (long long)liveness->started_at_ms,
                         (long long)loop_take_lag_ms(liveness->loop));
    put_rate(liveness, out);
    buffer_append_text(out, liveness->config.pool);
    put_trouble(liveness, out);
    buffer_append_char(out, '}');
}

static void beat(void *context)
{
    struct liveness *liveness = context;
    struct redis_args args;
    struct buffer value;
    char key[KEY_SIZE];
    if (!redis_link_is_up(liveness->config.queue->link))
        return;
    buffer_init(&value, 2048);
    describe(liveness, &value);
    redis_args_init(&args);
    redis_args_text(
        &args, keys_worker(&liveness->config.queue->keys, liveness->config.queue->consumer, key));
    redis_args_text(&args, liveness->config.queue->keys.leader);
    redis_args_text(&args, liveness->config.queue->keys.events);
    redis_args_text(&args, liveness->config.queue->keys.deliveries);
    redis_args_text(&args, liveness->config.queue->keys.meta);
    redis_args_text(&args, liveness->config.queue->keys.happened);
    redis_args_text(&args, liveness->config.queue->consumer);
    redis_args_int(&args, liveness->config.ttl_ms);
    redis_args_borrow(&args, buffer_bytes(&value));
    liveness->sent_at_ms = loop_now_ms();
    (void)queue_call(liveness->config.queue, SCRIPT_HEARTBEAT, 6, &args, on_beat, liveness);
    loop_timer_arm(&liveness->timer, liveness->config.ttl_ms / 3 < BEAT_MAX_MS
                                         ? liveness->config.ttl_ms / 3
                                         : BEAT_MAX_MS);
    redis_args_release(&args);
    buffer_release(&value);
}

/* --- the first words on a connection --- */

static bool leads(void *context)
{
    const struct liveness *liveness = context;
    return liveness->leader;
}

static void on_opened(void *context)
{
    const struct liveness *liveness = context;
    liveness->config.ready(liveness->config.context);
}

static void on_refused(void *context, const char *why)
{
    const struct liveness *liveness = context;
    liveness->config.refused(liveness->config.context, why);
}

/* What stands behind name at the beginning of a line of INFO; empty when there is no such line. */
static struct bytes info_value(struct bytes info, const char *name)
{
    size_t name_len = strlen(name);
    while (info.len > 0) {
        const char *end = memchr(info.data, '\r', info.len);
        size_t len = end == NULL ? info.len : (size_t)(end - info.data);
        if (len >= name_len && memcmp(info.data, name, name_len) == 0)
            return (struct bytes){info.data + name_len, len - name_len};
        len = len + 2 < info.len ? len + 2 : info.len; /* the line's end is \r\n */
        info = (struct bytes){info.data + len, info.len - len};
    }
    return BYTES("");
}

static void on_memory(void *context, const struct reply *reply)
{
    struct liveness *liveness = context;
    struct bytes policy = info_value(reply_text(reply), "maxmemory_policy:");
    bool evicts = policy.len > 0 && !bytes_equal_text(policy, "noeviction");
    if (evicts && !liveness->evicts)
        log_at(LOG_ERROR, "redis_may_evict", log_bytes("policy", policy),
               log_text("why", "short of memory, Redis may throw events away"),
               log_text("do", "set maxmemory-policy to noeviction"));
    if (policy.len > 0)
        liveness->evicts = evicts;
}

void liveness_link_up(struct liveness *liveness)
{
    liveness->steady_since_ms = loop_now_ms();
    liveness->audited_at_ms = loop_now_ms();
    counters_add(liveness->config.queue->counters, COUNTER_REDIS_CONNECTS, 1);
    beat(liveness);
    opening_begin(liveness->opening);
    (void)redis_link_say(liveness->config.queue->link, on_memory, liveness, "INFO memory");
}

void liveness_link_down(struct liveness *liveness)
{
    liveness->leader = false;
    loop_timer_disarm(&liveness->timer);
    opening_stop(liveness->opening);
}

/* --- deregistering --- */

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
    opening_stop(liveness->opening);
    redis_args_init(&args);
    redis_args_text(&args, liveness->config.queue->keys.events);
    redis_args_text(
        &args, keys_worker(&liveness->config.queue->keys, liveness->config.queue->consumer, key));
    redis_args_text(&args, liveness->config.queue->keys.leader);
    redis_args_text(&args, liveness->config.queue->keys.happened);
    redis_args_text(&args, KEYS_GROUP);
    redis_args_text(&args, liveness->config.queue->consumer);
    if (queue_call(liveness->config.queue, SCRIPT_LEAVE, 4, &args, on_left, liveness) != 0)
        left(context);
    redis_args_release(&args);
}
