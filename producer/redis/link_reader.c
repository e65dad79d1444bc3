#include "redis/link_reader.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#ifdef ROOMHOOK_SANITIZE
#define CHUNK_MIN 0 /* each allocation has a chunk of its own */
#define CHUNK_KEPT 0
#else
#define CHUNK_MIN 16384
#define CHUNK_KEPT (256 << 10)
#endif
#define ALIGNMENT _Alignof(max_align_t)

#if HIREDIS_MAJOR >= 1
typedef size_t array_len;
#else
typedef int array_len;
#endif

struct reply_chunk {
    struct reply_chunk *older;
    size_t size;
    size_t used;
    _Alignas(max_align_t) char data[];
};

void reply_memory_init(struct reply_memory *memory)
{
    memory->chunks = NULL;
}

static void free_chunks(struct reply_chunk *chunk)
{
    while (chunk != NULL) {
        struct reply_chunk *older = chunk->older;
        free(chunk);
        chunk = older;
    }
}

void reply_memory_release(struct reply_memory *memory)
{
    free_chunks(memory->chunks);
    memory->chunks = NULL;
}

void reply_memory_clear(struct reply_memory *memory)
{
    struct reply_chunk *newest = memory->chunks;
    if (newest == NULL)
        return;
    if (newest->size > CHUNK_KEPT) {
        reply_memory_release(memory);
        return;
    }
    free_chunks(newest->older);
    newest->older = NULL;
    newest->used = 0;
}

/* Twice the last one, so that a reply like the last fits into the chunk that is kept. */
static struct reply_chunk *add_chunk(struct reply_memory *memory, size_t least)
{
    size_t size = memory->chunks != NULL ? 2 * memory->chunks->size : CHUNK_MIN;
    if (size > CHUNK_KEPT)
        size = CHUNK_KEPT;
    if (size < least)
        size = least;
    struct reply_chunk *chunk = malloc(sizeof(*chunk) + size);
    if (chunk == NULL)
        return NULL;
    *chunk = (struct reply_chunk){.older = memory->chunks, .size = size};
    memory->chunks = chunk;
    return chunk;
}

/* size is at most that of a reply, REDIS_REPLY_MAX, or of REPLY_ELEMENTS_MAX pointers. */
static void *take(const redisReadTask *task, size_t size)
{
    struct reply_memory *memory = task->privdata;
    struct reply_chunk *chunk = memory->chunks;
    if (chunk == NULL || chunk->size - chunk->used < size)
        chunk = add_chunk(memory, size);
    if (chunk == NULL)
        return NULL;
    void *taken = chunk->data + chunk->used;
    size_t aligned = (size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    chunk->used = aligned < chunk->size - chunk->used ? chunk->used + aligned : chunk->size;
    return taken;
}

static redisReply *make(const redisReadTask *task)
{
    redisReply *reply = take(task, sizeof(*reply));
    if (reply == NULL)
        return NULL;
    *reply = (redisReply){.type = task->type};
    if (task->parent != NULL)
        ((redisReply *)task->parent->obj)->element[task->idx] = reply;
    return reply;
}

static void *make_string(const redisReadTask *task, char *text, size_t len)
{
    char *copy = take(task, len + 1);
    redisReply *reply = copy != NULL ? make(task) : NULL;
    if (reply == NULL)
        return NULL;
    memcpy(copy, text, len);
    copy[len] = '\0';
    reply->str = copy;
    reply->len = len;
    return reply;
}

static bool is_too_deep(const redisReadTask *task)
{
    int depth = 1;
    while (task->parent != NULL && depth <= REPLY_DEPTH_MAX) {
        task = task->parent;
        depth++;
    }
    return depth > REPLY_DEPTH_MAX;
}

static void *make_array(const redisReadTask *task, array_len len)
{
    struct redisReply **elements = NULL;
    if (len > REPLY_ELEMENTS_MAX || is_too_deep(task))
        return NULL;
    if (len > 0) {
        elements = take(task, (size_t)len * sizeof(void *));
        if (elements == NULL)
            return NULL;
        memset(elements, 0, (size_t)len * sizeof(void *));
    }
    redisReply *reply = make(task);
    if (reply == NULL)
        return NULL;
    reply->element = elements;
    reply->elements = len > 0 ? (size_t)len : 0;
    return reply;
}

static void *make_integer(const redisReadTask *task, long long value)
{
    redisReply *reply = make(task);
    if (reply != NULL)
        reply->integer = value;
    return reply;
}

static void *make_nil(const redisReadTask *task)
{
    redisReply *reply = make(task);
    if (reply != NULL)
        reply->type = REDIS_REPLY_NIL; /* the task's is that of what is not there */
    return reply;
}

#if HIREDIS_MAJOR >= 1
/* Kinds that a server sends only when asked to speak RESP3. No accessor reads them, but without a
 * function of ours hiredis returns a number for a pointer. */
static void *make_double(const redisReadTask *task, double value, char *text, size_t len)
{
    (void)value;
    return make_string(task, text, len);
}

static void *make_bool(const redisReadTask *task, int value)
{
    return make_integer(task, value);
}
#endif

/* What the reader gives up goes with the rest. */
static void forget(void *reply)
{
    (void)reply;
}

redisReader *redis_reader_new(struct reply_memory *memory)
{
    static redisReplyObjectFunctions functions = {
        .createString = make_string,
        .createArray = make_array,
        .createInteger = make_integer,
        .createNil = make_nil,
#if HIREDIS_MAJOR >= 1
        .createDouble = make_double,
        .createBool = make_bool,
#endif
        .freeObject = forget
    };
    redisReader *reader = redisReaderCreateWithFunctions(&functions);
    if (reader != NULL)
        reader->privdata = memory; /* redisReaderSetPrivdata makes an int of it */
    return reader;
}
