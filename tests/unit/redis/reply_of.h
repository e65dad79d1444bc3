/*
 * Replies for unit tests.
 */
#ifndef REDIS_REPLY_OF_H
#define REDIS_REPLY_OF_H

#include <hiredis/hiredis.h>
#include <string.h>

#include "redis/reply.h"

/* The reply that Redis' bytes stand for; for reply_free. */
static inline struct reply *reply_of(const char *bytes)
{
    redisReader *reader = redisReaderCreate();
    void *reply = NULL;

    assert_int_equal(redisReaderFeed(reader, bytes, strlen(bytes)), REDIS_OK);
    assert_int_equal(redisReaderGetReply(reader, &reply), REDIS_OK);
    assert_non_null(reply);
    redisReaderFree(reader);
    return reply;
}

#endif
