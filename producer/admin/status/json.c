#include "admin/status/json.h"

#include <jansson.h>

#include "contract/json_object.h"
#include "contract/json_text.h"

#define HEARTBEAT_DEPTH 8

static void put_counters(struct buffer *out, const struct status *status)
{
    buffer_append_char(out, '{');
    for (size_t i = 0; i + 1 < reply_len(status->counters); i += 2) {
        if (i > 0)
            buffer_append_char(out, ',');
        json_put_untrusted(out, reply_text(reply_at(status->counters, i)));
        buffer_append_char(out, ':');
        buffer_append_int64(out, reply_int(reply_at(status->counters, i + 1)));
    }
    buffer_append_char(out, '}');
}

/* The heartbeat as it is, when it is JSON. */
static void put_heartbeat(struct buffer *out, struct bytes text)
{
    json_t *json = json_loadb(text.data, text.len, 0, NULL);

    if (!json || json_put_value(out, json, HEARTBEAT_DEPTH) < 0)
        buffer_append_text(out, "null");
    json_decref(json);
}

void status_put_workers(struct buffer *out, const struct status *status)
{
    buffer_append_char(out, '[');
    for (size_t i = 0; i < status->workers_len; i++) {
        buffer_append_text(out, i > 0 ? ",{\"name\":" : "{\"name\":");
        json_put_untrusted(out, status->workers[i].name);
        buffer_append_text(out, ",\"heartbeat\":");
        put_heartbeat(out, reply_text(status->workers[i].heartbeat));
        buffer_append_char(out, '}');
    }
    buffer_append_char(out, ']');
}

static void put_pools(struct buffer *out, const struct status *status)
{
    buffer_append_char(out, '[');
    for (size_t i = 0; i < status->pools.len; i++) {
        const struct status_pool *pool = &status->pools.list[i];
        buffer_append_text(out, i > 0 ? "," : "");
        object_begin(out);
        object_put_text(out, "host", bytes_of(pool->host));
        object_put_int(out, "pid", pool->pid);
        object_put_int(out, "processes", pool->processes);
        object_put_int(out, "alive", pool->alive);
        object_put_int(out, "restarts", pool->restarts);
        object_put_int(out, "in_flight", pool->in_flight);
        buffer_append_char(out, '}');
    }
    buffer_append_char(out, ']');
}

static void put_rates(struct buffer *out, const struct rates *rates)
{
    for (size_t i = 0; i < RATES; i++) {
        buffer_append_char(out, i > 0 ? ',' : '{');
        json_put_string(out, bytes_of(rates_names[i]));
        buffer_append_char(out, ':');
        json_put_real(out, rates->per_second[i]);
    }
    buffer_append_char(out, '}');
}

static void put_null(struct buffer *out, const struct status *status)
{
    (void)status;
    buffer_append_text(out, "null");
}

typedef void (*put_fn)(struct buffer *out, const struct status *status);

static void put_nested(struct buffer *out, const char *name, put_fn put,
                       const struct status *status)
{
    object_put_json(out, name, BYTES(""));
    put(out, status);
}

/* Below 0 it is not known, or there is none. */
static void put_number(struct buffer *out, const char *name, int64_t number)
{
    if (number >= 0)
        object_put_int(out, name, number);
    else
        object_put_json(out, name, BYTES("null"));
}

static void put_missing(struct buffer *out, const struct status *status)
{
    buffer_append_char(out, '[');
    for (size_t i = 0; i < status->missing.len; i++) {
        buffer_append_text(out, i > 0 ? "," : "");
        json_put_string(out, bytes_of(status->missing.names[i]));
    }
    buffer_append_char(out, ']');
}

void status_put_json(struct buffer *out, const char *queue, const struct status *status,
                     const struct rates *rates)
{
    object_begin(out);
    object_put_text(out, "queue", bytes_of(queue));
    object_put_int(out, "time_ms", status->now_ms);
    put_number(out, "backlog", status->backlog);
    put_number(out, "in_flight", status->in_flight);
    put_number(out, "oldest_event_ms", status->oldest_age_ms);
    put_number(out, "deliveries_waiting", status->waiting.deliveries);
    put_number(out, "oldest_waiting_ms", status_waiting_age_ms(status));
    put_number(out, "lanes_waiting", status->waiting.lanes);
    put_number(out, "lanes_due", status->waiting.lanes_due);
    put_number(out, "lanes_shut", status->waiting.lanes_shut);
    put_number(out, "dead", status->dead);
    if (status->missing.len > 0)
        put_nested(out, "rights_missing", put_missing, status);
    put_nested(out, "workers", status->knows_workers ? status_put_workers : put_null, status);
    put_nested(out, "pools", status->knows_workers ? put_pools : put_null, status);
    put_nested(out, "counters", status->knows_counters ? put_counters : put_null, status);
    if (rates->known) {
        object_put_json(out, "per_second", BYTES(""));
        put_rates(out, rates);
    }
    object_end(out);
}
