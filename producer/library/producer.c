#include <roomhook/producer.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "contract/bytes.h"
#include "contract/event_check.h"
#include "contract/keys.h"
#include "contract/redis_address.h"
#include "redis/blocking.h"

#define DEFAULT_TIMEOUT_MS 5000
#define CLIENT_NAME "roomhook-producer"
#define ERROR_SIZE 640

/* Outstanding at once: enough to hide the round trip, little enough to wait in memory. */
#define CHUNK_COMMANDS 256
#define CHUNK_BYTES ((size_t)1 << 20)

struct rh_producer {
    struct keys keys;
    struct redis_blocking *redis; /* NULL when opening failed */
    size_t max_event_bytes;
    char error[ERROR_SIZE];
};

static int fail(struct rh_producer *producer, int status, const char *why)
{
    (void)snprintf(producer->error, sizeof(producer->error), "%s", why);
    return status;
}

/* Instead of the URL's. */
static int take_password(const char *given, char password[REDIS_CREDENTIAL_MAX],
                         struct error_text *why)
{
    if (!given || bytes_copy_text(bytes_of(given), password, REDIS_CREDENTIAL_MAX))
        return 0;
    error_text_set(why, "a password is longer than %d bytes", REDIS_CREDENTIAL_MAX - 1);
    return -1;
}

static int parse_options(const struct rh_producer_options *options, struct rh_producer *producer,
                         struct redis_blocking_options *ret_redis, struct error_text *why)
{
    const char *redis = options->redis ? options->redis : REDIS_DEFAULT_ADDRESS;
    const char *queue = options->queue ? options->queue : "webhooks";

    if (options->connect_timeout_ms < 0 || options->command_timeout_ms < 0) {
        error_text_set(why, "a timeout is negative");
        return -1;
    }
    if (keys_init(&producer->keys, queue) < 0) {
        char shown[80];
        error_text_set(why, "queue \"%s\" is not of [A-Za-z0-9_-], 1 to 64 characters",
                       bytes_printable(bytes_of(queue), shown, sizeof(shown)));
        return -1;
    }
    if (redis_address_parse(bytes_of(redis), &ret_redis->address, why) < 0)
        return -1;
    if (take_password(options->password, ret_redis->address.password, why) < 0 ||
        take_password(options->sentinel_password, ret_redis->address.sentinel_password, why) < 0)
        return -1;
    ret_redis->name = CLIENT_NAME;
    ret_redis->tls = (struct tls_files){
        .ca = options->tls_ca, .cert = options->tls_cert, .key = options->tls_key};
    ret_redis->connect_timeout_ms =
        options->connect_timeout_ms ? options->connect_timeout_ms : DEFAULT_TIMEOUT_MS;
    ret_redis->command_timeout_ms =
        options->command_timeout_ms ? options->command_timeout_ms : DEFAULT_TIMEOUT_MS;
    producer->max_event_bytes =
        options->max_event_bytes ? options->max_event_bytes : RH_EVENT_MAX_BYTES;
    return 0;
}

int rh_producer_open(const struct rh_producer_options *options, struct rh_producer **ret_producer)
{
    static const struct rh_producer_options defaults;
    struct redis_blocking_options redis = {.name = CLIENT_NAME};
    struct error_text why;

    struct rh_producer *producer = calloc(1, sizeof(*producer));
    *ret_producer = producer;
    if (!producer)
        return RH_ERR_MEMORY;

    int status = RH_ERR_ARGUMENT;
    if (parse_options(options ? options : &defaults, producer, &redis, &why) == 0)
        status = redis_open(&redis, &producer->redis, &why);
    explicit_bzero(&redis, sizeof(redis)); /* the password */
    return status == RH_OK ? RH_OK : fail(producer, status, why.text);
}

void rh_producer_close(struct rh_producer *producer)
{
    if (!producer)
        return;
    redis_close(producer->redis);
    free(producer);
}

const char *rh_producer_error(const struct rh_producer *producer)
{
    return producer->error;
}

