#include "redis_reply.h"

#include <hiredis/hiredis.h>

#include "parse.h"

/* struct reply is hiredis' redisReply by another name: only this file and redis_link know. */
static const redisReply *raw(const struct reply *reply)
{
    return (const redisReply *)reply;
}

static bool begins_with_word(struct bytes text, const char *word)
{
    struct bytes w = bytes_of(word);
    if (text.len < w.len || !bytes_equal((struct bytes){text.data, w.len}, w))
        return false;
    return text.len == w.len || text.data[w.len] == ' ';
}

enum reply_error reply_error(const struct reply *reply)
{
    static const struct {
        const char *word;
        enum reply_error error;
    } words[] = {
        {"NOSCRIPT", REPLY_NOSCRIPT},   {"NOGROUP", REPLY_NOGROUP},
        {"UNBLOCKED", REPLY_NOGROUP},   {"LOADING", REPLY_TRANSIENT},
        {"BUSY", REPLY_TRANSIENT},      {"MISCONF", REPLY_TRANSIENT},
        {"OOM", REPLY_TRANSIENT},       {"TRYAGAIN", REPLY_TRANSIENT},
        {"EXECABORT", REPLY_TRANSIENT}, {"CLUSTERDOWN", REPLY_TRANSIENT},
        {"READONLY", REPLY_DEMOTED},    {"NOREPLICAS", REPLY_TRANSIENT},
        {"MASTERDOWN", REPLY_DEMOTED},
    };
    if (reply == NULL)
        return REPLY_GONE;
    if (raw(reply)->type != REDIS_REPLY_ERROR)
        return REPLY_NO_ERROR;
    struct bytes text = reply_error_text(reply);
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (begins_with_word(text, words[i].word))
            return words[i].error;
    }
    return REPLY_REFUSED;
}

struct bytes reply_error_text(const struct reply *reply)
{
    if (reply == NULL || raw(reply)->type != REDIS_REPLY_ERROR)
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
