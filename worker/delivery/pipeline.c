#include "delivery/pipeline.h"

#include <stdlib.h>

#include "base/log.h"
#include "delivery/pipeline_internal.h"

/* A rendered body holds the event's text, whose escapes may make it longer than the document. */
#define BODY_GROWTH 6
#define BODY_MARGIN 8192

/* Outcomes that Redis has not stored, for each slot: while it refuses to, nothing is read. */
#define UNSTORED_MAX 4

#define FIRST_PER_ENDPOINT 2 /* requests at a time to one that is not known */
#define SLOW_MS 2000

/* Entries may take three quarters of the slots: the rest is for retries. */
static size_t stream_limit(const struct pipeline *pipeline)
{
    size_t limit = (size_t)pipeline->config.settings->max_in_flight * 3 / 4;
    return limit > 0 ? limit : 1;
}

static bool refuses(const struct pipeline *pipeline)
{
    return settle_refusal(pipeline->settle)->fault != FAULT_NONE;
}

/* In entries, each of which will take as many slots as those before it: what is read beyond them
 * would be put aside in Redis, which costs more than a delivery. With any room at all it is one, so
 * that receivers which hang cannot keep an event of many hooks from being read. */
static size_t stream_room(void *context)
{
    const struct pipeline *pipeline = context;
    size_t limit = stream_limit(pipeline);
    size_t total = (size_t)pipeline->config.settings->max_in_flight;
    size_t used = pipeline->stream_load + pipeline->retry_load;
    size_t room = pipeline->stream_load < limit ? limit - pipeline->stream_load : 0;
    if (used >= total || pipeline_is_quarantined(pipeline) || refuses(pipeline) ||
        settle_waiting(pipeline->settle) > UNSTORED_MAX * total)
        return 0;
    if (room > total - used)
        room = total - used;
    size_t entries = (size_t)((double)room / pipeline->hooks_an_event);
    return entries == 0 && room > 0 ? 1 : entries;
}

bool pipeline_is_full(const struct pipeline *pipeline)
{
    size_t used = pipeline->stream_load + pipeline->retry_load;
    return pipeline->stream_load >= stream_limit(pipeline) ||
           used >= (size_t)pipeline->config.settings->max_in_flight ||
           capacity_is_blocked(pipeline->capacity);
}

static size_t retry_room(void *context)
{
    const struct pipeline *pipeline = context;
    size_t total = (size_t)pipeline->config.settings->max_in_flight;
    size_t share = total / 4 > 0 ? total / 4 : 1;
    size_t used = pipeline->stream_load + pipeline->retry_load + intake_offered(pipeline->intake);
    size_t room = used < total ? total - used : 0;
    size_t own = pipeline->retry_load < share ? share - pipeline->retry_load : 0;
    if (pipeline_is_quarantined(pipeline) || refuses(pipeline))
        return 0;
    return room > own ? room : own;
}

static void refill(void *context)
{
    struct pipeline *pipeline = context;
    if (!TAILQ_EMPTY(&pipeline->crowd))
        pipeline_thin_crowd(pipeline);
    intake_kick(pipeline->intake);
    retry_clock_kick(pipeline->retry_clock);
}

static void on_followed(void *context)
{
    const struct pipeline *pipeline = context;
    intake_followed(pipeline->intake);
}

/* What changed about hooks is heard behind each read, with the entries that need to know it. */
static bool follow_read(void *context)
{
    struct pipeline *pipeline = context;
    return registry_follow_read(pipeline->registry, pipeline->config.reader, INTAKE_DEADLINE_MS,
                                on_followed, pipeline) == 0;
}

static void set_policy(struct pipeline *pipeline)
{
    const struct settings *settings = pipeline->config.settings;
    pipeline->policy = (struct verdict_policy){
        .retry_schedule_ms = settings->retry_schedule_ms,
        .retry_schedule_len = settings->retry_schedule_len,
        .retry_jitter_percent = (int)settings->retry_jitter_percent,
        .permanent_status = settings->permanent_status,
        .permanent_status_len = settings->permanent_status_len,
        .max_age_ms = settings->max_age_ms,
        .retry_after_max_ms = settings->retry_after_max_ms,
    };
    pipeline->stamp = (struct outcome_stamp){
        .consumer = pipeline->config.queue->consumer,
        .lease_ms = settings->timeout_ms + LEASE_MARGIN_MS,
    };
}

