/*
 * The attempt log: what each attempt, and each delivery that was not sent, came to. A stream for
 * each lane, {Q}:log:<lane>, of its newest entries; and while some of a hook's newest attempts were
 * not fine, how they ended, in {Q}:hooks-recent. docs/protocol.md has the fields.
 *
 * It is for people who ask what became of a message, and nothing depends on it. So it never holds
 * anything up: entries are gathered for LOG_GATHER_MS and written together, behind everything else;
 * what Redis refuses, or what comes faster than it is written, is dropped and counted
 * (log_dropped). Nothing is sent again.
 */
#ifndef QUEUE_ATTEMPT_LOG_H
#define QUEUE_ATTEMPT_LOG_H

#include <stdbool.h>
#include <stdint.h>

#include "base/loop.h"
#include "contract/bytes.h"
#include "queue/queue.h"

#define LOG_GATHER_MS 100
#define LOG_ANSWER_MAX 1024 /* bytes that are kept of the answer to a failed attempt */

enum attempt_log_what { /* setting attempt-log, in the order of its words */
    ATTEMPT_LOG_ALL,
    ATTEMPT_LOG_FAILURES, /* what was delivered leaves no entry */
    ATTEMPT_LOG_OFF
};

struct attempt_log_limits {
    enum attempt_log_what what;
    int64_t per_hook;  /* a log keeps at least this many entries, and at most a hundred more */
    int64_t max_bytes; /* all of the queue's logs */
};

/* Everything is copied. */
struct attempt_note {
    const char *lane;
    const char *fingerprint; /* of the hook as it was */
    const char *event_id;
    const char *outcome; /* delivered, retry, dead, skipped, failed */
    const char *reason;  /* of dead and skipped, else "" */
    const char *error;   /* printable */
    int64_t attempt;     /* counts from 1; 0: none was made */
    int64_t status;      /* 0: no answer */
    int64_t took_ms;     /* how long it held its place */
    struct bytes answer; /* any bytes; the first LOG_ANSWER_MAX are kept, as printable text */
};

struct attempt_log;

struct attempt_log *attempt_log_new(struct loop *loop, struct queue *queue,
                                    const struct attempt_log_limits *limits); /* NULL: no memory */
void attempt_log_free(struct attempt_log *log); /* NULL allowed; drops what was not written */
void attempt_log_set_limits(struct attempt_log *log, const struct attempt_log_limits *limits);

void attempt_log_add(struct attempt_log *log, const struct attempt_note *note);

/* For the end of a worker: everything was answered, or cannot be written. */
bool attempt_log_is_idle(const struct attempt_log *log);

#endif
