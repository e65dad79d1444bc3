#include "admin/history/point.h"

#include "contract/json_object.h"
#include "contract/parse.h"

static const char *const counter_fields[HISTORY_COUNTERS] = {
    [HISTORY_EVENTS] = "events", [HISTORY_DELIVERED] = "delivered",   [HISTORY_RETRIES] = "retries",
    [HISTORY_DEAD] = "dead",     [HISTORY_OPENED] = "breaker_opened",
};

/* In the order of their ends, as counters.c has them. */
static const struct {
    const char *field;
    int64_t end_ms;
} buckets[HISTORY_BUCKETS] = {
    {"delivered_5", 5},          {"delivered_10", 10},         {"delivered_25", 25},
    {"delivered_50", 50},        {"delivered_100", 100},       {"delivered_250", 250},
    {"delivered_500", 500},      {"delivered_1000", 1000},     {"delivered_2500", 2500},
    {"delivered_5000", 5000},    {"delivered_10000", 10000},   {"delivered_30000", 30000},
    {"delivered_60000", 60000},  {"delivered_300000", 300000}, {"delivered_3600000", 3600000},
    {"delivered_more", 3600000},
};

/* --- reading --- */

static int64_t *place_of(struct history_snapshot *snapshot, struct bytes field)
{
    const struct {
        const char *field;
        int64_t *place;
    } gauges[] = {
        {"backlog", &snapshot->backlog},  {"waiting", &snapshot->waiting},
        {"lanes", &snapshot->lanes},      {"letters", &snapshot->letters},
        {"oldest", &snapshot->oldest_ms},
    };

    for (size_t i = 0; i < HISTORY_COUNTERS; i++) {
        if (bytes_equal_text(field, counter_fields[i]))
            return &snapshot->counters[i];
    }
    for (size_t i = 0; i < HISTORY_BUCKETS; i++) {
        if (bytes_equal_text(field, buckets[i].field))
            return &snapshot->buckets[i];
    }
    for (size_t i = 0; i < sizeof(gauges) / sizeof(gauges[0]); i++) {
        if (bytes_equal_text(field, gauges[i].field))
            return gauges[i].place;
    }
    return NULL;
}

void history_snapshot_read(const struct reply *entry, struct history_snapshot *ret_snapshot)
{
    struct history_snapshot snapshot = {.at_ms = 0};
    const struct reply *fields = reply_at(entry, 1);
    uint64_t ms;
    uint64_t seq;

    if (parse_stream_id(reply_text(reply_at(entry, 0)), &ms, &seq) == 0 && ms <= INT64_MAX)
        snapshot.at_ms = (int64_t)ms;
    for (size_t i = 0; i + 1 < reply_len(fields); i += 2) {
        int64_t *place = place_of(&snapshot, reply_text(reply_at(fields, i)));
        if (place != NULL)
            (void)parse_int64(reply_text(reply_at(fields, i + 1)), 0, INT64_MAX, place);
    }
    *ret_snapshot = snapshot;
}

/* --- between two --- */

static int64_t grown(int64_t before, int64_t after)
{
    return after >= before ? after - before : after;
}

void history_difference(const struct history_snapshot *before, const struct history_snapshot *after,
                        struct history_snapshot *ret_difference)
{
    struct history_snapshot difference = *after;

    for (size_t i = 0; i < HISTORY_COUNTERS; i++)
        difference.counters[i] = grown(before->counters[i], after->counters[i]);
    for (size_t i = 0; i < HISTORY_BUCKETS; i++)
        difference.buckets[i] = grown(before->buckets[i], after->buckets[i]);
    *ret_difference = difference;
}

int64_t history_quantile_ms(const int64_t counts[HISTORY_BUCKETS], int thousandths)
{
    double total = 0;
    double below = 0;

    for (size_t i = 0; i < HISTORY_BUCKETS; i++)
        total += (double)counts[i];
    if (total <= 0)
        return -1;
    double wanted = total * thousandths / 1000.0;
    for (size_t i = 0; i < HISTORY_BUCKETS; i++) {
        double here = (double)counts[i];
        if (here > 0 && below + here >= wanted) {
            double from = i > 0 ? (double)buckets[i - 1].end_ms : 0;
            return (int64_t)(from + ((double)buckets[i].end_ms - from) * (wanted - below) / here);
        }
        below += here;
    }
    return buckets[HISTORY_BUCKETS - 1].end_ms;
}

static void put_quantile(struct buffer *out, const char *name,
                         const struct history_snapshot *difference, int thousandths)
{
    int64_t ms = history_quantile_ms(difference->buckets, thousandths);

    if (ms >= 0)
        object_put_int(out, name, ms);
    else
        object_put_json(out, name, BYTES("null"));
}

void history_put_point(struct buffer *out, const struct history_snapshot *before,
                       const struct history_snapshot *after)
{
    static const char *const names[HISTORY_COUNTERS] = {"events", "delivered", "retries", "dead",
                                                        "opened"};
    struct history_snapshot point;

    history_difference(before, after, &point);
    object_begin(out);
    object_put_int(out, "at_ms", point.at_ms);
    object_put_int(out, "span_ms", point.at_ms - before->at_ms);
    for (size_t i = 0; i < HISTORY_COUNTERS; i++)
        object_put_int(out, names[i], point.counters[i]);
    put_quantile(out, "p50_ms", &point, 500);
    put_quantile(out, "p99_ms", &point, 990);
    object_put_int(out, "backlog", point.backlog);
    object_put_int(
        out, "oldest_ms",
        point.oldest_ms > 0 && point.oldest_ms < point.at_ms ? point.at_ms - point.oldest_ms : 0);
    object_put_int(out, "waiting", point.waiting);
    object_put_int(out, "lanes", point.lanes);
    object_put_int(out, "letters", point.letters);
    object_end(out);
}