/* Puts the XADD of a valid event into the pipeline: the document first, then what is given. */
static int append_event(struct rh_producer *producer, const struct rh_event *event)
{
    struct bytes args[11] = {
        BYTES("XADD"),
        bytes_of(producer->keys.events),
        BYTES("*"),
        event->encoding == RH_MSGPACK ? BYTES("msgpack") : BYTES("json"),
        {event->document, event->document_len},
    };
    const struct {
        const char *field;
        const char *value;
    } optional[] = {{"id", event->id}, {"hook", event->hook}, {"traceparent", event->traceparent}};
    size_t n = 5;

    for (size_t i = 0; i < sizeof(optional) / sizeof(optional[0]); i++) {
        if (!optional[i].value)
            continue;
        args[n++] = bytes_of(optional[i].field);
        args[n++] = bytes_of(optional[i].value);
    }
    return redis_append(producer->redis, args, n);
}

/* A call of rh_producer_send_many under way. */
struct sending {
    struct rh_producer *producer;
    struct rh_result *results;
    int first_failure; /* RH_OK while there is none; its words are the producer's error */
    int halted;        /* why nothing more is sent, or RH_OK */
    char halted_why[ERROR_SIZE];
};

static void set_failed(struct sending *sending, size_t i, int status, const char *why)
{
    sending->results[i].status = status;
    (void)snprintf(sending->results[i].why, sizeof(sending->results[i].why), "%s", why);
    if (sending->first_failure == RH_OK)
        sending->first_failure = fail(sending->producer, status, why);
}

static void halt(struct sending *sending, int status, const char *why)
{
    sending->halted = status;
    (void)snprintf(sending->halted_why, sizeof(sending->halted_why), "%s", why);
}

/* Checks an event and appends it. While its answer is awaited its result is RH_ERR_UNKNOWN. */
static void start_event(struct sending *sending, const struct rh_event *event, size_t i)
{
    struct rh_producer *producer = sending->producer;
    char why[160];

    int status = event_check(event, producer->max_event_bytes, why, sizeof(why));
    if (status != RH_OK) {
        set_failed(sending, i, status, why);
        return;
    }
    if (sending->halted == RH_OK) {
        status = append_event(producer, event);
        if (status == RH_OK) {
            sending->results[i].status = RH_ERR_UNKNOWN;
            return;
        }
        halt(sending, status, redis_error(producer->redis));
    }
    set_failed(sending, i, sending->halted, sending->halted_why);
}

static void finish_event(struct sending *sending, size_t i)
{
    struct redis_blocking *redis = sending->producer->redis;
    struct rh_result *result = &sending->results[i];
    struct reply *reply;

    int status = redis_get(redis, &reply);
    if (status != RH_OK) {
        if (status == RH_ERR_UNKNOWN && sending->halted == RH_OK)
            halt(sending, RH_ERR_UNREACHABLE, "not sent: the connection broke before its turn");
        set_failed(sending, i, status, redis_error(redis));
        return;
    }
    struct bytes id = reply_text(reply);
    if (id.len > 0 && bytes_copy_text(id, result->id, sizeof(result->id)))
        result->status = RH_OK;
    else
        set_failed(sending, i, RH_ERR_UNKNOWN,
                   "Redis answered XADD with something else than an id");
    reply_free(reply);
}

int rh_producer_send_many(struct rh_producer *producer, const struct rh_event *events,
                          size_t events_len, struct rh_result *results)
{
    struct sending sending = {.producer = producer, .results = results};

    producer->error[0] = '\0';
    for (size_t begin = 0, end = 0; begin < events_len; begin = end) {
        size_t chunk_bytes = 0;
        while (end < events_len && end - begin < CHUNK_COMMANDS && chunk_bytes < CHUNK_BYTES) {
            memset(&results[end], 0, sizeof(results[end]));
            start_event(&sending, &events[end], end);
            chunk_bytes += events[end].document_len;
            end++;
        }
        for (size_t i = begin; i < end; i++) {
            if (results[i].status == RH_ERR_UNKNOWN)
                finish_event(&sending, i);
        }
    }
    return sending.first_failure;
}

int rh_producer_send(struct rh_producer *producer, const struct rh_event *event,
                     char ret_id[RH_STREAM_ID_SIZE])
{
    struct rh_result result;

    int status = rh_producer_send_many(producer, event, 1, &result);
    if (status == RH_OK && ret_id)
        memcpy(ret_id, result.id, sizeof(result.id));
    return status;
}
