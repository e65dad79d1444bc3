#include "world.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "events.h"

#define TIMEOUT_US 15000000
#define SECOND_US 1000000.0
#define FOR_EVER_MS INT64_C(1000000000)
#define PROBE_GAP_MAX_S 900
#define CUTS_MAX 2

struct hook;

struct delivery {
    struct capacity_waiter waiter;
    struct hook *hook;
    TAILQ_ENTRY(delivery) link; /* in its lane in Redis */
    int64_t arrived_us;
    int64_t began_us;
    bool has_started;
    bool is_ok; /* how its attempt will end */
    bool has_status;
    bool is_probe;
    unsigned attempts;
    unsigned cuts;
    unsigned attempt; /* makes events of one that was cut void */
    struct delivery *next_made;
};

struct hook {
    struct capacity_lane *lane;
    struct receiver receiver;
    enum group group;
    TAILQ_HEAD(deliveries, delivery) redis;
    unsigned answers;
    size_t claimed_most;
    unsigned in_a_row;
    unsigned buckets[4];
    int64_t bucket_us;
    bool is_open, is_probing;
    double probe_gap_s;
};

struct feed {
    struct source source;
    size_t count;
};

struct world {
    struct world_config config;
    struct capacity *capacity;
    struct hook *hooks;
    size_t hooks_len, hooks_size;
    struct feed *feeds;
    size_t feeds_len, feeds_size;
    struct events events;
    struct chance chance;
    int64_t now_us, tick_us;
    struct delivery *made;
    size_t claims;
    struct figures figures[GROUPS];
};

static int64_t in_s(const struct world *world, double seconds)
{
    return world->now_us + (int64_t)(seconds * SECOND_US);
}

static int64_t now_ms(const struct world *world)
{
    return world->now_us / 1000;
}

static void probe_in(struct world *world, const struct hook *hook, double seconds)
{
    events_add(&world->events, in_s(world, seconds),
               (struct event){.kind = EVENT_PROBE, .index = (size_t)(hook - world->hooks)});
}

/* --- the circuit breaker --- */

static void turn_buckets(struct world *world, struct hook *hook)
{
    if (world->now_us - hook->bucket_us <= 10 * (int64_t)SECOND_US)
        return;
    hook->buckets[0] = hook->buckets[2];
    hook->buckets[1] = hook->buckets[3];
    hook->buckets[2] = hook->buckets[3] = 0;
    hook->bucket_us = world->now_us;
}

static void breaker_failed(struct world *world, struct hook *hook)
{
    unsigned all, failed;

    turn_buckets(world, hook);
    hook->buckets[2]++;
    hook->buckets[3]++;
    hook->in_a_row += 3;
    all = hook->buckets[0] + hook->buckets[2];
    failed = hook->buckets[1] + hook->buckets[3];
    if (hook->is_open || (hook->in_a_row < 5 && (all < 20 || 2 * failed < all)))
        return;
    hook->is_open = true;
    hook->probe_gap_s = 1;
    capacity_restrict(world->capacity, hook->lane, 1);
    capacity_hold(world->capacity, hook->lane, FOR_EVER_MS);
    probe_in(world, hook, hook->probe_gap_s);
}

static void breaker_succeeded(struct world *world, struct hook *hook)
{
    turn_buckets(world, hook);
    hook->buckets[2]++;
    hook->in_a_row = 0;
    if (!hook->is_open)
        return;
    hook->is_open = hook->is_probing = false;
    capacity_hold(world->capacity, hook->lane, 0);
    capacity_restrict(world->capacity, hook->lane, 0);
}

static void probe_failed(struct world *world, struct delivery *delivery)
{
    struct hook *hook = delivery->hook;

    if (!delivery->is_probe)
        return;
    hook->is_probing = false;
    hook->probe_gap_s = fmin(2 * hook->probe_gap_s, PROBE_GAP_MAX_S);
    probe_in(world, hook, hook->probe_gap_s * chance_between(&world->chance, .8, 1.2));
}

/* --- deliveries --- */

