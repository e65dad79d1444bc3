#include "redis/answer.h"

#include <hiredis/hiredis.h>

#include "contract/parse.h"

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

bool answer_is_error(const struct answer *answer)
{
    return answer && raw(answer)->type == REDIS_REPLY_ERROR;
}

struct bytes answer_error(const struct answer *answer)
{
    if (!answer_is_error(answer))
        return (struct bytes){NULL, 0};
    return (struct bytes){raw(answer)->str, raw(answer)->len};
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
