#include "queue/retry_clock.h"

#include <stdlib.h>

#define CLAIM_MAX 200
/* When some hooks have too many: due deliveries put off in one claim, and when the next claim goes
 * on. While a script runs Redis answers nobody else. */
#define LOOK_MAX 16
#define LOOK_AGAIN_MS 1
#define CLAIM_BYTES_BUDGET (8 << 20)
#define SLEEP_MIN_MS 5
#define SLEEP_MAX_MS 800      /* what a worker that ends hands over is taken up within a second */
#define AFTER_REFUSAL_MS 2000 /* longer than SETTLE_AGAIN_MAX_MS and its jitter */

struct retry_clock {
    struct loop *loop;
    struct retry_clock_config config;
    struct loop_timer timer;
    int64_t wake_at_ms; /* monotonic; when the timer fires */
    int64_t claim_sent_ms;
    int64_t fence_number;
    size_t asked;                                /* limit of the claim under way */
    struct retry_quota quotas[RETRY_QUOTAS_MAX]; /* and its quotas */
    size_t quotas_len;
    bool claiming;
    bool stopped;
    bool starved;          /* something is due and there was no room */
    int failures;          /* refusals in a row */
    bool refused;          /* the last claim was: the next one asks for nothing */
    int64_t not_before_ms; /* nothing is claimed before; others store what was refused first */
    int64_t hint_at_ms;    /* earliest hint that came while claiming; 0 none */
};

static void claim(void *context);

struct retry_clock *retry_clock_new(struct loop *loop, const struct retry_clock_config *config)
{
    struct retry_clock *clock = calloc(1, sizeof(*clock));
    if (clock == NULL)
        return NULL;
    clock->loop = loop;
    clock->config = *config;
    if (loop_timer_init(loop, &clock->timer, claim, clock) != 0) {
        free(clock);
        return NULL;
    }
    return clock;
}

void retry_clock_free(struct retry_clock *clock)
{
    if (clock == NULL)
        return;
    loop_timer_release(&clock->timer);
    free(clock);
}

int64_t retry_clock_fence_number(struct retry_clock *clock)
{
    return ++clock->fence_number;
}

static void wake_in(struct retry_clock *clock, int64_t ms)
{
    int64_t now = loop_now_ms();
    clock->wake_at_ms = now + ms > clock->not_before_ms ? now + ms : clock->not_before_ms;
    loop_timer_arm(&clock->timer, clock->wake_at_ms - now);
}

static void sleep_for(struct retry_clock *clock, int64_t ms)
{
    wake_in(clock, ms < SLEEP_MIN_MS ? SLEEP_MIN_MS : ms > SLEEP_MAX_MS ? SLEEP_MAX_MS : ms);
}

static void again_later(struct retry_clock *clock)
{
    wake_in(clock, queue_again_ms(clock->config.queue, &clock->failures));
}

void retry_clock_up(struct retry_clock *clock)
{
    clock->failures = 0;
    if (!clock->stopped && !clock->claiming)
        sleep_for(clock, 0);
}

void retry_clock_hint(struct retry_clock *clock, int64_t in_ms)
{
    int64_t at = loop_now_ms() + in_ms;
    if (clock->stopped)
        return;
    if (clock->claiming) {
        if (clock->hint_at_ms == 0 || at < clock->hint_at_ms)
            clock->hint_at_ms = at;
    } else if (at < clock->wake_at_ms) {
        sleep_for(clock, in_ms);
    }
}

void retry_clock_kick(struct retry_clock *clock)
{
    if (!clock->starved || clock->claiming || clock->stopped)
        return;
    clock->starved = false;
    sleep_for(clock, 0);
}

void retry_clock_stop(struct retry_clock *clock)
{
    clock->stopped = true;
    loop_timer_disarm(&clock->timer);
}

bool retry_clock_is_stopped(const struct retry_clock *clock)
{
    return clock->stopped && !clock->claiming;
}

static void on_refused(struct retry_clock *clock, const struct reply *reply)
{
    if (clock->stopped)
        return;
    if (redis_fault_of(reply) == FAULT_NOSCRIPT) {
        sleep_for(clock, 0);
        return;
    }
    clock->refused = reply != NULL;
    again_later(clock);
}

#define REPLY_ITEMS 3 /* the place of the first delivery in the reply */

static bool is_something_due(const struct reply *reply)
{
    int64_t next = reply_int(reply_at(reply, 1));
    return next >= 0 && next <= reply_int(reply_at(reply, 0));
}

