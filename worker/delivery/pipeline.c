#include "delivery/pipeline.h"

#include <stdlib.h>

#include "base/log.h"
#include "delivery/arrival.h"
#include "delivery/attempt.h"
#include "delivery/claims.h"
#include "delivery/conclude.h"
#include "delivery/dispatch.h"
#include "delivery/parts.h"
#include "delivery/settlement.h"
#include "delivery/suspects.h"

/* A rendered body holds the event's text, whose escapes may make it longer than the document. */
#define BODY_GROWTH 6
#define BODY_MARGIN 8192

/* Outcomes that Redis has not stored, for each place: while it refuses to, nothing is read. */
#define UNSTORED_MAX 4

#define FIRST_CONCURRENCY 2 /* of a lane of which nothing is known */
#define READ_AHEAD 16       /* deliveries that are read although no place is free */

/* --- how much is taken --- */

static bool refuses(const struct pipeline *pipeline)
{
    return settle_refusal(pipeline->settle)->fault != FAULT_NONE;
}

static bool takes_nothing(const struct pipeline *pipeline)
{
    return pipeline->draining || suspects_wait(pipeline) || refuses(pipeline) ||
           settle_waiting(pipeline->settle) >
               UNSTORED_MAX * (size_t)pipeline->settings->max_in_flight;
}

/* In deliveries: this many more than have started may be here. */
static size_t hand_room(const struct pipeline *pipeline)
{
    size_t places = capacity_places(pipeline->capacity);
    size_t most = places > READ_AHEAD ? places : READ_AHEAD;
    size_t unstarted = entries_unstarted(&pipeline->entries);
    return takes_nothing(pipeline) || unstarted >= most ? 0 : most - unstarted;
}

/* In entries. What finds no place soon is written into its lane, which costs more than leaving it
 * unread: so places that lanes will take at once are none for the stream. But a little is always
 * read, for what waits for some rooms must not keep others' events unread. */
static size_t stream_room(void *context)
{
    const struct pipeline *pipeline = context;
    size_t room = hand_room(pipeline);
    size_t lanes = capacity_soon(pipeline->capacity);
    if (room == 0 || (room <= lanes && loop_now_ms() - pipeline->read_at_ms < CAPACITY_SOON_MS))
        return 0;
    room = room > lanes ? room - lanes : READ_AHEAD;
    size_t entries = (size_t)((double)room / pipeline->hooks_an_event);
    return entries > 0 ? entries : 1;
}

static size_t lanes_room(void *context)
{
    const struct pipeline *pipeline = context;
    return takes_nothing(pipeline) ? 0 : capacity_ring_room(pipeline->capacity);
}

static size_t probes_room(void *context)
{
    return claims_probes_room(context);
}

/* --- the turn --- */

/* What waits in lines too long goes into its lane; when there is no room to read for it, soon. */
static void sweep_lines(struct pipeline *pipeline)
{
    int64_t now = loop_now_ms();
    if (now - pipeline->swept_at_ms >= CAPACITY_SOON_MS) {
        pipeline->swept_at_ms = now;
        dispatch_sweep(pipeline, hand_room(pipeline) == 0);
    }
    bool waits = entries_queued(&pipeline->entries) > 0 || stream_room(pipeline) == 0;
    if (waits && !loop_timer_is_armed(&pipeline->line_timer))
        loop_timer_arm(&pipeline->line_timer, CAPACITY_SOON_MS);
}

static void run_capacity(struct pipeline *pipeline)
{
    struct capacity *capacity = pipeline->capacity;
    struct capacity_waiter *late;
    struct capacity_step step;
    int64_t again_ms = capacity_tick(capacity, loop_run_ms());
    do {
        while ((step = capacity_next(capacity, loop_run_ms())).what != CAPACITY_NOTHING) {
            if (step.what == CAPACITY_START)
                dispatch(pipeline, delivery_of(step.waiter));
            else
                claims_want(pipeline, step.lane, step.most);
        }
        /* What drains starts nothing in its place. */
        late = pipeline->draining ? NULL : capacity_to_cut(capacity);
        if (late != NULL)
            attempt_cut(pipeline, delivery_of(late));
    } while (late != NULL);
    if (again_ms >= 0)
        loop_timer_arm(&pipeline->capacity_timer, again_ms);
}

