/*
 * The record of a delivery that waits, in {Q}:deliveries: one line of JSON, and behind a newline
 * the document, byte for byte, unless several deliveries share it in {Q}:documents.
 *
 *     {"due_at":ms,"lane":"438/main","event_id":"…","attempts":1,"first_attempt_at":ms,
 *      "last_attempt_at":ms,"status":503,"error":"…","cuts":1,"resent":1,"traceparent":"…",
 *      "encoding":"json"}
 *
 * due_at is written by scripts, of a retry. Times are ms since 1970; values that are 0 or "" are
 * left out, except lane and encoding. URL, secrets and "enabled" are not in it: hooks are looked
 * up again at each attempt. Pure.
 */
#ifndef QUEUE_RECORD_H
#define QUEUE_RECORD_H

#include <roomhook/event.h>
#include <stdbool.h>
#include <stdint.h>

#include "contract/bytes.h"
#include "contract/lane.h"
#include "contract/parse.h"

#define RECORD_META_MAX 4096
#define RECORD_ERROR_SIZE 160

/* What is remembered about the attempts so far; also part of every delivery in the process. */
struct history {
    int attempts;
    int cuts;                 /* attempts that were given up for others; they do not count */
    int64_t first_attempt_ms; /* wall clock, 0: none yet */
    int64_t last_attempt_ms;
    int status;                    /* of the last attempt, 0: none */
    char error[RECORD_ERROR_SIZE]; /* of the last attempt, "": none */
};

struct record {
    char lane[LANE_SIZE];
    char event_id[RH_NAME_MAX + 1]; /* "" when the producer gave none */
    char traceparent[TRACEPARENT_SIZE];
    struct history history;
    bool is_resent; /* by roomhook resend */
    enum rh_encoding encoding;
    bool is_shared;        /* the document is not in the record */
    struct bytes document; /* borrowed from the decoded text */
};

/* Appends the JSON, without due_at, and neither newline nor document. */
void record_encode(const struct record *record, struct buffer *out);

enum record_result {
    RECORD_OK = 0,
    RECORD_BAD = -1,      /* *why says what is wrong */
    RECORD_NO_MEMORY = -2 /* nothing is known about it */
};

/* A record_result. ret_record borrows text. Unknown keys are passed over; an error text too long is
 * cut. */
int record_decode(struct bytes text, struct record *ret_record, struct error_text *why);

/* The JSON of a record of contract 1, its second line: what it has in common with today's, and the
 * hook it is for. The lane is left to the caller. A record_result. */
struct record_hook {
    struct room_id room_id; /* its len is 0 when there is none */
    char hook_id[RH_NAME_MAX + 1];
};
int record_decode_old(struct bytes line, struct record *ret_record, struct record_hook *ret_hook,
                      struct error_text *why);

#endif
