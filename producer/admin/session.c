#include "admin/session.h"

#include <stdarg.h>
#include <string.h>

static enum admin_result tell(const struct session *session, enum admin_result result,
                              const char *format, va_list args)
    __attribute__((format(printf, 3, 0)));

int session_open(struct session *session, const struct redis_options *options, const char *name,
                 struct error_text *why)
{
    struct redis_blocking_options redis = {
        .connect_timeout_ms = SESSION_TIMEOUT_MS,
        .command_timeout_ms = SESSION_TIMEOUT_MS,
        .name = name,
        .tls = options->tls,
    };

    /* Not in the initialiser: gcc 12 clears what it takes for padding there, bytes of the user. */
    redis.address = options->address;
    session->keys = options->keys;
    session->address = options->address;
    session->tls = options->tls;
    int opened = redis_open(&redis, &session->redis, why);
    explicit_bzero(&redis, sizeof(redis));
    return opened == RH_OK ? 0 : -1;
}

void session_close(struct session *session)
{
    redis_close(session->redis);
    session->redis = NULL;
    explicit_bzero(&session->address, sizeof(session->address));
}

static enum admin_result tell(const struct session *session, enum admin_result result,
                              const char *format, va_list args)
{
    struct error_text why;

    error_text_setv(&why, format, args);
    session->tell(session->context, result, why.text);
    return result;
}

enum admin_result session_refused(const struct session *session, enum admin_result result,
                                  const char *format, ...)
{
    va_list args;

    va_start(args, format);
    tell(session, result, format, args);
    va_end(args);
    return result;
}

enum admin_result session_failed(const struct session *session, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    tell(session, ADMIN_FAILED, format, args);
    va_end(args);
    return ADMIN_FAILED;
}

enum admin_result session_redis_failed(const struct session *session)
{
    session->tell(session->context, ADMIN_FAILED, redis_error(session->redis));
    return ADMIN_FAILED;
}

bool session_ask(struct session *session, const struct bytes *args, size_t args_len,
                 struct reply **ret_reply)
{
    if (redis_command(session->redis, args, args_len, ret_reply) == RH_OK)
        return true;
    session_redis_failed(session);
    return false;
}

bool session_server_time(struct session *session, int64_t *ret_now_ms)
{
    const struct bytes args[] = {BYTES("TIME")};
    struct reply *reply;

    if (!session_ask(session, args, 1, &reply))
        return false;
    *ret_now_ms = reply_int(reply_at(reply, 0)) * 1000 + reply_int(reply_at(reply, 1)) / 1000;
    reply_free(reply);
    return true;
}

void session_progress(const struct session *session, const char *what, uint64_t done)
{
    if (session->progress)
        session->progress(session->context, what, done);
}

void session_progress_end(const struct session *session)
{
    if (session->progress)
        session->progress(session->context, NULL, 0);
}
