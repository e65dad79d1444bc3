#include "process/worker.h"

#include <openssl/rand.h>
#include <roomhook/version.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/counters.h"
#include "base/log.h"
#include "base/loop.h"
#include "delivery/entries.h"
#include "delivery/pipeline.h"
#include "http/own_addresses.h"
#include "process/alert_hook.h"
#include "process/check.h"
#include "process/drain.h"
#include "process/notify_text.h"
#include "process/process.h"
#include "process/redis_access.h"
#include "queue/attempt_log.h"
#include "queue/convert.h"
#include "queue/liveness.h"
#include "queue/queue.h"
#include "redis/link.h"

#define FLUSH_EVERY_MS 1000
#define HOST_MAX 64

struct worker {
    struct settings *settings;
    const struct notify_request *notify_request;
    const struct pool_place *place;  /* NULL: no pool */
    char pool[POOL_PLACE_TEXT_SIZE]; /* the same for its heartbeat; "" */
    struct loop *loop;
    struct notify *notify;
    struct queue queue;
    struct counters own_counters; /* of a lone worker */
    struct redis_faults faults;
    struct address_guard guard;
    struct own_addresses *own_addresses;
    char host[HOST_MAX + 1];
    char consumer[CONSUMER_NAME_SIZE];
    char client_name[CONSUMER_NAME_SIZE + 16]; /* for CLIENT LIST */
    struct redis_access access;
    struct alert_hook alert;
    struct redis_link *reader;
    struct convert *convert;
    struct leader *leader;
    struct liveness *liveness;
    struct pipeline *pipeline;
    struct drain drain;
    struct loop_timer flush_timer;
    struct loop_timer pulse_timer;
    enum process_state state;
};

/* --- counters --- */

/* A lost reply counts as stored: the numbers are for eyes, and adding twice would be worse. */
static void on_counted(void *context, const struct reply *reply)
{
    struct worker *worker = context;
    counters_sent(worker->queue.counters, !reply_is_error(reply));
}

static void flush_counters(void *context)
{
    struct worker *worker = context;
    const struct counters *counters = worker->queue.counters;
    struct redis_args args;
    struct redis_args numbers;
    int64_t first = 0;
    redis_args_init(&args);
    redis_args_init(&numbers);
    for (int i = 0; i < COUNTERS; i++) {
        if (counters->unsent[i] == 0)
            continue;
        first += counter_is_time((enum counter)i) ? 0 : 1;
        redis_args_text(&numbers, counter_name((enum counter)i));
        redis_args_int(&numbers, counters->unsent[i]);
    }
    redis_args_text(&args, worker->queue.keys.stats);
    redis_args_text(&args, worker->queue.keys.times);
    redis_args_int(&args, first);
    redis_args_append(&args, &numbers);
    redis_reply_fn *fn = counters->sending ? NULL : on_counted;
    if (numbers.len > 0 && queue_call(&worker->queue, SCRIPT_COUNT, 2, &args, fn, worker) == 0)
        counters_send(worker->queue.counters);
    redis_args_release(&args);
    redis_args_release(&numbers);
    loop_timer_arm(&worker->flush_timer, FLUSH_EVERY_MS);
}

/* --- telling how it is --- */

static void put_status(void *context, char text[NOTIFY_TEXT_SIZE])
{
    const struct worker *worker = context;
    const struct notify_status status = {
        .state = worker->state,
        .detail = "",
        .in_flight = pipeline_in_flight(worker->pipeline),
        .turns = true,
    };
    notify_text_put(worker->notify_request, &status, text);
}

/* False when it may not become that, or is it already. */
static bool become(struct worker *worker, enum process_state state)
{
    if (!process_state_follows(worker->state, state))
        return false;
    worker->state = state;
    notify_now(worker->notify);
    if (worker->place != NULL)
        pool_place_change(worker->place, state);
    return true;
}

static void pulse(void *context)
{
    struct worker *worker = context;
    pool_place_turn(worker->place, loop_now_ms(), pipeline_in_flight(worker->pipeline));
    loop_timer_arm(&worker->pulse_timer, worker->place->pulse_ms);
}