static int make_http(struct pipeline *pipeline, struct error_text *why)
{
    const struct settings *settings = pipeline->config.settings;
    struct http_client_config config = {
        .guard = pipeline->config.guard,
        .ca_file = settings->ca_file,
        .max_transfers = (size_t)settings->max_in_flight,
        .max_per_address = (size_t)settings->max_per_address,
        .max_response_bytes = (size_t)settings->max_response_bytes,
        .max_body_bytes = (size_t)settings->max_event_bytes * BODY_GROWTH + BODY_MARGIN,
        .https_only = settings->https_only,
    };
    pipeline->http = http_client_new(pipeline->loop, &config, why);
    return pipeline->http == NULL ? -1 : http_client_self_test(pipeline->http, why);
}

/* While Redis refuses outcomes nothing new is taken. */
static void on_refusal(void *context)
{
    struct pipeline *pipeline = context;
    if (refuses(pipeline))
        intake_end_read(pipeline->intake);
    else
        loop_turn_arm(&pipeline->refill);
}

static int make_ends(struct pipeline *pipeline)
{
    const struct pipeline_config *config = &pipeline->config;
    struct settle_config settle = {
        .queue = config->queue,
        .dead_max = config->settings->dead_max,
        .done = pipeline_on_settled,
        .refusal = on_refusal,
        .context = pipeline,
    };
    struct stream_taker taker = {
        .max_event_bytes = config->settings->max_event_bytes,
        .dead_max = config->settings->dead_max,
        .room = stream_room,
        .follow = follow_read,
        .knows = pipeline_knows,
        .entry = pipeline_on_entry,
        .context = pipeline,
    };
    struct retry_clock_config retries = {
        .queue = config->queue,
        .lease_ms = pipeline->stamp.lease_ms,
        .room = retry_room,
        .retry = pipeline_on_retry,
        .quotas = pipeline_quotas,
        .pushed = pipeline_on_pushed,
        .context = pipeline,
    };
    pipeline->settle = settle_new(pipeline->loop, &settle);
    pipeline->intake = intake_new(pipeline->loop, config->queue, config->reader, &taker);
    pipeline->retry_clock = retry_clock_new(pipeline->loop, &retries);
    return pipeline->settle != NULL && pipeline->intake != NULL && pipeline->retry_clock != NULL
               ? 0
               : -1;
}

static int make_parts(struct pipeline *pipeline, struct error_text *why)
{
    const struct settings *settings = pipeline->config.settings;
    size_t max_in_flight = (size_t)settings->max_in_flight;
    struct capacity_limits limits = {
        .in_flight = max_in_flight,
        .per_origin = (size_t)settings->max_per_origin,
        .per_endpoint = (size_t)settings->max_per_endpoint,
        .first_per_endpoint =
            settings->max_per_endpoint < FIRST_PER_ENDPOINT ? 1 : FIRST_PER_ENDPOINT,
        .slow = max_in_flight / 4,
        .slow_most = max_in_flight / 2 > 0 ? max_in_flight / 2 : 1,
        .slow_ms = SLOW_MS,
        .kept = max_in_flight - stream_limit(pipeline),
    };
    struct queue *queue = pipeline->config.queue;
    error_text_set(why, "out of memory");
    pipeline->capacity = capacity_new(&limits);
    pipeline->registry = registry_new(pipeline->loop, queue, settings->disable_after_ms);
    pipeline->permits = permits_new(pipeline->loop, queue);
    if (pipeline->capacity == NULL || pipeline->registry == NULL || pipeline->permits == NULL ||
        make_ends(pipeline) != 0 ||
        loop_timer_init(pipeline->loop, &pipeline->part_timer, pipeline_on_part, pipeline) != 0 ||
        loop_timer_init(pipeline->loop, &pipeline->ask_timer, pipeline_ask_again, pipeline) != 0 ||
        loop_timer_init(pipeline->loop, &pipeline->lone_timer, pipeline_on_lone_again, pipeline) !=
            0 ||
        loop_timer_init(pipeline->loop, &pipeline->overdue_timer, pipeline_on_overdue, pipeline) !=
            0 ||
        loop_timer_init(pipeline->loop, &pipeline->slow_timer, pipeline_on_slow, pipeline) != 0 ||
        loop_turn_init(pipeline->loop, &pipeline->refill, refill, pipeline) != 0)
        return -1;
    return make_http(pipeline, why);
}

struct pipeline *pipeline_new(struct loop *loop, const struct pipeline_config *config,
                              struct error_text *why)
{
    struct pipeline *pipeline = calloc(1, sizeof(*pipeline));
    if (pipeline == NULL) {
        error_text_set(why, "out of memory");
        return NULL;
    }
    pipeline->loop = loop;
    pipeline->config = *config;
    pipeline->random = loop_seed();
    pipeline->hooks_an_event = 1;
    TAILQ_INIT(&pipeline->unfinished);
    TAILQ_INIT(&pipeline->everything);
    TAILQ_INIT(&pipeline->parting);
    TAILQ_INIT(&pipeline->held);
    TAILQ_INIT(&pipeline->crowd);
    TAILQ_INIT(&pipeline->lone);
    set_policy(pipeline);
    if (make_parts(pipeline, why) != 0) {
        pipeline_free(pipeline);
        return NULL;
    }
    return pipeline;
}

