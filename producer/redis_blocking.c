#include "redis_blocking.h"

#include <assert.h>
#include <errno.h>
#include <hiredis/hiredis.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "parse.h"

#define ARGS_MAX 256   /* of one command; the longest is a batch of 100 ids with their script */
#define ERROR_SIZE 640 /* a described address and 128 bytes of hiredis, or what Redis answered */
#define ERROR_WORD_SIZE 24
#define HANDSHAKE_MAX 3 /* AUTH, SELECT, CLIENT SETNAME */

struct redis_blocking {
    struct redis_blocking_options options;
    redisContext *context; /* NULL while there is no connection */
    size_t pending;        /* answers that are still to be got */
    size_t lost;           /* of a broken pipeline: answers that will not come */
    bool stale;            /* to be connected anew before the next command */
    char where[512];
    char error[ERROR_SIZE];
    char error_word[ERROR_WORD_SIZE]; /* first word of an error answer, else "" */
};

/* What an error answer means for the caller, by its first word. All others are RH_ERR_REFUSED. */
static const struct {
    const char *word;
    int status;
} meanings[] = {
    {"OOM", RH_ERR_FULL},         {"LOADING", RH_ERR_BUSY},  {"BUSY", RH_ERR_BUSY},
    {"READONLY", RH_ERR_BUSY},    {"MISCONF", RH_ERR_BUSY},  {"MASTERDOWN", RH_ERR_BUSY},
    {"CLUSTERDOWN", RH_ERR_BUSY}, {"TRYAGAIN", RH_ERR_BUSY}, {"NOREPLICAS", RH_ERR_BUSY},
};

int redis_open(const struct redis_blocking_options *options, struct redis_blocking **ret_redis,
               struct error_text *why)
{
    if (options->address.tls) {
        error_text_set(why, "rediss:// is not possible: this version cannot speak TLS to Redis; "
                            "use redis:// or unix://, through a tunnel where needed");
        return RH_ERR_ARGUMENT;
    }
    if (options->address.sentinels_len > 0) {
        error_text_set(why, "redis+sentinel:// is for workers: this version of the producer does "
                            "not ask Sentinels; use the master's redis:// address");
        return RH_ERR_ARGUMENT;
    }
    struct redis_blocking *redis = calloc(1, sizeof(*redis));
    if (!redis) {
        error_text_set(why, "out of memory");
        return RH_ERR_MEMORY;
    }
    redis->options = *options;
    redis_address_describe(&options->address, redis->where, sizeof(redis->where));
    *ret_redis = redis;
    return RH_OK;
}

static void disconnect(struct redis_blocking *redis)
{
    if (redis->context)
        redisFree(redis->context);
    redis->context = NULL;
    redis->stale = false;
}

void redis_close(struct redis_blocking *redis)
{
    if (!redis)
        return;
    disconnect(redis);
    explicit_bzero(redis, sizeof(*redis)); /* the password */
    free(redis);
}

const char *redis_error(const struct redis_blocking *redis)
{
    return redis->error;
}

bool redis_error_is(const struct redis_blocking *redis, const char *word)
{
    return strcmp(redis->error_word, word) == 0;
}

/* Notes an error answer and returns its meaning. */
static int answered_error(struct redis_blocking *redis, const redisReply *reply)
{
    char words[256];
    bytes_printable((struct bytes){reply->str, reply->len}, words, sizeof(words));
    (void)snprintf(redis->error, sizeof(redis->error), "Redis answered: %s", words);
    (void)snprintf(redis->error_word, sizeof(redis->error_word), "%.*s", (int)strcspn(words, " "),
                   words);

    for (size_t i = 0; i < sizeof(meanings) / sizeof(meanings[0]); i++) {
        if (redis_error_is(redis, meanings[i].word)) {
            /* A demoted master stays one: only a new connection can find the new master. */
            redis->stale = strcmp(meanings[i].word, "READONLY") == 0;
            return meanings[i].status;
        }
    }
    if (strncmp(words, "ERR max number of clients", 25) == 0)
        return RH_ERR_BUSY;
    return RH_ERR_REFUSED;
}