static void turn(void *context)
{
    struct pipeline *pipeline = context;
    suspects_next(pipeline);
    if (dispatch_is_allowed(pipeline))
        run_capacity(pipeline);
    sweep_lines(pipeline);
    claims_send(pipeline);
    lanes_recheck(pipeline->lanes);
    if (pipeline->draining)
        (void)settle_flush(pipeline->settle);
    intake_kick(pipeline->intake);
    lanes_kick(pipeline->lanes);
}

static void on_timer(void *context)
{
    pipeline_arm(context);
}

/* --- making it --- */

static void on_followed(void *context)
{
    const struct pipeline *pipeline = context;
    intake_followed(pipeline->intake);
}

/* What changed about hooks is heard behind each read, with the entries that need to know it. */
static bool follow_read(void *context)
{
    struct pipeline *pipeline = context;
    return registry_follow_read(pipeline->registry, pipeline->reader, INTAKE_DEADLINE_MS,
                                on_followed, pipeline) == 0;
}

static void set_policy(struct pipeline *pipeline)
{
    const struct settings *settings = pipeline->settings;
    pipeline->policy = (struct verdict_policy){
        .retry_schedule_ms = settings->retry_schedule_ms,
        .retry_schedule_len = settings->retry_schedule_len,
        .retry_jitter_percent = (int)settings->retry_jitter_percent,
        .success = {settings->success_status, settings->success_status_len},
        .permanent = {settings->permanent_status, settings->permanent_status_len},
        .max_age_ms = settings->max_age_ms,
        .retry_after_max_ms = settings->retry_after_max_ms,
    };
    pipeline->lease_ms = settings->timeout_ms + LEASE_MARGIN_MS;
}

static struct settle_caps caps_of(const struct settings *settings)
{
    return (struct settle_caps){.dead_max = settings->dead_max,
                                .dead_max_bytes = settings->dead_max_bytes,
                                .lane_max = settings->lane_max};
}

static struct registry_rules rules_of(struct pipeline *pipeline)
{
    return (struct registry_rules){.disable_after_ms = pipeline->settings->disable_after_ms,
                                   .max_age_ms = pipeline->settings->max_age_ms,
                                   .lane_changed = claims_lane_changed,
                                   .hook_changed = claims_hook_changed,
                                   .context = pipeline};
}

static struct attempt_log_limits log_limits_of(const struct settings *settings)
{
    return (struct attempt_log_limits){
        .what = (enum attempt_log_what)settings->attempt_log,
        .per_hook = settings->attempt_log_per_hook,
        .max_bytes = settings->attempt_log_max_bytes,
    };
}

static struct keep_limits keep_limits_of(const struct settings *settings)
{
    return (struct keep_limits){.keep_ms = settings->keep_delivered_ms,
                                .max_bytes = settings->keep_delivered_max_bytes};
}

void pipeline_settings_changed(struct pipeline *pipeline)
{
    const struct attempt_log_limits log = log_limits_of(pipeline->settings);
    const struct keep_limits keep = keep_limits_of(pipeline->settings);
    const struct settle_caps caps = caps_of(pipeline->settings);
    const struct registry_rules rules = rules_of(pipeline);
    set_policy(pipeline);
    settle_set_caps(pipeline->settle, &caps);
    attempt_log_set_limits(pipeline->log, &log);
    keep_set_limits(pipeline->keep, &keep);
    registry_set_rules(pipeline->registry, &rules);
    transports_changed(&pipeline->transports);
}

/* Of the largest event in the format that makes most of it, or of a template. */
static size_t max_body(const struct settings *settings)
{
    size_t of_event = (size_t)settings->max_event_bytes * BODY_GROWTH + BODY_MARGIN;
    return of_event > TEMPLATE_BODY_MAX ? of_event : TEMPLATE_BODY_MAX;
}

static int make_http(struct pipeline *pipeline, struct error_text *why)
{
    const struct settings *settings = pipeline->settings;
    struct http_client_config config = {
        .guard = pipeline->guard,
        .ca_file = settings->ca_file,
        .proxy = &settings->proxy,
        .proxy_password = settings->proxy_password,
        .no_proxy = settings->no_proxy,
        .no_proxy_len = settings->no_proxy_len,
        .max_transfers = (size_t)settings->max_in_flight,
        .max_per_address = (size_t)settings->max_per_address,
        .max_response_bytes = (size_t)settings->max_response_bytes,
        .max_body_bytes = max_body(settings),
        .https_only = settings->https_only,
    };
    return transports_init(&pipeline->transports, pipeline->loop, settings, &config, why);
}

