#include "web/metrics.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>

#include "redis/fault.h"

/* A metric without labels of its own. */
struct plain {
    const char *name;
    const char *type;
    const char *help;
};

/* A counter of {Q}:stats, as a value of a label when it has one. */
struct counted {
    const char *metric;
    const char *label; /* NULL: none */
    const char *value;
    enum counter counter;
};

static const struct plain counted_metrics[] = {
    {"roomhook_events_total", "counter", "Events taken from the stream."},
    {"roomhook_events_without_hook_total", "counter", "Events of rooms without an enabled hook."},
    {"roomhook_events_lost_total", "counter",
     "Events that something other than a worker deleted, pending or unread ones."},
    {"roomhook_attempts_total", "counter", "POSTs made."},
    {"roomhook_deliveries_total", "counter", "Deliveries that ended, by outcome."},
    {"roomhook_retries_total", "counter", "Failed attempts that are followed by another."},
    {"roomhook_waits_total", "counter", "Deliveries that were written into their lanes."},
    {"roomhook_releases_total", "counter", "Claimed deliveries given back without an attempt."},
    {"roomhook_cut_attempts_total", "counter",
     "Attempts ended early because others needed their places."},
    {"roomhook_breaker_openings_total", "counter", "Hooks that opened because they kept failing."},
    {"roomhook_dead_letters_dropped_total", "counter", "Dead letters dropped past the caps."},
    {"roomhook_local_shortages_total", "counter",
     "Attempts not made because a worker lacked descriptors, threads or memory."},
    {"roomhook_reclaimed_events_total", "counter", "Events taken over, by whose they were."},
    {"roomhook_redis_connects_total", "counter", "Connections that workers made to Redis."},
    {"roomhook_stream_deletions_total", "counter",
     "Times that the stream, or the whole queue, was found deleted."},
    {"roomhook_repairs_total", "counter", "Inconsistencies of waiting deliveries repaired."},
    {"roomhook_attempt_log_dropped_total", "counter",
     "Entries of the attempt log that were not written."},
};

static const struct counted counted[] = {
    {"roomhook_events_total", NULL, NULL, COUNTER_EVENTS},
    {"roomhook_events_without_hook_total", NULL, NULL, COUNTER_NO_HOOK},
    {"roomhook_events_lost_total", "reason", "pending", COUNTER_LOST},
    {"roomhook_events_lost_total", "reason", "unread", COUNTER_DELETED_EXTERNALLY},
    {"roomhook_attempts_total", NULL, NULL, COUNTER_ATTEMPTS},
    {"roomhook_deliveries_total", "outcome", "delivered", COUNTER_DELIVERED},
    {"roomhook_deliveries_total", "outcome", "dead", COUNTER_DEAD},
    {"roomhook_deliveries_total", "outcome", "hook_disabled", COUNTER_HOOK_DISABLED},
    {"roomhook_deliveries_total", "outcome", "type_skipped", COUNTER_TYPE_SKIPPED},
    {"roomhook_deliveries_total", "outcome", "fenced", COUNTER_FENCED},
    {"roomhook_retries_total", NULL, NULL, COUNTER_RETRIES},
    {"roomhook_waits_total", NULL, NULL, COUNTER_WAITED},
    {"roomhook_releases_total", NULL, NULL, COUNTER_RELEASED},
    {"roomhook_cut_attempts_total", NULL, NULL, COUNTER_CUT},
    {"roomhook_breaker_openings_total", NULL, NULL, COUNTER_BREAKER_OPENED},
    {"roomhook_dead_letters_dropped_total", NULL, NULL, COUNTER_DEAD_DROPPED},
    {"roomhook_local_shortages_total", NULL, NULL, COUNTER_LOCAL_SHORTAGES},
    {"roomhook_reclaimed_events_total", "reason", "own", COUNTER_RECLAIMED_OWN},
    {"roomhook_reclaimed_events_total", "reason", "dead", COUNTER_RECLAIMED_DEAD},
    {"roomhook_reclaimed_events_total", "reason", "stuck", COUNTER_RECLAIMED_STUCK},
    {"roomhook_redis_connects_total", NULL, NULL, COUNTER_REDIS_CONNECTS},
    {"roomhook_stream_deletions_total", NULL, NULL, COUNTER_STREAM_DELETIONS},
    {"roomhook_repairs_total", NULL, NULL, COUNTER_HEALED},
    {"roomhook_attempt_log_dropped_total", NULL, NULL, COUNTER_LOG_DROPPED},
};

