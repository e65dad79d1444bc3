#include "redis/blocking.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "redis/login.h"
#include "redis/sentinel.h"
#include "redis/version.h"
#include "redis/wire.h"

#define WHERE_SIZE 512
#define ERROR_SIZE 800 /* where and a reason, or what Redis answered */

struct redis_blocking {
    struct redis_blocking_options options; /* its files are not looked at again */
    struct ssl_ctx_st *tls;                /* NULL without TLS */
    struct redis_wire wire;
    size_t pending; /* replies that are still to be got */
    size_t lost;    /* of a broken pipeline: replies that will not come */
    bool stale;     /* to be reconnected before the next command */
    char where[WHERE_SIZE];
    char error[ERROR_SIZE];
    enum redis_fault fault; /* of the last failure */
};

static bool is_given(const char *file)
{
    return file && file[0] != '\0';
}

/* Files without TLS are refused: who gives them believes that the connection is secured. */
static int make_tls(struct redis_blocking *redis, struct error_text *why)
{
    const struct tls_files *files = &redis->options.tls;

    if (redis->options.address.tls) {
        redis->tls = tls_context_new(files, why);
        return redis->tls ? 0 : -1;
    }
    if (!is_given(files->ca) && !is_given(files->cert) && !is_given(files->key))
        return 0;
    error_text_set(why, "CA, certificate and key for Redis go with rediss:// and "
                        "rediss+sentinel://, but the address does not begin so");
    return -1;
}

int redis_open(const struct redis_blocking_options *options, struct redis_blocking **ret_redis,
               struct error_text *why)
{
    struct redis_blocking *redis = calloc(1, sizeof(*redis));
    if (!redis) {
        error_text_set(why, "out of memory");
        return RH_ERR_MEMORY;
    }
    redis->options = *options;
    redis_address_describe(&options->address, redis->where, sizeof(redis->where));
    if (make_tls(redis, why) < 0) {
        redis_close(redis);
        return RH_ERR_ARGUMENT;
    }
    *ret_redis = redis;
    return RH_OK;
}

static void disconnect(struct redis_blocking *redis)
{
    wire_close(&redis->wire);
    redis->stale = false;
}

void redis_close(struct redis_blocking *redis)
{
    if (!redis)
        return;
    disconnect(redis);
    tls_context_free(redis->tls);
    explicit_bzero(redis, sizeof(*redis)); /* the password */
    free(redis);
}

const char *redis_error(const struct redis_blocking *redis)
{
    return redis->error;
}

enum redis_fault redis_error_fault(const struct redis_blocking *redis)
{
    return redis->fault;
}

/* Notes an error reply and returns its meaning. */
static int answered_error(struct redis_blocking *redis, const struct reply *reply)
{
    char words[256];
    struct error_text why;

    if (redis_version_is_too_old(reply, &why))
        (void)snprintf(redis->error, sizeof(redis->error), "%s", why.text);
    else
        (void)snprintf(redis->error, sizeof(redis->error), "Redis answered: %s",
                       bytes_printable(reply_error_text(reply), words, sizeof(words)));
    redis->fault = redis_fault_of(reply);
    redis->stale = redis_fault_needs_reconnect(redis->fault);
    return redis_fault_status(redis->fault);
}

/* Notes how the connection failed, in the words of its wire, and gives it up. */
static int connection_failed(struct redis_blocking *redis, int status)
{
    const char *what = status == RH_ERR_UNREACHABLE ? "cannot connect to" : "no answer from";

    redis->fault = status == RH_ERR_UNREACHABLE ? FAULT_UNREACHABLE : FAULT_LOST;
    (void)snprintf(redis->error, sizeof(redis->error), "%s %s: %s", what, redis->where,
                   redis->wire.why.text);
    redis->lost = redis->pending;
    redis->pending = 0;
    disconnect(redis);
    return status;
}

/* Nothing of the caller's was sent yet: a failure of the connection is RH_ERR_UNREACHABLE. */
static int get_greeting(struct redis_blocking *redis, enum login_step step)
{
    struct reply *reply;
    int status = RH_OK;

    if (wire_get(&redis->wire, &reply) < 0)
        return connection_failed(redis, RH_ERR_UNREACHABLE);
    if (login_judge(step, reply, &redis->wire.why) != FAULT_NONE)
        status = reply_is_error(reply) ? answered_error(redis, reply)
                                       : connection_failed(redis, RH_ERR_UNREACHABLE);
    reply_free(reply);
    return status;
}