static struct capacity *make_capacity(const struct settings *settings)
{
    size_t per_endpoint = (size_t)settings->max_per_endpoint;
    struct capacity_limits limits = {
        .in_flight = (size_t)settings->max_in_flight,
        .per_address = (size_t)settings->max_per_address,
        .per_origin = (size_t)settings->max_per_origin,
        .per_endpoint = per_endpoint,
        .first = per_endpoint < FIRST_CONCURRENCY ? 1 : FIRST_CONCURRENCY,
        .kept = (size_t)settings->max_in_flight / 4,
    };
    return capacity_new(&limits);
}

/* While Redis refuses outcomes nothing new is taken. */
static void on_refusal(void *context)
{
    struct pipeline *pipeline = context;
    if (refuses(pipeline))
        intake_end_read(pipeline->intake);
    pipeline_arm(pipeline);
}

static int make_ends(struct pipeline *pipeline)
{
    const struct settings *settings = pipeline->settings;
    struct settle_config settle = {
        .caps = caps_of(settings),
        .put = settlement_put,
        .settled = settlement_stored,
        .overflow = claims_overflow,
        .refusal = on_refusal,
        .context = pipeline,
    };
    struct stream_taker taker = {
        .max_event_bytes = settings->max_event_bytes,
        .room = stream_room,
        .follow = follow_read,
        .knows = arrival_knows,
        .entry = arrival_of_entry,
        .context = pipeline,
    };
    struct lanes_config lanes = {
        .room = lanes_room,
        .shut_room = probes_room,
        .due = claims_due,
        .claimed = claims_claimed,
        .answered = claims_answered,
        .context = pipeline,
    };
    const struct attempt_log_limits log = log_limits_of(settings);
    const struct keep_limits keep = keep_limits_of(settings);
    pipeline->settle = settle_new(pipeline->loop, pipeline->queue, &settle);
    pipeline->intake = intake_new(pipeline->loop, pipeline->queue, pipeline->reader, &taker);
    pipeline->lanes = lanes_new(pipeline->loop, pipeline->queue, &lanes);
    pipeline->visits = claims_new();
    pipeline->log = attempt_log_new(pipeline->loop, pipeline->queue, &log);
    pipeline->keep = keep_new(pipeline->loop, pipeline->queue, &keep);
    return pipeline->settle != NULL && pipeline->intake != NULL && pipeline->lanes != NULL &&
                   pipeline->visits != NULL && pipeline->log != NULL && pipeline->keep != NULL
               ? 0
               : -1;
}

static int make_timers(struct pipeline *pipeline)
{
    struct loop *loop = pipeline->loop;
    return loop_timer_init(loop, &pipeline->detach_timer, settlement_on_detach, pipeline) == 0 &&
                   loop_timer_init(loop, &pipeline->ask_timer, arrival_ask_again, pipeline) == 0 &&
                   loop_timer_init(loop, &pipeline->suspect_timer, on_timer, pipeline) == 0 &&
                   loop_timer_init(loop, &pipeline->capacity_timer, on_timer, pipeline) == 0 &&
                   loop_timer_init(loop, &pipeline->line_timer, on_timer, pipeline) == 0 &&
                   loop_turn_init(loop, &pipeline->turn, turn, pipeline) == 0
               ? 0
               : -1;
}

static int make_parts(struct pipeline *pipeline, struct error_text *why)
{
    const struct registry_rules rules = rules_of(pipeline);
    error_text_set(why, "out of memory");
    pipeline->capacity = make_capacity(pipeline->settings);
    pipeline->registry = registry_new(pipeline->loop, pipeline->queue, &rules);
    if (pipeline->capacity == NULL || pipeline->registry == NULL || make_ends(pipeline) != 0 ||
        make_timers(pipeline) != 0)
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
    pipeline->reader = config->reader;
    pipeline->guard = config->guard;
    pipeline->queue = config->queue;
    pipeline->settings = config->settings;
    pipeline->random = loop_seed();
    pipeline->hooks_an_event = 1;
    entries_init(&pipeline->entries);
    set_policy(pipeline);
    if (make_parts(pipeline, why) != 0) {
        pipeline_free(pipeline);
        return NULL;
    }
    return pipeline;
}