static void put_head(struct buffer *out, const char *name, const char *type, const char *help)
{
    buffer_append_format(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

/* One series; label is NULL for none. */
static void put_sample(struct buffer *out, const char *name, const char *queue, const char *label,
                       const char *value, int64_t number)
{
    buffer_append_format(out, "%s{queue=\"%s\"", name, queue);
    if (label != NULL)
        buffer_append_format(out, ",%s=\"%s\"", label, value);
    buffer_append_format(out, "} %" PRId64 "\n", number);
}

static void put_counters(struct buffer *out, const char *queue, const struct status *status)
{
    const size_t metrics_len = sizeof(counted_metrics) / sizeof(counted_metrics[0]);

    for (size_t i = 0; i < metrics_len; i++) {
        const struct plain *metric = &counted_metrics[i];
        put_head(out, metric->name, metric->type, metric->help);
        for (size_t n = 0; n < sizeof(counted) / sizeof(counted[0]); n++) {
            if (bytes_equal_text(bytes_of(counted[n].metric), metric->name))
                put_sample(out, metric->name, queue, counted[n].label, counted[n].value,
                           status_counter(status, counter_name(counted[n].counter)));
        }
    }
}

static void put_redis_errors(struct buffer *out, const char *queue, const struct status *status)
{
    const char *name = "roomhook_redis_errors_total";

    put_head(out, name, "counter", "Refusals of Redis and lost connections of workers, by kind.");
    for (enum redis_fault fault = FAULT_UNREACHABLE; fault < FAULTS; fault++)
        put_sample(out, name, queue, "kind", redis_fault_name(fault),
                   status_counter(status, counter_name(redis_fault_counter(fault))));
}

/* Buckets of status are apart, those of Prometheus hold all below them. */
static void put_times(struct buffer *out, const char *name, const char *queue,
                      const struct status *status, enum counter first, const char *help)
{
    int64_t count = 0;

    put_head(out, name, "histogram", help);
    for (int bucket = 0; bucket < COUNTER_TIME_BUCKETS; bucket++) {
        int64_t bound_ms = counter_time_bound_ms(bucket);
        char bound[24] = "+Inf";
        if (bound_ms >= 0)
            (void)snprintf(bound, sizeof(bound), "%g", (double)bound_ms / 1000);
        count += status_time(status, (enum counter)((int)first + bucket));
        buffer_append_format(out, "%s_bucket{queue=\"%s\",le=\"%s\"} %" PRId64 "\n", name, queue,
                             bound, count);
    }
    int64_t sum_ms = status_time(status, (enum counter)((int)first + COUNTER_TIME_BUCKETS));
    buffer_append_format(out, "%s_sum{queue=\"%s\"} %" PRId64 ".%03" PRId64 "\n", name, queue,
                         sum_ms / 1000, sum_ms % 1000);
    buffer_append_format(out, "%s_count{queue=\"%s\"} %" PRId64 "\n", name, queue, count);
}

/* Nothing of what is not known. */
static void put_gauge(struct buffer *out, const char *name, const char *queue, int64_t number,
                      const char *help)
{
    put_head(out, name, "gauge", help);
    if (number >= 0)
        put_sample(out, name, queue, NULL, NULL, number);
}

/* An age; 0 when there is nothing that has one. */
static void put_age(struct buffer *out, const char *name, const char *queue, int64_t age_ms,
                    const char *help)
{
    put_head(out, name, "gauge", help);
    if (age_ms < 0)
        age_ms = 0;
    buffer_append_format(out, "%s{queue=\"%s\"} %" PRId64 ".%03" PRId64 "\n", name, queue,
                         age_ms / 1000, age_ms % 1000);
}

static void put_lanes(struct buffer *out, const char *queue, const struct status_waiting *waiting)
{
    const char *name = "roomhook_lanes";

    put_head(out, name, "gauge",
             "Hooks that deliveries wait for. Shut: those that are open or disabled by workers.");
    if (waiting->lanes < 0 || waiting->lanes_shut < 0)
        return;
    put_sample(out, name, queue, "state", "shut", waiting->lanes_shut);
    put_sample(out, name, queue, "state", "not_shut", waiting->lanes - waiting->lanes_shut);
}

/* What heartbeats say, of all workers together. */
struct beats {
    int64_t in_flight;
    int64_t lag_ms; /* the longest */
    int64_t unstored;
};

/* By hand a heartbeat may be anything. */
static int64_t beat_number(const json_t *heartbeat, const char *name)
{
    int64_t number = json_integer_value(json_object_get(heartbeat, name));

    return number > 0 && number < INT32_MAX ? number : 0;
}

static struct beats read_beats(const struct status *status)
{
    struct beats beats = {0};

    for (size_t i = 0; i < status->workers_len; i++) {
        struct bytes text = reply_text(status->workers[i].heartbeat);
        json_t *heartbeat = json_loadb(text.data ? text.data : "", text.len, 0, NULL);
        int64_t lag_ms = beat_number(heartbeat, "loop_lag_ms");
        beats.in_flight += beat_number(heartbeat, "in_flight");
        beats.unstored += beat_number(heartbeat, "unstored");
        beats.lag_ms = lag_ms > beats.lag_ms ? lag_ms : beats.lag_ms;
        json_decref(heartbeat);
    }
    return beats;
}

static void put_workers(struct buffer *out, const char *queue, const struct status *status)
{
    const struct beats beats = read_beats(status);

    put_gauge(out, "roomhook_workers", queue,
              status->knows_workers ? (int64_t)status->workers_len : -1, "Workers that are alive.");
    put_gauge(out, "roomhook_worker_in_flight", queue, beats.in_flight,
              "Attempts under way in all workers.");
    put_gauge(out, "roomhook_worker_unstored_outcomes", queue, beats.unstored,
              "Outcomes that Redis refuses to store, of all workers.");
    put_age(out, "roomhook_worker_loop_lag_seconds", queue, beats.lag_ms,
            "Longest turn of any worker's event loop since its last heartbeat.");
}

void metrics_put_status(struct buffer *out, const char *queue, const struct status *status)
{
    put_gauge(out, "roomhook_backlog_events", queue, status->backlog,
              "Events that no worker has read.");
    put_gauge(out, "roomhook_pending_events", queue, status->in_flight,
              "Events that workers have read and not finished.");
    put_age(out, "roomhook_oldest_event_age_seconds", queue, status->oldest_age_ms,
            "Age of the oldest event that is unread or under way; 0 when there is none.");
    put_gauge(out, "roomhook_deliveries_waiting", queue, status->waiting.deliveries,
              "Deliveries that wait for a retry or their turn.");
    put_age(out, "roomhook_oldest_waiting_age_seconds", queue, status_waiting_age_ms(status),
            "Age of the oldest event with a waiting delivery; 0 when none waits.");
    put_lanes(out, queue, &status->waiting);
    put_gauge(out, "roomhook_lanes_due", queue, status->waiting.lanes_due,
              "Lanes that have something to send now.");
    put_gauge(out, "roomhook_dead_letters", queue, status->dead, "Dead letters that are kept.");
    put_workers(out, queue, status);
    if (!status->knows_counters)
        return;
    put_counters(out, queue, status);
    put_redis_errors(out, queue, status);
    put_times(out, "roomhook_attempt_seconds", queue, status, COUNTER_ATTEMPT_TIMES,
              "What attempts took, from the lookup of the name to the answer.");
    put_times(out, "roomhook_delivery_seconds", queue, status, COUNTER_DELIVERED_TIMES,
              "How old events were when they were delivered.");
}

void metrics_put_redis(struct buffer *out, const char *queue, bool is_up, int64_t age_ms)
{
    put_gauge(out, "roomhook_redis_up", queue, is_up ? 1 : 0,
              "1 if Redis could be read at the last look, else 0.");
    if (age_ms >= 0)
        put_age(out, "roomhook_snapshot_age_seconds", queue, age_ms,
                "How long ago these numbers were read.");
}

void metrics_put_answers(struct buffer *out, const int64_t counts[METRICS_CLASSES])
{
    const char *name = "roomhook_web_answers_total";

    put_head(out, name, "counter", "Answers of the web service, by the class of their status.");
    for (int i = 2; i < METRICS_CLASSES; i++)
        buffer_append_format(out, "%s{result=\"%dxx\"} %" PRId64 "\n", name, i, counts[i]);
}
