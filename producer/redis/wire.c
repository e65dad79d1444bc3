#include "redis/wire.h"

#include <errno.h>
#include <hiredis/hiredis.h>
#include <openssl/err.h>
#include <string.h>
#include <sys/socket.h>

#define READ_SIZE 16384 /* a whole record of TLS */
#define ANSWER_DEPTH_MAX 64

static int fail(struct redis_wire *wire, const char *what)
{
    error_text_set(&wire->why, "%s", what);
    return -1;
}

/* In words what errno says of the socket or the TLS session. */
static int fail_by_errno(struct redis_wire *wire)
{
    if (errno == EAGAIN || errno == EWOULDBLOCK)
        error_text_set(&wire->why, "nothing came within %d ms", wire->timeout_ms);
    else if (errno != EPROTO || !wire->session ||
             !tls_error(wire->session, ERR_peek_error(), &wire->why))
        error_text_set(&wire->why, "%s", strerror(errno));
    return -1;
}

static struct timeval timeval_of_ms(int ms)
{
    return (struct timeval){.tv_sec = ms / 1000, .tv_usec = (suseconds_t)(ms % 1000) * 1000};
}

int wire_set_timeout(struct redis_wire *wire, int timeout_ms)
{
    wire->timeout_ms = timeout_ms;
    if (redisSetTimeout(wire->context, timeval_of_ms(timeout_ms)) != REDIS_OK)
        return fail(wire, wire->context->errstr);
    return 0;
}

/* Takes what hiredis made of the connecting. */
static int take_context(struct redis_wire *wire, redisContext *context, int timeout_ms)
{
    *wire = (struct redis_wire){.context = context};
    buffer_init(&wire->out, SIZE_MAX);
    if (!context)
        return fail(wire, "out of memory");
    if (context->err)
        return fail(wire, context->errstr);
    return wire_set_timeout(wire, timeout_ms);
}

static int start_tls(struct redis_wire *wire, const char *host, struct ssl_ctx_st *tls)
{
    int result;

    wire->session = tls_session_new(tls, wire->context->fd, host);
    if (!wire->session)
        return fail(wire, "out of memory");
    do
        result = tls_handshake(wire->session);
    while (result < 0 && errno == EINTR);
    return result < 0 ? fail_by_errno(wire) : 0;
}

int wire_connect(struct redis_wire *wire, const struct redis_host *host, struct ssl_ctx_st *tls,
                 int timeout_ms)
{
    redisContext *context =
        redisConnectWithTimeout(host->name, host->port, timeval_of_ms(timeout_ms));

    if (take_context(wire, context, timeout_ms) < 0)
        return -1;
    (void)redisEnableKeepAlive(context); /* only finds dead peers sooner */
    return tls ? start_tls(wire, host->name, tls) : 0;
}

int wire_connect_unix(struct redis_wire *wire, const char *path, int timeout_ms)
{
    redisContext *context = redisConnectUnixWithTimeout(path, timeval_of_ms(timeout_ms));

    return take_context(wire, context, timeout_ms);
}

void wire_close(struct redis_wire *wire)
{
    tls_session_free(wire->session);
    if (wire->context)
        redisFree(wire->context);
    buffer_release(&wire->out);
    wire->session = NULL;
    wire->context = NULL;
}

int wire_append(struct redis_wire *wire, const struct bytes *args, size_t args_len)
{
    struct buffer *out = &wire->out;

    buffer_append_char(out, '*');
    buffer_append_uint64(out, args_len);
    buffer_append_text(out, "\r\n");
    for (size_t i = 0; i < args_len; i++) {
        buffer_append_char(out, '$');
        buffer_append_uint64(out, args[i].len);
        buffer_append_text(out, "\r\n");
        buffer_append_bytes(out, args[i]);
        buffer_append_text(out, "\r\n");
    }
    return buffer_failed(out) ? fail(wire, "out of memory") : 0;
}

static ssize_t write_some(const struct redis_wire *wire, struct bytes data)
{
    if (wire->session)
        return tls_write(wire->session, data.data, data.len);
    return send(wire->context->fd, data.data, data.len, MSG_NOSIGNAL);
}

static ssize_t read_some(const struct redis_wire *wire, void *data, size_t size)
{
    if (wire->session)
        return tls_read(wire->session, data, size);
    return recv(wire->context->fd, data, size, 0);
}

/* A server that refuses our certificate says so and closes, perhaps before anything was written:
 * its words, if there are any, are still to be read. */
static int write_failed(struct redis_wire *wire)
{
    int of_write = errno;
    char data[1];

    if (!wire->session || (of_write != ECONNRESET && of_write != EPIPE) ||
        tls_read(wire->session, data, sizeof(data)) >= 0 || errno != EPROTO)
        errno = of_write;
    return fail_by_errno(wire);
}

static int send_all(struct redis_wire *wire)
{
    struct bytes rest = buffer_bytes(&wire->out);

    while (rest.len > 0) {
        ssize_t n = write_some(wire, rest);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return write_failed(wire);
        rest = (struct bytes){rest.data + n, rest.len - (size_t)n};
    }
    buffer_release(&wire->out); /* it may be a large pipeline's */
    return 0;
}

static int read_more(struct redis_wire *wire)
{
    char data[READ_SIZE];
    ssize_t n;

    do
        n = read_some(wire, data, sizeof(data));
    while (n < 0 && errno == EINTR);
    if (n == 0)
        return fail(wire, "the server closed the connection");
    if (n < 0)
        return fail_by_errno(wire);
    if (redisReaderFeed(wire->context->reader, data, (size_t)n) != REDIS_OK)
        return fail(wire, wire->context->reader->errstr);
    return 0;
}

int wire_get(struct redis_wire *wire, struct reply **ret_reply)
{
    redisReader *reader = wire->context->reader;
    void *reply = NULL;

    if (send_all(wire) < 0)
        return -1;
    for (;;) {
        if (redisReaderGetReply(reader, &reply) != REDIS_OK)
            return fail(wire, reader->errstr);
        if (reply)
            break;
        /* Freeing one is recursive. hiredis from 1.0 on has no limit of its own. */
        if (reader->ridx > ANSWER_DEPTH_MAX)
            return fail(wire, "the answer is nested too deeply");
        if (read_more(wire) < 0)
            return -1;
    }
    *ret_reply = reply;
    return 0;
}

bool wire_is_dead(const struct redis_wire *wire)
{
    char byte;
    ssize_t n = recv(wire->context->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);

    return n >= 0 || (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR);
}
