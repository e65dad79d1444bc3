/*
 * hiredis' reader, with replies in memory that is taken and given back as a whole: one to a read
 * of events has some ten nodes an event.
 *
 * One reply at a time: it, and what is half read, is gone with reply_memory_clear. The memory
 * outlives the reader, because a callback that is given a reply may drop the connection.
 */
#ifndef REDIS_LINK_READER_H
#define REDIS_LINK_READER_H

#include <hiredis/hiredis.h>

struct reply_chunk;

struct reply_memory {
    struct reply_chunk *chunks; /* the newest, which is the largest, first */
};

/* An array of more, which is not within REDIS_REPLY_MAX, and arrays nested deeper end the reader as
 * a shortage of memory does. */
#define REPLY_ELEMENTS_MAX (1 << 24)
#define REPLY_DEPTH_MAX 7

void reply_memory_init(struct reply_memory *memory);
void reply_memory_clear(struct reply_memory *memory);   /* keeps at most 256 KiB for the next */
void reply_memory_release(struct reply_memory *memory); /* keeps nothing */

/* Its replies are redisReply, never for freeReplyObject. NULL: no memory. For redisReaderFree. */
redisReader *redis_reader_new(struct reply_memory *memory);

#endif
