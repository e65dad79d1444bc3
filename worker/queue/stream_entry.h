/*
 * An entry of the stream as it is read, and what takes it.
 */
#ifndef QUEUE_STREAM_ENTRY_H
#define QUEUE_STREAM_ENTRY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "contract/bytes.h"
#include "redis/reply.h"

/* So long after Redis gave it an entry may be on its way to the reader. */
#define STREAM_ENTRY_ARRIVES_MS 10000

/* Views are borrowed for the call. */
struct stream_entry {
    struct bytes id;
    int claims;              /* how often it was given to a worker; 1 for a fresh one */
    bool by_reader;          /* else by the control connection */
    int64_t too_large_bytes; /* of the whole entry, when only its beginning is here; else 0 */
    struct bytes json;       /* data is NULL when the field is absent */
    struct bytes msgpack;
    struct bytes event_id; /* field "id" */
    struct bytes hook;
    struct bytes traceparent;
    struct bytes test;   /* see contract/test_event.h */
    struct bytes resent; /* see contract/kept_event.h */
};

/* Sorts an entry's field list into entry's views. */
void stream_entry_read(struct stream_entry *entry, const struct reply *fields);

struct stream_taker {
    int64_t max_event_bytes;       /* of a larger one only the beginning is read */
    size_t (*room)(void *context); /* how many entries may be read now */
    /* Called right behind the sending of a read. True: something was sent to the reader, and
     * intake_followed is called when its answer came, behind the entries; the next read does not
     * begin before. */
    bool (*follow)(void *context);
    bool (*knows)(void *context, struct bytes id); /* is this entry being worked on? */
    void (*entry)(void *context, const struct stream_entry *entry);
    void *context;
};

#endif