/* Notes how the connection failed and gives it up. saved_errno is that of the failing call. */
static int connection_failed(struct redis_blocking *redis, int status, int saved_errno)
{
    const char *what = redis->context ? redis->context->errstr : "out of memory";

    redis->error_word[0] = '\0';
    if (status == RH_ERR_UNREACHABLE)
        (void)snprintf(redis->error, sizeof(redis->error), "cannot connect to %s: %s", redis->where,
                       what);
    else if (saved_errno == EAGAIN || saved_errno == EWOULDBLOCK)
        (void)snprintf(redis->error, sizeof(redis->error), "no answer from %s within %d ms",
                       redis->where, redis->options.command_timeout_ms);
    else
        (void)snprintf(redis->error, sizeof(redis->error),
                       "the connection to %s broke before the answer: %s", redis->where, what);
    redis->lost = redis->pending;
    redis->pending = 0;
    disconnect(redis);
    return status;
}

static struct timeval timeval_of_ms(int ms)
{
    return (struct timeval){.tv_sec = ms / 1000, .tv_usec = (suseconds_t)(ms % 1000) * 1000};
}

static int append_raw(redisContext *context, const struct bytes *args, size_t args_len)
{
    const char *argv[ARGS_MAX];
    size_t argv_len[ARGS_MAX];

    assert(args_len > 0 && args_len <= ARGS_MAX);
    for (size_t i = 0; i < args_len; i++) {
        argv[i] = args[i].len > 0 ? args[i].data : "";
        argv_len[i] = args[i].len;
    }
    return redisAppendCommandArgv(context, (int)args_len, argv, argv_len);
}

/* Appends the commands a new connection begins with; returns how many, CLIENT SETNAME the last. */
static int append_handshake(struct redis_blocking *redis)
{
    const struct redis_address *address = &redis->options.address;
    int appended = 0;

    if (address->password[0] != '\0') {
        struct bytes auth[3] = {BYTES("AUTH")};
        size_t n = 1;
        if (address->user[0] != '\0')
            auth[n++] = bytes_of(address->user);
        auth[n++] = bytes_of(address->password);
        (void)append_raw(redis->context, auth, n);
        appended++;
    }
    if (address->db != 0) {
        char db[16];
        (void)snprintf(db, sizeof(db), "%d", address->db);
        const struct bytes select[] = {BYTES("SELECT"), bytes_of(db)};
        (void)append_raw(redis->context, select, 2);
        appended++;
    }
    const struct bytes name[] = {BYTES("CLIENT"), BYTES("SETNAME"), bytes_of(redis->options.name)};
    (void)append_raw(redis->context, name, 3);
    return appended + 1;
}

/* May the connection be used although CLIENT SETNAME was refused? By an ACL or a proxy, yes. */
static bool name_is_optional(const struct redis_blocking *redis, int status)
{
    return redis_error_is(redis, "NOPERM") ||
           (status == RH_ERR_REFUSED && redis_error_is(redis, "ERR"));
}

/* The first failure decides. Nothing of the caller's was sent yet: a broken one is unreachable. */
static int handshake(struct redis_blocking *redis)
{
    int commands = append_handshake(redis);

    for (int i = 0; i < commands; i++) {
        void *reply = NULL;
        if (redisGetReply(redis->context, &reply) != REDIS_OK)
            return connection_failed(redis, RH_ERR_UNREACHABLE, errno);
        int status = RH_OK;
        if (((redisReply *)reply)->type == REDIS_REPLY_ERROR)
            status = answered_error(redis, reply);
        freeReplyObject(reply);
        if (status != RH_OK && !(i == commands - 1 && name_is_optional(redis, status))) {
            disconnect(redis);
            return status;
        }
    }
    return RH_OK;
}

