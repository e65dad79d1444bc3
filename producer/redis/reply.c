#include "redis/reply.h"

#include <hiredis/hiredis.h>

#include "contract/parse.h"

/* struct reply is hiredis' redisReply by another name: only this file and the two clients know. */
static const redisReply *raw(const struct reply *reply)
{
    return (const redisReply *)reply;
}

void reply_free(struct reply *reply)
{
    if (reply != NULL)
        freeReplyObject(reply);
}

bool reply_is_error(const struct reply *reply)
{
    return reply != NULL && raw(reply)->type == REDIS_REPLY_ERROR;
}

struct bytes reply_error_text(const struct reply *reply)
{
    if (!reply_is_error(reply))
        return (struct bytes){NULL, 0};
    return (struct bytes){raw(reply)->str, (size_t)raw(reply)->len};
}

bool reply_is_nil(const struct reply *reply)
{
    return reply == NULL || raw(reply)->type == REDIS_REPLY_NIL;
}

bool reply_is_list(const struct reply *reply)
{
    return reply != NULL && raw(reply)->type == REDIS_REPLY_ARRAY;
}

bool reply_is_text(const struct reply *reply)
{
    return reply != NULL &&
           (raw(reply)->type == REDIS_REPLY_STRING || raw(reply)->type == REDIS_REPLY_STATUS);
}

struct bytes reply_text(const struct reply *reply)
{
    if (!reply_is_text(reply))
        return (struct bytes){NULL, 0};
    return (struct bytes){raw(reply)->str, (size_t)raw(reply)->len};
}

int64_t reply_int(const struct reply *reply)
{
    int64_t value = 0;
    if (reply != NULL && raw(reply)->type == REDIS_REPLY_INTEGER)
        return raw(reply)->integer;
    if (parse_int64(reply_text(reply), INT64_MIN, INT64_MAX, &value) != 0)
        return 0;
    return value;
}

size_t reply_len(const struct reply *reply)
{
    return reply_is_list(reply) ? (size_t)raw(reply)->elements : 0;
}

const struct reply *reply_at(const struct reply *reply, size_t index)
{
    if (index >= reply_len(reply))
        return NULL;
    return (const struct reply *)raw(reply)->element[index];
}

const struct reply *reply_value(const struct reply *reply, const char *name)
{
    for (size_t i = 0; i + 1 < reply_len(reply); i += 2) {
        if (bytes_equal_text(reply_text(reply_at(reply, i)), name))
            return reply_at(reply, i + 1);
    }
    return NULL;
}