static void into_redis(struct world *world, struct delivery *delivery, bool at_front)
{
    struct hook *hook = delivery->hook;

    if (at_front)
        TAILQ_INSERT_HEAD(&hook->redis, delivery, link);
    else
        TAILQ_INSERT_TAIL(&hook->redis, delivery, link);
    capacity_set_backlog(world->capacity, hook->lane, CAPACITY_BACKLOG_NOW);
}

static void arrive(struct world *world, struct hook *hook)
{
    struct delivery *delivery = calloc(1, sizeof(*delivery));

    assert(delivery);
    delivery->hook = hook;
    delivery->arrived_us = world->now_us;
    delivery->next_made = world->made;
    world->made = delivery;
    world->figures[hook->group].offered++;
    if (world->config.all_in_redis ||
        !capacity_offer(world->capacity, hook->lane, &delivery->waiter, now_ms(world)))
        into_redis(world, delivery, false);
}

static void start(struct world *world, struct delivery *delivery)
{
    struct hook *hook = delivery->hook;
    struct figures *figures = &world->figures[hook->group];
    int64_t delay_ms = (world->now_us - delivery->arrived_us) / 1000;
    int64_t hold_us;
    struct event event = {.delivery = delivery, .attempt = ++delivery->attempt};

    if (delivery->has_started) {
        figures->again++;
    } else {
        figures->started++;
        figures->delays[delay_ms < DELAYS_MS ? delay_ms : DELAYS_MS]++;
    }
    delivery->has_started = true;
    delivery->has_status = false;
    delivery->began_us = world->now_us;
    delivery->is_probe = hook->is_open;
    if (hook->is_open) {
        hook->is_probing = true;
        capacity_hold(world->capacity, hook->lane, FOR_EVER_MS);
    }
    hold_us = (int64_t)(SECOND_US * receiver_answer(&hook->receiver, &world->chance,
                                                    (double)world->now_us / SECOND_US,
                                                    &hook->answers, &delivery->is_ok));
    event.kind = EVENT_END;
    events_add(&world->events, world->now_us + (hold_us < TIMEOUT_US ? hold_us : TIMEOUT_US),
               event);
    if (hook->receiver.kind != RECEIVER_DRIP)
        return;
    event.kind = EVENT_STATUS;
    events_add(&world->events, world->now_us + 5000, event);
}

static void retry(struct world *world, struct delivery *delivery)
{
    static const double delays_s[] = {5, 300, 1800};
    double delay_s = delays_s[delivery->attempts < 2 ? delivery->attempts : 2];

    delivery->attempts++;
    events_add(&world->events, in_s(world, delay_s * chance_between(&world->chance, .8, 1.2)),
               (struct event){.kind = EVENT_RETRY, .delivery = delivery});
}

static void leave(struct world *world, struct delivery *delivery, enum capacity_news news)
{
    delivery->attempt++;
    world->figures[delivery->hook->group].held_s +=
        (double)(world->now_us - delivery->began_us) / SECOND_US;
    capacity_leave(world->capacity, &delivery->waiter, news, now_ms(world));
}

static void succeeded(struct world *world, struct delivery *delivery)
{
    struct hook *hook = delivery->hook;

    leave(world, delivery, CAPACITY_SUCCESS);
    world->figures[hook->group].done++;
    breaker_succeeded(world, hook);
}

static void failed(struct world *world, struct delivery *delivery)
{
    struct hook *hook = delivery->hook;

    leave(world, delivery, hook->receiver.kind == RECEIVER_FAIL ? CAPACITY_BUSY : CAPACITY_TIMEOUT);
    breaker_failed(world, hook);
    probe_failed(world, delivery);
    retry(world, delivery);
}

static void cut(struct world *world, struct delivery *delivery)
{
    struct hook *hook = delivery->hook;

    world->figures[hook->group].cuts++;
    if (delivery->has_status) {
        succeeded(world, delivery);
        return;
    }
    leave(world, delivery, CAPACITY_CUT);
    if (!capacity_ever_succeeded(hook->lane))
        breaker_failed(world, hook);
    probe_failed(world, delivery);
    if (!capacity_ever_succeeded(hook->lane)) {
        retry(world, delivery);
        return;
    }
    if (++delivery->cuts == CUTS_MAX)
        delivery->waiter.only_protected = true;
    events_add(&world->events, in_s(world, 1),
               (struct event){.kind = EVENT_RELEASED, .delivery = delivery});
}