static int connect_now(struct redis_blocking *redis)
{
    const struct redis_address *address = &redis->options.address;
    struct timeval timeout = timeval_of_ms(redis->options.connect_timeout_ms);

    if (address->path[0] != '\0')
        redis->context = redisConnectUnixWithTimeout(address->path, timeout);
    else
        redis->context = redisConnectWithTimeout(address->host.name, address->host.port, timeout);
    if (!redis->context || redis->context->err)
        return connection_failed(redis, RH_ERR_UNREACHABLE, 0);

    if (redisSetTimeout(redis->context, timeval_of_ms(redis->options.command_timeout_ms)) !=
        REDIS_OK)
        return connection_failed(redis, RH_ERR_UNREACHABLE, 0);
    if (address->path[0] == '\0')
        (void)redisEnableKeepAlive(redis->context); /* only finds dead peers sooner */
    return handshake(redis);
}

/* On a connection that owes us nothing, readable means closed or out of step. */
static bool is_dead(const redisContext *context)
{
    char byte;
    ssize_t n = recv(context->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);

    return n >= 0 || (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR);
}

int redis_append(struct redis_blocking *redis, const struct bytes *args, size_t args_len)
{
    if (redis->pending == 0) {
        redis->lost = 0;
        if (redis->context && (redis->stale || is_dead(redis->context)))
            disconnect(redis);
    }
    if (!redis->context) {
        int status = connect_now(redis);
        if (status != RH_OK)
            return status;
    }
    if (append_raw(redis->context, args, args_len) != REDIS_OK) {
        (void)connection_failed(redis, RH_ERR_UNKNOWN, 0);
        return RH_ERR_MEMORY;
    }
    redis->pending++;
    return RH_OK;
}

int redis_get(struct redis_blocking *redis, struct answer **ret_answer)
{
    if (redis->lost > 0) {
        redis->lost--;
        return RH_ERR_UNKNOWN;
    }
    assert(redis->pending > 0);

    void *reply = NULL;
    errno = 0;
    if (redisGetReply(redis->context, &reply) != REDIS_OK) {
        int saved_errno = errno;
        redis->pending--;
        return connection_failed(redis, RH_ERR_UNKNOWN, saved_errno);
    }
    redis->pending--;
    if (((redisReply *)reply)->type == REDIS_REPLY_ERROR) {
        int status = answered_error(redis, reply);
        freeReplyObject(reply);
        return status;
    }
    *ret_answer = reply;
    return RH_OK;
}

int redis_command(struct redis_blocking *redis, const struct bytes *args, size_t args_len,
                  struct answer **ret_answer)
{
    assert(redis->pending == 0);
    int status = redis_append(redis, args, args_len);
    if (status != RH_OK)
        return status;
    return redis_get(redis, ret_answer);
}

static const redisReply *raw(const struct answer *answer)
{
    return (const redisReply *)(const void *)answer;
}

void answer_free(struct answer *answer)
{
    if (answer)
        freeReplyObject(answer);
}

bool answer_is_nil(const struct answer *answer)
{
    return !answer || raw(answer)->type == REDIS_REPLY_NIL;
}

struct bytes answer_text(const struct answer *answer)
{
    if (!answer)
        return (struct bytes){NULL, 0};
    const redisReply *reply = raw(answer);
    if (reply->type != REDIS_REPLY_STRING && reply->type != REDIS_REPLY_STATUS)
        return (struct bytes){NULL, 0};
    return (struct bytes){reply->str, reply->len};
}

int64_t answer_int(const struct answer *answer)
{
    int64_t number = 0;

    if (!answer)
        return 0;
    if (raw(answer)->type == REDIS_REPLY_INTEGER)
        return raw(answer)->integer;
    (void)parse_int64(answer_text(answer), INT64_MIN, INT64_MAX, &number);
    return number;
}

size_t answer_len(const struct answer *answer)
{
    return answer && raw(answer)->type == REDIS_REPLY_ARRAY ? raw(answer)->elements : 0;
}

const struct answer *answer_at(const struct answer *answer, size_t index)
{
    if (index >= answer_len(answer))
        return NULL;
    return (const struct answer *)(const void *)raw(answer)->element[index];
}
