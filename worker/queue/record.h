/*
 * The record of a delivery that waits in {Q}:deliveries, as text:
 *
 *   line 1  "<fence> <claims>"   fence: "-" when nobody holds it, else "<consumer>:<number>" of
 *                                the holder; claims: how often a lease ran out. Only scripts
 *                                change this line.
 *   line 2  one JSON object, written by workers:
 *           {"room":438,"hook":"main","event_id":"…","attempts":1,"deferrals":0,
 *            "first_attempt_at":ms,"last_attempt_at":ms,"status":503,"error":"…","slot_at":ms,
 *            "traceparent":"…","encoding":"json"}
 *   rest    the document, byte for byte
 *
 * Room is left out when the event had none. Times are ms since 1970; values that are 0 or "" are
 * left out, except hook and encoding. Pure.
 */
#ifndef QUEUE_RECORD_H
#define QUEUE_RECORD_H

#include <roomhook/event.h>
#include <stdbool.h>
#include <stdint.h>

#include "contract/bytes.h"

#define RECORD_META_MAX 4096
#define RECORD_ERROR_SIZE 160
#define RECORD_TRACEPARENT_SIZE 56
#define RECORD_FENCE_SIZE 160

/* What is remembered about the attempts so far; also part of every delivery in the process. */
struct history {
    int attempts;
    int deferrals;
    int64_t first_attempt_ms; /* wall clock, 0: none yet */
    int64_t last_attempt_ms;
    int64_t slot_ms;               /* its place at a hook with a rate, server's clock; 0: none */
    int status;                    /* of the last attempt, 0: none */
    char error[RECORD_ERROR_SIZE]; /* of the last attempt, "" : none */
};

struct record {
    char fence[RECORD_FENCE_SIZE]; /* "" when nobody holds it, written as "-" */
    int claims;
    bool has_room;
    int64_t room_id;
    char hook[RH_NAME_MAX + 1];
    char event_id[RH_NAME_MAX + 1]; /* "" when the producer gave none */
    char traceparent[RECORD_TRACEPARENT_SIZE];
    struct history history;
    enum rh_encoding encoding;
    struct bytes document; /* borrowed from the decoded text */
};

/* Appends lines 1 and 2 and the document. */
void record_encode(const struct record *record, struct buffer *out);

enum record_result {
    RECORD_OK = 0,
    RECORD_BAD = -1,      /* *why tells */
    RECORD_NO_MEMORY = -2 /* nothing is known about it */
};

/* A record_result. ret_record borrows text. Unknown keys of line 2 are passed over; an error text
 * too long is cut. */
int record_decode(struct bytes text, struct record *ret_record, struct error_text *why);

#endif