/* --- what the parts tell each other --- */

static void before_connect(void *context)
{
    struct worker *worker = context;
    redis_access_renew(&worker->access);
}

static void on_control_up(void *context)
{
    struct worker *worker = context;
    own_addresses_add_redis(&worker->guard, worker->queue.link);
    liveness_link_up(worker->liveness);
}

static void on_control_down(void *context)
{
    struct worker *worker = context;
    if (worker->state == PROCESS_WORKING)
        become(worker, PROCESS_AWAY);
    liveness_link_down(worker->liveness);
    pipeline_link_down(worker->pipeline);
}

static void on_reader_up(void *context)
{
    struct worker *worker = context;
    own_addresses_add_redis(&worker->guard, worker->reader);
    pipeline_reader_up(worker->pipeline);
}

/* Perhaps for too large a reply: reclaim, which follows every connect, takes large entries one by
 * one. */
static void on_reader_down(void *context)
{
    struct worker *worker = context;
    pipeline_link_down(worker->pipeline);
}

static void on_ready(void *context)
{
    struct worker *worker = context;
    bool first = worker->state == PROCESS_STARTING;
    pipeline_control_up(worker->pipeline);
    become(worker, PROCESS_WORKING);
    if (first)
        log_at(LOG_INFO, "ready", log_text("queue", worker->queue.keys.queue),
               log_text("consumer", worker->consumer), log_text("version", RH_VERSION));
}

static void on_alive(void *context, const struct liveness_beat *beat)
{
    struct worker *worker = context;
    own_addresses_look(worker->own_addresses);
    pipeline_alive(worker->pipeline, beat);
}

static void on_reclaim(void *context, int64_t min_idle_ms)
{
    struct worker *worker = context;
    pipeline_reclaim(worker->pipeline, min_idle_ms);
}

static void on_refused(void *context, const char *why)
{
    struct worker *worker = context;
    log_at(LOG_ERROR, "refused", log_text("why", why));
    become(worker, PROCESS_REFUSED);
    loop_stop(worker->loop);
}

static size_t in_flight(void *context)
{
    const struct worker *worker = context;
    return pipeline_in_flight(worker->pipeline);
}

static struct liveness_trouble trouble(void *context)
{
    const struct worker *worker = context;
    const struct settle_refusal *refusal = pipeline_refusal(worker->pipeline);
    const struct redis_complaint *last = redis_faults_last(&worker->faults, loop_now_ms());
    struct liveness_trouble trouble = {0};
    if (last != NULL) {
        trouble.fault = redis_fault_name(last->fault);
        trouble.what = last->about;
    }
    if (refusal->fault != FAULT_NONE) {
        trouble.fault = redis_fault_name(refusal->fault);
        trouble.what = refusal->error;
        trouble.unstored = pipeline_unstored(worker->pipeline);
        trouble.unstored_ms = loop_now_ms() - refusal->since_ms;
    }
    return trouble;
}

static void on_stop_signal(void *context)
{
    struct worker *worker = context;
    if (become(worker, PROCESS_DRAINING))
        drain_begin(&worker->drain);
    else if (worker->place == NULL)
        _exit(1); /* everything is recoverable: what is pending goes to others */
    /* In a pool the same wish may come from the terminal, the parent and its death. */
}

/* --- settings --- */

static void set_guard_rules(struct worker *worker)
{
    const struct settings *settings = worker->settings;
    memcpy(worker->guard.rules, settings->allow_address,
           settings->allow_address_len * sizeof(settings->allow_address[0]));
    worker->guard.rules_len = settings->allow_address_len;
}

static struct leader_caps caps_of_leader(const struct settings *settings)
{
    return (struct leader_caps){
        .dead_max = settings->dead_max,
        .dead_max_bytes = settings->dead_max_bytes,
        .log_max_bytes = settings->attempt_log_max_bytes,
        .logs_all = (enum attempt_log_what)settings->attempt_log == ATTEMPT_LOG_ALL,
        .disable_after_ms = settings->disable_after_ms,
    };
}

