#include "admin/status/read.h"

#include <time.h>

#include "contract/parse.h"

enum query {
    QUERY_TIME,
    QUERY_EVENTS,
    QUERY_PENDING,
    QUERY_OLDEST,
    QUERY_DEAD,
    QUERY_COUNTERS,
    QUERY_TIMES,
    QUERY_CONSUMERS,
    QUERIES
};

static bool ask(struct session *session, struct status_answer answers[QUERIES],
                struct status_rights *missing)
{
    const struct keys *keys = &session->keys;
    const struct bytes group = BYTES(KEYS_GROUP);
    const struct bytes events = bytes_of(keys->events);
    const struct status_query queries[QUERIES] = {
        [QUERY_TIME] = {"+time", {BYTES("TIME")}},
        [QUERY_EVENTS] = {"+xlen", {BYTES("XLEN"), events}},
        [QUERY_PENDING] = {"+xpending", {BYTES("XPENDING"), events, group}},
        [QUERY_OLDEST] = {"+xrange",
                          {BYTES("XRANGE"), events, BYTES("-"), BYTES("+"), BYTES("COUNT"),
                           BYTES("1")}},
        [QUERY_DEAD] = {"+xlen", {BYTES("XLEN"), bytes_of(keys->dead)}},
        [QUERY_COUNTERS] = {"+hgetall", {BYTES("HGETALL"), bytes_of(keys->stats)}},
        [QUERY_TIMES] = {"+hgetall", {BYTES("HGETALL"), bytes_of(keys->times)}},
        [QUERY_CONSUMERS] = {"+xinfo|consumers",
                             {BYTES("XINFO"), BYTES("CONSUMERS"), events, group}},
    };

    return status_ask(session, queries, QUERIES, answers, missing);
}

static int64_t time_of(const struct status_answer *answer)
{
    struct timespec now;

    if (!answer->is_refused)
        return reply_int(reply_at(answer->reply, 0)) * 1000 +
               reply_int(reply_at(answer->reply, 1)) / 1000;
    (void)clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void read_oldest(struct status *status, const struct status_answer *answer)
{
    uint64_t oldest_ms;
    uint64_t seq;

    status->oldest_age_ms = answer->is_refused ? STATUS_UNKNOWN : -1;
    if (parse_stream_id(reply_text(reply_at(reply_at(answer->reply, 0), 0)), &oldest_ms, &seq) == 0)
        status->oldest_age_ms =
            (int64_t)oldest_ms < status->now_ms ? status->now_ms - (int64_t)oldest_ms : 0;
}

static void read_numbers(struct status *status, const struct status_answer *answers)
{
    int64_t events = status_number(&answers[QUERY_EVENTS]);

    status->now_ms = time_of(&answers[QUERY_TIME]);
    status->in_flight = answers[QUERY_PENDING].is_refused
                            ? STATUS_UNKNOWN
                            : reply_int(reply_at(answers[QUERY_PENDING].reply, 0));
    /* Counted one after the other: the difference may be a little off, but not below 0. */
    status->backlog = events > status->in_flight ? events - status->in_flight : 0;
    if (events == STATUS_UNKNOWN || status->in_flight == STATUS_UNKNOWN)
        status->backlog = STATUS_UNKNOWN;
    status->dead = status_number(&answers[QUERY_DEAD]);
    status->knows_workers = !answers[QUERY_CONSUMERS].is_refused;
    status->knows_counters = !answers[QUERY_COUNTERS].is_refused;
    read_oldest(status, &answers[QUERY_OLDEST]);
}

/* XINFO gives a consumer as names and values in turn. */
static struct bytes consumer_name(const struct reply *consumer)
{
    return reply_text(reply_value(consumer, "name"));
}

static bool append_heartbeat(struct session *session, struct bytes name)
{
    char consumer[CONSUMER_NAME_SIZE];
    char key[KEY_SIZE];

    /* A name that is too long for a worker's is asked for as "": nobody's heartbeat. */
    (void)bytes_copy_text(name, consumer, sizeof(consumer));
    const struct status_query query = {
        "+get", {BYTES("GET"), bytes_of(keys_worker(&session->keys, consumer, key))}};
    return status_append(session, &query);
}

static bool get_heartbeat(struct session *session, struct status *status, struct bytes name)
{
    struct status_answer answer;

    if (!status_get(session, "+get", &answer, &status->missing)) {
        session_redis_failed(session);
        return false;
    }
    status->knows_workers &= !answer.is_refused;
    if (reply_is_nil(answer.reply))
        reply_free(answer.reply);
    else
        status->workers[status->workers_len++] = (struct status_worker){name, answer.reply};
    return true;
}

/* The second round trip: what depends on the consumers' names. */
static bool read_heartbeats(struct session *session, struct status *status)
{
    size_t len = reply_len(status->consumers);
    bool ok = true;

    if (len > STATUS_WORKERS_MAX)
        len = STATUS_WORKERS_MAX;
    for (size_t i = 0; i < len; i++) {
        if (!append_heartbeat(session, consumer_name(reply_at(status->consumers, i))))
            return false;
    }
    for (size_t i = 0; i < len && ok; i++)
        ok = get_heartbeat(session, status, consumer_name(reply_at(status->consumers, i)));
    return ok;
}

static bool gather_pools(const struct session *session, struct status *status)
{
    for (size_t i = 0; i < status->workers_len; i++) {
        if (status_pools_add(&status->pools, reply_text(status->workers[i].heartbeat)) != 0) {
            (void)session_failed(session, "out of memory");
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
    reply_free(status->times);
    *status = (struct status){0};
}

bool status_read(struct session *session, struct status *ret_status)
{
    struct status_answer answers[QUERIES];
    struct status status = {0};

    bool ok = ask(session, answers, &status.missing);
    if (ok) {
        read_numbers(&status, answers);
        status.counters = answers[QUERY_COUNTERS].reply;
        status.times = answers[QUERY_TIMES].reply;
        status.consumers = answers[QUERY_CONSUMERS].reply;
        answers[QUERY_COUNTERS].reply = answers[QUERY_TIMES].reply = NULL;
        answers[QUERY_CONSUMERS].reply = NULL;
        ok = read_heartbeats(session, &status) && gather_pools(session, &status) &&
             status_waiting_read(session, status.now_ms, &status.waiting, &status.missing);
    }
    status_free_answers(answers, QUERIES);
    if (!ok) {
        status_release(&status);
        return false;
    }
    *ret_status = status;
    return true;
}

static int64_t number_of(const struct reply *pairs, const char *name)
{
    for (size_t i = 0; i + 1 < reply_len(pairs); i += 2) {
        if (bytes_equal_text(reply_text(reply_at(pairs, i)), name))
            return reply_int(reply_at(pairs, i + 1));
    }
    return 0;
}

int64_t status_counter(const struct status *status, const char *name)
{
    return number_of(status->counters, name);
}

int64_t status_time(const struct status *status, enum counter counter)
{
    return number_of(status->times, counter_name(counter));
}

int64_t status_waiting_age_ms(const struct status *status)
{
    int64_t oldest_ms = status->waiting.oldest_ms;

    if (oldest_ms == 0)
        return -1;
    return oldest_ms < status->now_ms ? status->now_ms - oldest_ms : 0;
}
