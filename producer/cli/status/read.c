#include "cli/status/read.h"

#include "cli/status/ask.h"
#include "contract/parse.h"

enum query {
    QUERY_TIME,
    QUERY_EVENTS,
    QUERY_PENDING,
    QUERY_OLDEST,
    QUERY_DEAD,
    QUERY_COUNTERS,
    QUERY_CONSUMERS,
    QUERIES
};

static bool append_queries(struct cli *cli)
{
    const struct keys *keys = &cli->keys;
    const struct bytes group = BYTES(KEYS_GROUP);
    const struct bytes events = bytes_of(keys->events);
    const struct status_query queries[QUERIES] = {
        [QUERY_TIME] = {{BYTES("TIME")}},
        [QUERY_EVENTS] = {{BYTES("XLEN"), events}},
        [QUERY_PENDING] = {{BYTES("XPENDING"), events, group}},
        [QUERY_OLDEST] = {{BYTES("XRANGE"), events, BYTES("-"), BYTES("+"), BYTES("COUNT"),
                           BYTES("1")}},
        [QUERY_DEAD] = {{BYTES("XLEN"), bytes_of(keys->dead)}},
        [QUERY_COUNTERS] = {{BYTES("HGETALL"), bytes_of(keys->stats)}},
        [QUERY_CONSUMERS] = {{BYTES("XINFO"), BYTES("CONSUMERS"), events, group}},
    };

    return status_append(cli, queries, QUERIES);
}

static void read_numbers(struct status *status, struct reply *const replies[])
{
    const struct reply *time = replies[QUERY_TIME];
    int64_t events = reply_int(replies[QUERY_EVENTS]);
    const struct reply *oldest = reply_at(reply_at(replies[QUERY_OLDEST], 0), 0);
    uint64_t oldest_ms;
    uint64_t seq;

    status->now_ms = reply_int(reply_at(time, 0)) * 1000 + reply_int(reply_at(time, 1)) / 1000;
    status->in_flight = reply_int(reply_at(replies[QUERY_PENDING], 0));
    /* Counted one after the other: the difference may be a little off, but not below 0. */
    status->backlog = events > status->in_flight ? events - status->in_flight : 0;
    status->dead = reply_int(replies[QUERY_DEAD]);
    status->oldest_age_ms = -1;
    if (parse_stream_id(reply_text(oldest), &oldest_ms, &seq) == 0)
        status->oldest_age_ms =
            (int64_t)oldest_ms < status->now_ms ? status->now_ms - (int64_t)oldest_ms : 0;
}

/* XINFO gives a consumer as names and values in turn. */
static struct bytes consumer_name(const struct reply *consumer)
{
    for (size_t i = 0; i + 1 < reply_len(consumer); i += 2) {
        if (bytes_equal_text(reply_text(reply_at(consumer, i)), "name"))
            return reply_text(reply_at(consumer, i + 1));
    }
    return (struct bytes){NULL, 0};
}

static bool append_heartbeat(struct cli *cli, struct bytes name)
{
    char consumer[CONSUMER_NAME_SIZE];
    char key[KEY_SIZE];

    /* A name that is too long for a worker's is asked for as "": nobody's heartbeat. */
    (void)bytes_copy_text(name, consumer, sizeof(consumer));
    const struct status_query query = {
        {BYTES("GET"), bytes_of(keys_worker(&cli->keys, consumer, key))}};
    return status_append(cli, &query, 1);
}

/* The second round trip: what depends on the consumers' names. */
static bool read_heartbeats(struct cli *cli, struct status *status)
{
    struct reply *replies[STATUS_WORKERS_MAX];
    size_t len = reply_len(status->consumers);

    if (len > STATUS_WORKERS_MAX)
        len = STATUS_WORKERS_MAX;
    for (size_t i = 0; i < len; i++) {
        if (!append_heartbeat(cli, consumer_name(reply_at(status->consumers, i))))
            return false;
    }
    bool ok = status_get_replies(cli, replies, len);
    for (size_t i = 0; i < len; i++) {
        struct status_worker worker = {consumer_name(reply_at(status->consumers, i)), replies[i]};
        if (reply_is_nil(worker.heartbeat))
            reply_free(worker.heartbeat);
        else
            status->workers[status->workers_len++] = worker;
    }
    return ok;
}

static bool gather_pools(struct status *status)
{
    for (size_t i = 0; i < status->workers_len; i++) {
        if (status_pools_add(&status->pools, reply_text(status->workers[i].heartbeat)) != 0) {
            (void)cli_failed("out of memory");
            return false;
        }
    }
    return true;
}

void status_release(struct status *status)
{
    for (size_t i = 0; i < status->workers_len; i++)
        reply_free(status->workers[i].heartbeat);
    status_pools_release(&status->pools);
    reply_free(status->consumers);
    reply_free(status->counters);
    *status = (struct status){0};
}

bool status_read(struct cli *cli, struct status *ret_status)
{
    struct reply *replies[QUERIES] = {NULL};
    struct status status = {0};

    bool ok = append_queries(cli) && status_get_replies(cli, replies, QUERIES);
    if (ok) {
        read_numbers(&status, replies);
        status.counters = replies[QUERY_COUNTERS];
        status.consumers = replies[QUERY_CONSUMERS];
        replies[QUERY_COUNTERS] = replies[QUERY_CONSUMERS] = NULL;
        ok = read_heartbeats(cli, &status) && gather_pools(&status) &&
             status_waiting_read(cli, status.now_ms, &status.waiting);
    }
    status_free_replies(replies, QUERIES);
    if (!ok) {
        status_release(&status);
        return false;
    }
    *ret_status = status;
    return true;
}

int64_t status_counter(const struct status *status, const char *name)
{
    for (size_t i = 0; i + 1 < reply_len(status->counters); i += 2) {
        if (bytes_equal_text(reply_text(reply_at(status->counters, i)), name))
            return reply_int(reply_at(status->counters, i + 1));
    }
    return 0;
}

int64_t status_waiting_age_ms(const struct status *status)
{
    int64_t oldest_ms = status->waiting.oldest_ms;

    if (oldest_ms == 0)
        return -1;
    return oldest_ms < status->now_ms ? status->now_ms - oldest_ms : 0;
}