/* --- the loop --- */

static void claimed(struct world *world, struct hook *hook)
{
    struct delivery *delivery;

    for (size_t i = 0; i < hook->claimed_most && (delivery = TAILQ_FIRST(&hook->redis)); i++) {
        TAILQ_REMOVE(&hook->redis, delivery, link);
        delivery->waiter.claimed = true;
        capacity_queue(world->capacity, hook->lane, &delivery->waiter, now_ms(world));
    }
    capacity_claimed(world->capacity, hook->lane,
                     TAILQ_EMPTY(&hook->redis) ? CAPACITY_BACKLOG_NONE : CAPACITY_BACKLOG_NOW);
}

static struct hook *hook_of(struct world *world, const struct capacity_lane *lane)
{
    size_t index = 0;

    for (const char *digit = strrchr(capacity_lane_name(lane), '/') + 1; *digit; digit++)
        index = 10 * index + (size_t)(*digit - '0');
    return &world->hooks[index];
}

static struct delivery *delivery_of(struct capacity_waiter *waiter)
{
    return (struct delivery *)(void *)waiter; /* its first member */
}

static void turn(struct world *world)
{
    int64_t next_ms = capacity_tick(world->capacity, now_ms(world));
    int64_t next_us = (now_ms(world) + next_ms) * 1000;
    struct capacity_waiter *waiter;
    struct capacity_step step;

    do {
        while ((step = capacity_next(world->capacity, now_ms(world))).what != CAPACITY_NOTHING) {
            if (step.what == CAPACITY_START) {
                start(world, delivery_of(step.waiter));
                continue;
            }
            world->claims++;
            hook_of(world, step.lane)->claimed_most = step.most;
            events_add(&world->events, world->now_us + world->config.trip_us,
                       (struct event){.kind = EVENT_CLAIMED,
                                      .index = (size_t)(hook_of(world, step.lane) - world->hooks)});
        }
        waiter = capacity_to_cut(world->capacity);
        if (waiter)
            cut(world, delivery_of(waiter));
    } while (waiter);
    /* What began in this turn is late after 250 ms at the soonest. */
    if (next_ms < 0 || next_ms > 50)
        next_us = (now_ms(world) + 50) * 1000;
    if (world->tick_us > world->now_us && world->tick_us <= next_us)
        return;
    world->tick_us = next_us;
    events_add(&world->events, next_us, (struct event){.kind = EVENT_TICK});
}

static void feed(struct world *world, size_t index)
{
    struct feed *feed = &world->feeds[index];
    const struct source *source = &feed->source;
    size_t lane = source->is_even ? feed->count % source->lanes
                                  : (size_t)(chance_next(&world->chance) * (double)source->lanes);
    double gap_s =
        source->is_even ? 1 / source->rate : -log(1 - chance_next(&world->chance)) / source->rate;

    for (size_t i = 0; i < (source->all_at_once ? source->lanes : 1); i++)
        arrive(world, &world->hooks[source->first + (source->all_at_once ? i : lane)]);
    feed->count++;
    if (feed->count != source->most &&
        (double)world->now_us / SECOND_US + gap_s < world->config.seconds - 3)
        events_add(&world->events, in_s(world, gap_s),
                   (struct event){.kind = EVENT_FEED, .index = index});
}

static void burst(struct world *world, const struct source *source)
{
    for (unsigned i = 0; i < source->burst; i++)
        for (size_t lane = 0; lane < source->lanes; lane++)
            arrive(world, &world->hooks[source->first + lane]);
}

static void probe(struct world *world, struct hook *hook)
{
    if (hook->is_open && !hook->is_probing)
        capacity_hold(world->capacity, hook->lane, 0);
}