static void on_reload_signal(void *context)
{
    struct worker *worker = context;
    const struct settings *settings = worker->settings;
    struct error_text why;
    if (process_reload(worker->settings) == 0) {
        if (check_transports(settings, &why) != 0)
            log_at(LOG_ERROR, "transport", log_text("why", why.text));
        set_guard_rules(worker);
        pipeline_settings_changed(worker->pipeline);
        const struct leader_caps caps = caps_of_leader(settings);
        leader_set_caps(worker->leader, &caps);
        worker->drain.timeout_ms = settings->drain_timeout_ms;
    }
    own_addresses_look(worker->own_addresses);
    pipeline_look(worker->pipeline);
}

/* --- building --- */

/* "<host>-<pid>-<8 hex>": new for each incarnation, so that no two processes share pending entries.
 * */
static int name_consumer(struct worker *worker)
{
    char host[256] = "";
    unsigned char random[4];
    size_t len = 0;
    if (gethostname(host, sizeof(host) - 1) != 0)
        host[0] = '\0';
    for (const char *c = host; *c != '\0' && len < HOST_MAX; c++) {
        bool fine = (*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') ||
                    (*c >= '0' && *c <= '9') || *c == '.' || *c == '-';
        worker->host[len++] = fine ? *c : '_';
    }
    if (len == 0)
        snprintf(worker->host, sizeof(worker->host), "host");
    if (RAND_bytes(random, sizeof(random)) != 1)
        return -1;
    snprintf(worker->consumer, sizeof(worker->consumer), "%s-%ld-%02x%02x%02x%02x", worker->host,
             (long)getpid(), random[0], random[1], random[2], random[3]);
    worker->queue.consumer = worker->consumer;
    snprintf(worker->client_name, sizeof(worker->client_name), "roomhook-worker-%s",
             worker->consumer);
    return 0;
}

static int make_links(struct worker *worker, struct error_text *why)
{
    if (redis_access_init(&worker->access, why) != 0)
        return -1;
    struct redis_link_config control = {
        .address = &worker->settings->redis,
        .tls = &worker->access.tls,
        .before_connect = before_connect,
        .role = "control",
        .client_name = worker->client_name,
        .faults = &worker->faults,
        .on_up = on_control_up,
        .on_down = on_control_down,
        .context = worker,
    };
    struct redis_link_config reader = control;
    reader.role = "reader";
    reader.on_up = on_reader_up;
    reader.on_down = on_reader_down;
    worker->queue.link = redis_link_new(worker->loop, &control);
    worker->reader = redis_link_new(worker->loop, &reader);
    return worker->queue.link != NULL && worker->reader != NULL ? 0 : -1;
}

static int make_parts(struct worker *worker, struct error_text *why)
{
    struct pipeline_config pipeline = {
        .settings = worker->settings,
        .queue = &worker->queue,
        .reader = worker->reader,
        .guard = &worker->guard,
    };
    if (alert_hook_make(worker->settings, &worker->alert, why) != 0)
        return -1;
    worker->convert = convert_new(worker->loop, &worker->queue);
    struct leader_config leader = {
        .queue = &worker->queue,
        .convert = worker->convert,
        .ttl_ms = worker->settings->heartbeat_ttl_ms,
        .suspect_claims = SUSPECT_CLAIMS,
        .caps = caps_of_leader(worker->settings),
        .alert_hook = buffer_bytes(&worker->alert.json),
        .alert_lane = worker->alert.lane,
        .reclaim = on_reclaim,
        .context = worker,
    };
    worker->leader = worker->convert == NULL ? NULL : leader_new(&leader);
    struct liveness_config liveness = {
        .queue = &worker->queue,
        .host = worker->host,
        .pool = worker->pool,
        .leader = worker->leader,
        .convert = worker->convert,
        .ttl_ms = worker->settings->heartbeat_ttl_ms,
        .in_flight = in_flight,
        .trouble = trouble,
        .ready = on_ready,
        .alive = on_alive,
        .reclaim = on_reclaim,
        .refused = on_refused,
        .context = worker,
    };
    worker->pipeline = pipeline_new(worker->loop, &pipeline, why);
    if (worker->pipeline == NULL)
        return -1;
    worker->liveness = liveness_new(worker->loop, &liveness);
    worker->drain = (struct drain){
        .loop = worker->loop,
        .pipeline = worker->pipeline,
        .liveness = worker->liveness,
        .timeout_ms = worker->settings->drain_timeout_ms,
        .flush = flush_counters,
        .context = worker,
    };
    if (worker->leader == NULL || worker->liveness == NULL || drain_init(&worker->drain) != 0 ||
        loop_timer_init(worker->loop, &worker->flush_timer, flush_counters, worker) != 0 ||
        loop_timer_init(worker->loop, &worker->pulse_timer, pulse, worker) != 0 ||
        loop_on_signal(worker->loop, SIGTERM, on_stop_signal, worker) != 0 ||
        loop_on_signal(worker->loop, SIGINT, on_stop_signal, worker) != 0 ||
        loop_on_signal(worker->loop, SIGHUP,
                       process_hangup_stops() ? on_stop_signal : on_reload_signal, worker) != 0)
        return -1;
    return 0;
}

static int build(struct worker *worker, struct error_text *why)
{
    const struct settings *settings = worker->settings;
    error_text_set(why, "out of memory, descriptors or randomness");
    worker->loop = loop_new();
    if (worker->loop == NULL || queue_init(&worker->queue, settings->queue) != 0 ||
        name_consumer(worker) != 0 || check_transports(settings, why) != 0 ||
        make_links(worker, why) != 0)
        return -1;
    set_guard_rules(worker);
    worker->own_addresses = own_addresses_new(worker->loop, &worker->guard);
    if (worker->own_addresses == NULL || make_parts(worker, why) != 0)
        return -1;
    worker->notify =
        notify_new(worker->loop, worker->notify_request,
                   worker->place == NULL ? settings->alive_file : "", put_status, worker);
    return worker->notify != NULL ? 0 : -1;
}

static void release(struct worker *worker)
{
    notify_free(worker->notify);
    pipeline_free(worker->pipeline);
    liveness_free(worker->liveness);
    leader_free(worker->leader);
    alert_hook_release(&worker->alert);
    convert_free(worker->convert);
    drain_release(&worker->drain);
    loop_timer_release(&worker->flush_timer);
    loop_timer_release(&worker->pulse_timer);
    redis_link_free(worker->reader);
    redis_link_free(worker->queue.link);
    redis_access_release(&worker->access);
    own_addresses_free(worker->own_addresses);
    loop_free(worker->loop);
}

/* From here on the pool's parent is listened to. */
static void join_pool(struct worker *worker)
{
    sigset_t stop;
    memcpy(worker->place->slot->consumer, worker->consumer, sizeof(worker->consumer));
    pulse(worker);
    sigemptyset(&stop);
    sigaddset(&stop, SIGTERM);
    sigaddset(&stop, SIGINT);
    sigaddset(&stop, SIGHUP);
    (void)sigprocmask(SIG_UNBLOCK, &stop, NULL);
}

int worker_run(struct settings *settings, const struct notify_request *notify,
               const struct pool_place *place)
{
    struct worker worker = {
        .settings = settings, .notify_request = notify, .place = place, .state = PROCESS_STARTING};
    struct error_text why = {""};
    int result = 1;
    worker.queue.counters = place != NULL ? &place->slot->counters : &worker.own_counters;
    worker.access.settings = settings;
    worker.faults.counters = worker.queue.counters;
    if (place != NULL)
        pool_place_text(place, worker.pool);
    if (build(&worker, &why) != 0) {
        log_at(LOG_ERROR, "cannot_start", log_text("why", why.text));
    } else {
        if (place != NULL)
            join_pool(&worker);
        redis_link_start(worker.queue.link);
        redis_link_start(worker.reader);
        loop_timer_arm(&worker.flush_timer, FLUSH_EVERY_MS);
        if (loop_run(worker.loop) == 0 && worker.state != PROCESS_REFUSED && worker.drain.clean)
            result = 0;
    }
    release(&worker);
    return result;
}