/* Something is due already and was not given: there was no room for it. */
static bool is_short_of_room(const struct retry_clock *clock, const struct reply *reply)
{
    return is_something_due(reply) && reply_len(reply) - REPLY_ITEMS >= clock->asked;
}

static bool has_pushed(const struct reply *counts)
{
    for (size_t i = 0; i < reply_len(counts); i++)
        if (reply_int(reply_at(counts, i)) > 0)
            return true;
    return false;
}

static void plan_next(struct retry_clock *clock, const struct reply *reply)
{
    int64_t now = reply_int(reply_at(reply, 0));
    int64_t next = reply_int(reply_at(reply, 1));
    int64_t wait = next < 0 ? SLEEP_MAX_MS : next - now;
    if (clock->hint_at_ms != 0 && clock->hint_at_ms - loop_now_ms() < wait)
        wait = clock->hint_at_ms - loop_now_ms();
    clock->hint_at_ms = 0;
    /* As long as a heap is in front there may be others behind it, for whom there is room. */
    clock->starved = is_short_of_room(clock, reply) && !has_pushed(reply_at(reply, 2));
    if (clock->starved && clock->config.room(clock->config.context) == 0)
        wait = SLEEP_MAX_MS; /* retry_clock_kick comes with room */
    if (clock->stopped)
        return;
    if (is_something_due(reply) && !clock->starved) /* it was not looked at */
        wake_in(clock, LOOK_AGAIN_MS);
    else
        sleep_for(clock, wait);
}

static void tell_pushed(struct retry_clock *clock, const struct reply *counts)
{
    for (size_t i = 0; i < clock->quotas_len; i++)
        clock->config.pushed(clock->config.context, &clock->quotas[i],
                             (size_t)reply_int(reply_at(counts, i)));
}

static void on_claimed(void *context, const struct reply *reply)
{
    struct retry_clock *clock = context;
    clock->claiming = false;
    if (!reply_is_list(reply) || reply_len(reply) < REPLY_ITEMS) {
        on_refused(clock, reply);
        return;
    }
    clock->failures = 0;
    tell_pushed(clock, reply_at(reply, 2));
    for (size_t i = REPLY_ITEMS; i < reply_len(reply); i++) {
        const struct reply *item = reply_at(reply, i);
        struct claimed_retry retry = {
            .delivery_id = reply_text(reply_at(item, 0)),
            .record = reply_text(reply_at(item, 1)),
            .lease_until_ms = clock->claim_sent_ms + clock->config.lease_ms,
            .more_are_due = is_short_of_room(clock, reply),
        };
        clock->config.retry(clock->config.context, &retry);
    }
    if (clock->refused)
        clock->not_before_ms = loop_now_ms() + AFTER_REFUSAL_MS;
    clock->refused = false;
    plan_next(clock, reply);
}

static void put_quotas(struct retry_clock *clock, struct redis_args *args)
{
    clock->quotas_len = clock->config.quotas(clock->config.context, clock->quotas);
    for (size_t i = 0; i < clock->quotas_len; i++) {
        const struct retry_quota *quota = &clock->quotas[i];
        redis_args_int(args, quota->room_id);
        redis_args_copy(args, bytes_of(quota->hook_id));
        redis_args_int(args, (int64_t)quota->quota);
        redis_args_int(args, quota->push_ms);
        redis_args_int(args, quota->each_us);
    }
}

/* With no room it still asks, for the next due time, and to put heaps off. */
static void claim(void *context)
{
    struct retry_clock *clock = context;
    size_t room = clock->config.room(clock->config.context);
    struct redis_args args;
    if (clock->claiming || clock->stopped || !redis_link_is_up(clock->config.queue->link))
        return;
    clock->asked = clock->refused ? 0 : room < CLAIM_MAX ? room : CLAIM_MAX;
    clock->claim_sent_ms = loop_now_ms();
    redis_args_init(&args);
    redis_args_text(&args, clock->config.queue->keys.retries);
    redis_args_text(&args, clock->config.queue->keys.deliveries);
    redis_args_text(&args, clock->config.queue->consumer);
    redis_args_int(&args, clock->fence_number + 1);
    redis_args_int(&args, (int64_t)clock->asked);
    redis_args_int(&args, clock->config.lease_ms);
    redis_args_int(&args, CLAIM_BYTES_BUDGET);
    redis_args_int(&args, LOOK_MAX);
    put_quotas(clock, &args);
    clock->fence_number += (int64_t)clock->asked;
    if (queue_call(clock->config.queue, SCRIPT_CLAIM_RETRIES, 2, &args, on_claimed, clock) == 0)
        clock->claiming = true;
    else
        again_later(clock);
    redis_args_release(&args);
}