static void happen(struct world *world, const struct event *event)
{
    struct delivery *delivery = event->delivery;

    switch (event->kind) {
    case EVENT_FEED:
        feed(world, event->index);
        break;
    case EVENT_BURST:
        burst(world, &world->feeds[event->index].source);
        break;
    case EVENT_END:
        if (event->attempt != delivery->attempt)
            break;
        if (delivery->is_ok)
            succeeded(world, delivery);
        else
            failed(world, delivery);
        break;
    case EVENT_STATUS:
        if (event->attempt != delivery->attempt)
            break;
        delivery->has_status = true;
        capacity_status_came(world->capacity, &delivery->waiter);
        break;
    case EVENT_RETRY:
    case EVENT_RELEASED:
        into_redis(world, delivery, event->kind == EVENT_RELEASED);
        break;
    case EVENT_PROBE:
        probe(world, &world->hooks[event->index]);
        break;
    case EVENT_CLAIMED:
        claimed(world, &world->hooks[event->index]);
        break;
    case EVENT_TICK:
        break;
    }
}

void world_run(struct world *world)
{
    /* They have moved while they grew: only now are their lists made. */
    for (size_t i = 0; i < world->hooks_len; i++)
        TAILQ_INIT(&world->hooks[i].redis);
    while (world->events.len > 0) {
        struct event event = events_take(&world->events);

        if ((double)event.at_us > world->config.seconds * SECOND_US)
            return;
        world->now_us = event.at_us;
        happen(world, &event);
        turn(world);
    }
}

/* --- made and asked --- */

struct world *world_new(const struct world_config *config)
{
    struct world *world = calloc(1, sizeof(*world));

    assert(world);
    world->config = *config;
    world->chance.state = config->seed * 0x9e3779b97f4a7c15u + 1;
    world->capacity = capacity_new(&config->limits);
    assert(world->capacity);
    return world;
}

void world_free(struct world *world)
{
    struct delivery *delivery;

    capacity_free(world->capacity);
    while ((delivery = world->made)) {
        world->made = delivery->next_made;
        free(delivery);
    }
    free(world->hooks);
    free(world->feeds);
    free(world->events.heap);
    free(world);
}

size_t world_lane(struct world *world, const char *room, const char *address, unsigned port,
                  const char *path, struct receiver receiver, enum group group)
{
    char name[64], origin[64], url[128];
    struct hook *hook;

    world->hooks = grown(world->hooks, world->hooks_len, &world->hooks_size, sizeof(*hook));
    hook = &world->hooks[world->hooks_len];
    *hook = (struct hook){.receiver = receiver, .group = group, .probe_gap_s = 1};
    (void)snprintf(name, sizeof(name), "%s/%zu", room, world->hooks_len);
    (void)snprintf(origin, sizeof(origin), "%s:%u", address, port);
    (void)snprintf(url, sizeof(url), "%s/%s", origin, path);
    hook->lane = capacity_lane(world->capacity, name, url, origin);
    assert(hook->lane);
    capacity_learn_address(world->capacity, hook->lane, address);
    return world->hooks_len++;
}

void world_source(struct world *world, const struct source *source)
{
    double start_s = source->start;
    size_t index = world->feeds_len;

    world->feeds = grown(world->feeds, index, &world->feeds_size, sizeof(*world->feeds));
    world->feeds[world->feeds_len++] = (struct feed){.source = *source};
    if (source->burst > 0)
        events_add(&world->events, in_s(world, start_s),
                   (struct event){.kind = EVENT_BURST, .index = index});
    if (source->lanes == 1)
        start_s += chance_next(&world->chance) / source->rate;
    events_add(&world->events, in_s(world, start_s),
               (struct event){.kind = EVENT_FEED, .index = index});
}

const struct figures *world_figures(const struct world *world, enum group group)
{
    return &world->figures[group];
}

size_t world_claims(const struct world *world)
{
    return world->claims;
}

double world_in_time(const struct figures *figures)
{
    size_t in_time = 0;

    for (size_t ms = 0; ms <= 3000; ms++)
        in_time += figures->delays[ms];
    return figures->offered ? 100.0 * (double)in_time / (double)figures->offered : 100;
}

int64_t world_delay_ms(const struct figures *figures, double part)
{
    double left = part * (double)figures->started;
    int64_t last = -1;

    for (int64_t ms = 0; ms <= DELAYS_MS; ms++) {
        if (figures->delays[ms] == 0)
            continue;
        last = ms;
        left -= figures->delays[ms];
        if (left < 0)
            break;
    }
    return last;
}