static void free_entries(struct pipeline *pipeline)
{
    struct entries *entries = &pipeline->entries;
    struct delivery *delivery;
    TAILQ_FOREACH(delivery, &entries->deliveries[DELIVERY_SENDING], of_state) {
        if (delivery->transfer != NULL)
            http_transfer_cancel(delivery->transfer);
    }
    for (int state = 0; state < ENTRY_STATES; state++) {
        while (!TAILQ_EMPTY(&entries->of_state[state]))
            entry_free(entries, TAILQ_FIRST(&entries->of_state[state]));
    }
}

void pipeline_free(struct pipeline *pipeline)
{
    if (pipeline == NULL)
        return;
    free_entries(pipeline);
    claims_free(pipeline->visits);
    rates_release(&pipeline->inline_rates);
    settle_free(pipeline->settle);
    intake_free(pipeline->intake);
    lanes_free(pipeline->lanes);
    attempt_log_free(pipeline->log);
    keep_free(pipeline->keep);
    registry_free(pipeline->registry);
    transports_release(&pipeline->transports);
    capacity_free(pipeline->capacity);
    loop_timer_release(&pipeline->detach_timer);
    loop_timer_release(&pipeline->ask_timer);
    loop_timer_release(&pipeline->suspect_timer);
    loop_timer_release(&pipeline->capacity_timer);
    loop_timer_release(&pipeline->line_timer);
    loop_turn_release(&pipeline->turn);
    free(pipeline);
}

/* --- what happens to the worker --- */

void pipeline_control_up(struct pipeline *pipeline)
{
    registry_link_up(pipeline->registry);
    settle_resume(pipeline->settle);
    intake_control_up(pipeline->intake);
    lanes_up(pipeline->lanes);
    pipeline_arm(pipeline);
}

void pipeline_reader_up(struct pipeline *pipeline)
{
    intake_reader_up(pipeline->intake);
}

void pipeline_link_down(struct pipeline *pipeline)
{
    intake_link_down(pipeline->intake);
}

void pipeline_reclaim(struct pipeline *pipeline, int64_t min_idle_ms)
{
    intake_reclaim(pipeline->intake, min_idle_ms);
}

static void give_back(struct pipeline *pipeline, enum delivery_state state)
{
    const struct delivery_list *list = &pipeline->entries.deliveries[state];
    while (!TAILQ_EMPTY(list))
        conclude_back(pipeline, TAILQ_FIRST(list));
}

void pipeline_look(struct pipeline *pipeline)
{
    transports_look(&pipeline->transports);
}

void pipeline_alive(struct pipeline *pipeline, const struct liveness_beat *beat)
{
    pipeline->redis_ahead_ms = beat->redis_ms - loop_now_ms();
    if (beat->had_lapsed)
        give_back(pipeline, DELIVERY_QUEUED);
    pipeline->alive_until_ms = beat->until_ms;
    pipeline_look(pipeline);
    pipeline_arm(pipeline);
}

void pipeline_drain(struct pipeline *pipeline)
{
    pipeline->draining = true;
    intake_stop(pipeline->intake);
    lanes_stop(pipeline->lanes);
    give_back(pipeline, DELIVERY_QUEUED);
    suspects_leave(pipeline);
}

void pipeline_give_back_all(struct pipeline *pipeline)
{
    give_back(pipeline, DELIVERY_QUEUED);
    give_back(pipeline, DELIVERY_SENDING);
}

bool pipeline_is_empty(const struct pipeline *pipeline)
{
    return pipeline->entries.len == 0 && settle_waiting(pipeline->settle) == 0 &&
           intake_is_stopped(pipeline->intake) && lanes_is_stopped(pipeline->lanes) &&
           attempt_log_is_idle(pipeline->log) && keep_is_idle(pipeline->keep);
}

void pipeline_report(struct pipeline *pipeline)
{
    registry_report_now(pipeline->registry);
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
    return pipeline->entries.deliveries_len[DELIVERY_SENDING][SOURCE_STREAM] +
           pipeline->entries.deliveries_len[DELIVERY_SENDING][SOURCE_LANE];
}
