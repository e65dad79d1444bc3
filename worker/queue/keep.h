/*
 * Keeps delivered events in Redis for a while, with keep-delivered, so that `roomhook resend` can
 * send them again: {Q}:delivered and {Q}:delivered-documents; docs/protocol.md has their fields.
 *
 * Nothing depends on it. So it never holds anything up: events are gathered for KEEP_GATHER_MS
 * after their outcomes were stored, and written together, behind everything else; what Redis
 * refuses, or what comes faster than it is written, is dropped and counted (keep_dropped). Nothing
 * is written twice.
 */
#ifndef QUEUE_KEEP_H
#define QUEUE_KEEP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/loop.h"
#include "contract/bytes.h"
#include "contract/kept_event.h"
#include "queue/queue.h"

#define KEEP_GATHER_MS 50

struct keep_limits {
    int64_t keep_ms; /* 0: nothing is kept */
    int64_t max_bytes;
};

/* Everything is copied. */
struct keep_note {
    const char *stream; /* the event's stream id, padded */
    const char *room;
    struct bytes hooks; /* ids that it was delivered to, with spaces between */
    struct kept_event event;
};

struct keep;

struct keep *keep_new(struct loop *loop, struct queue *queue,
                      const struct keep_limits *limits); /* NULL: no memory */
void keep_free(struct keep *keep);                       /* NULL allowed; drops what it has */
void keep_set_limits(struct keep *keep, const struct keep_limits *limits);

bool keep_is_on(const struct keep *keep);
void keep_add(struct keep *keep, const struct keep_note *note);

/* For the end of a worker: everything was answered, or cannot be written. */
bool keep_is_idle(const struct keep *keep);

/* For the leader: deletes what was kept for long enough, also by workers that ended or keep nothing
 * any more. */
void keep_tidy(struct queue *queue);

#endif