static void free_entries(struct pipeline *pipeline)
{
    struct delivery *delivery;
    TAILQ_FOREACH(delivery, &pipeline->unfinished, all) {
        if (delivery->transfer != NULL)
            http_transfer_cancel(delivery->transfer);
    }
    HASH_CLEAR(hh, pipeline->table);
    while (!TAILQ_EMPTY(&pipeline->everything)) {
        struct entry *entry = TAILQ_FIRST(&pipeline->everything);
        TAILQ_REMOVE(&pipeline->everything, entry, every);
        registry_cancel(&entry->query);
        entry_free(entry);
    }
}

void pipeline_free(struct pipeline *pipeline)
{
    if (pipeline == NULL)
        return;
    free_entries(pipeline);
    settle_free(pipeline->settle);
    intake_free(pipeline->intake);
    retry_clock_free(pipeline->retry_clock);
    registry_free(pipeline->registry);
    permits_free(pipeline->permits);
    http_client_free(pipeline->http);
    capacity_free(pipeline->capacity);
    loop_timer_release(&pipeline->part_timer);
    loop_timer_release(&pipeline->ask_timer);
    loop_timer_release(&pipeline->lone_timer);
    loop_timer_release(&pipeline->overdue_timer);
    loop_timer_release(&pipeline->slow_timer);
    loop_turn_release(&pipeline->refill);
    free(pipeline);
}

void pipeline_control_up(struct pipeline *pipeline)
{
    registry_link_up(pipeline->registry);
    settle_resume(pipeline->settle);
    intake_control_up(pipeline->intake);
    retry_clock_up(pipeline->retry_clock);
    pipeline_next_suspect(pipeline);
}

void pipeline_reader_up(struct pipeline *pipeline)
{
    intake_reader_up(pipeline->intake);
}

void pipeline_link_down(struct pipeline *pipeline)
{
    intake_link_down(pipeline->intake);
}

void pipeline_adopt(struct pipeline *pipeline, int64_t min_idle_ms)
{
    intake_adopt(pipeline->intake, min_idle_ms);
}

static void hand_back_waiting(struct pipeline *pipeline)
{
    struct delivery *delivery;
    struct delivery *next;
    for (delivery = TAILQ_FIRST(&pipeline->unfinished); delivery != NULL; delivery = next) {
        next = TAILQ_NEXT(delivery, all);
        if (delivery->state == DELIVERY_WAITING || delivery->state == DELIVERY_ASKING)
            pipeline_hand_back(pipeline, delivery);
    }
}

/* Events are dated by Redis' clock: ours may be wrong. */
int64_t pipeline_age_ms(const struct pipeline *pipeline, const struct entry *entry)
{
    return loop_now_ms() + pipeline->redis_ahead_ms - entry->queued_at_ms;
}

void pipeline_alive(struct pipeline *pipeline, const struct liveness_beat *beat)
{
    pipeline->redis_ahead_ms = beat->redis_ms - loop_now_ms();
    if (beat->had_lapsed) {
        hand_back_waiting(pipeline);
        pipeline_leave_crowd(pipeline);
    }
    pipeline->alive_until_ms = beat->until_ms;
    pipeline_dispatch(pipeline);
    pipeline_next_suspect(pipeline);
}

void pipeline_drain(struct pipeline *pipeline)
{
    pipeline->draining = true;
    intake_stop(pipeline->intake);
    retry_clock_stop(pipeline->retry_clock);
    hand_back_waiting(pipeline);
    pipeline_leave_crowd(pipeline);
    pipeline_leave_suspects(pipeline);
}

void pipeline_hand_back_all(struct pipeline *pipeline)
{
    while (!TAILQ_EMPTY(&pipeline->unfinished))
        pipeline_hand_back(pipeline, TAILQ_FIRST(&pipeline->unfinished));
}

bool pipeline_is_empty(const struct pipeline *pipeline)
{
    return TAILQ_EMPTY(&pipeline->everything) && settle_waiting(pipeline->settle) == 0 &&
           intake_is_stopped(pipeline->intake) && retry_clock_is_stopped(pipeline->retry_clock);
}

const struct settle_refusal *pipeline_refusal(const struct pipeline *pipeline)
{
    return settle_refusal(pipeline->settle);
}

size_t pipeline_unstored(const struct pipeline *pipeline)
{
    return settle_waiting(pipeline->settle);
}

size_t pipeline_in_flight(const struct pipeline *pipeline)
{
    return capacity_in_flight(pipeline->capacity);
}