/* Logs in, selects the database, gives the connection its name: in one round trip. */
static int greet(struct redis_blocking *redis)
{
    const struct redis_address *address = &redis->options.address;
    struct login login;
    int status = RH_OK;

    login_init(&login, address, redis->options.name,
               address->sentinels_len > 0 ? LOGIN_TO_MASTER : 0);
    for (size_t i = 0; i < login.len; i++) {
        if (wire_append(&redis->wire, login.commands[i].args, login.commands[i].args_len) < 0)
            return connection_failed(redis, RH_ERR_MEMORY);
    }
    for (size_t i = 0; status == RH_OK && i < login.len; i++)
        status = get_greeting(redis, login.commands[i].step);
    if (status != RH_OK)
        disconnect(redis);
    return status;
}

static int ask_sentinel(const struct redis_blocking *redis, const struct redis_host *sentinel,
                        struct redis_host *ret_master, struct error_text *why)
{
    struct redis_wire wire = {0};
    struct sentinel_command commands[SENTINEL_COMMANDS];
    size_t len = sentinel_commands(&redis->options.address, commands);
    struct reply *reply;

    int result = wire_connect(&wire, sentinel, redis->tls, SENTINEL_TIMEOUT_MS);
    for (size_t i = 0; result == 0 && i < len; i++)
        result = wire_append(&wire, commands[i].args, commands[i].args_len);
    for (size_t i = 0; result == 0 && i < len; i++) {
        result = wire_get(&wire, &reply);
        if (result < 0)
            break;
        result = i + 1 < len ? sentinel_judge_login(reply, &wire.why)
                             : sentinel_judge(reply, ret_master, &wire.why);
        reply_free(reply);
    }
    if (result < 0)
        sentinel_failed(sentinel, wire.why.text, why);
    wire_close(&wire);
    return result;
}

/* Learns from the Sentinels, if there are any, which host to connect to. */
static int find_host(struct redis_blocking *redis, struct redis_host *ret_host)
{
    const struct redis_address *address = &redis->options.address;
    char where[WHERE_SIZE - 100];

    if (address->sentinels_len == 0) {
        *ret_host = address->host;
        return 0;
    }
    redis_address_describe(address, where, sizeof(where));
    (void)snprintf(redis->where, sizeof(redis->where), "%s", where);
    int result = -1;
    for (int i = 0; result < 0 && i < address->sentinels_len; i++)
        result = ask_sentinel(redis, &address->sentinels[i], ret_host, &redis->wire.why);
    if (result < 0)
        return -1;
    (void)snprintf(redis->where, sizeof(redis->where), "%s at %.80s:%u", where, ret_host->name,
                   (unsigned)ret_host->port);
    return 0;
}

static int connect_wire(struct redis_blocking *redis)
{
    const struct redis_blocking_options *options = &redis->options;
    struct redis_host host;

    if (options->address.path[0] != '\0')
        return wire_connect_unix(&redis->wire, options->address.path, options->connect_timeout_ms);
    if (find_host(redis, &host) < 0)
        return -1;
    return wire_connect(&redis->wire, &host, redis->tls, options->connect_timeout_ms);
}

static int connect_now(struct redis_blocking *redis)
{
    if (connect_wire(redis) < 0 ||
        wire_set_timeout(&redis->wire, redis->options.command_timeout_ms) < 0)
        return connection_failed(redis, RH_ERR_UNREACHABLE);
    return greet(redis);
}

int redis_append(struct redis_blocking *redis, const struct bytes *args, size_t args_len)
{
    if (redis->pending == 0) {
        redis->lost = 0;
        if (redis->wire.context && (redis->stale || wire_is_dead(&redis->wire)))
            disconnect(redis);
    }
    if (!redis->wire.context) {
        int status = connect_now(redis);
        if (status != RH_OK)
            return status;
    }
    if (wire_append(&redis->wire, args, args_len) < 0)
        return connection_failed(redis, RH_ERR_MEMORY);
    redis->pending++;
    return RH_OK;
}

int redis_get(struct redis_blocking *redis, struct reply **ret_reply)
{
    struct reply *reply;

    if (redis->lost > 0) {
        redis->lost--;
        return RH_ERR_UNKNOWN;
    }
    assert(redis->pending > 0);
    redis->pending--;
    if (wire_get(&redis->wire, &reply) < 0)
        return connection_failed(redis, RH_ERR_UNKNOWN);
    if (reply_is_error(reply)) {
        int status = answered_error(redis, reply);
        reply_free(reply);
        return status;
    }
    *ret_reply = reply;
    return RH_OK;
}

int redis_command(struct redis_blocking *redis, const struct bytes *args, size_t args_len,
                  struct reply **ret_reply)
{
    assert(redis->pending == 0);
    int status = redis_append(redis, args, args_len);
    if (status != RH_OK)
        return status;
    return redis_get(redis, ret_reply);
}
