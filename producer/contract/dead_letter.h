/*
 * Dead letters: what is written to {Q}:dead, by workers, and read by the command line.
 *
 * Fields of an entry, in this order; those without a value are left out:
 *   reason error status attempts room hook url event_id queued_at first_attempt_at last_attempt_at
 *   worker response location traceparent msgpack|json record
 * Times are ISO 8601 in UTC. The document field is the original, byte for byte. A letter made of a
 * waiting delivery whose record could not be read has the record's first bytes instead.
 */
#ifndef CONTRACT_DEAD_LETTER_H
#define CONTRACT_DEAD_LETTER_H

#include "contract/bytes.h"

#define DEAD_RESPONSE_MAX 1024  /* bytes of the answer kept, before escaping */
#define DEAD_LOCATION_MAX 512   /* bytes kept of where a redirect leads, with the mark of a cut */
#define DEAD_DOCUMENT_KEPT 4096 /* bytes kept of a document that is too large */

enum dead_reason {
    DEAD_EXHAUSTED,     /* the last retry failed */
    DEAD_EXPIRED,       /* older than max-age */
    DEAD_REJECTED,      /* the receiver refused these bytes for good */
    DEAD_GONE,          /* 410: the receiver wants no more */
    DEAD_BLOCKED,       /* the address is not allowed */
    DEAD_BAD_URL,       /* the URL is not allowed */
    DEAD_BAD_HOOK,      /* the hook's JSON is not valid */
    DEAD_MALFORMED,     /* the event cannot be understood */
    DEAD_TOO_LARGE,     /* the event is over max-event-bytes */
    DEAD_POISON,        /* it ended worker after worker */
    DEAD_LOOP,          /* it went round through hooks too often */
    DEAD_HOOK_REMOVED,  /* the hook is no longer there */
    DEAD_HOOK_DISABLED, /* the hook was disabled while the delivery waited */
    DEAD_OVERFLOW,      /* its lane was full */
    DEAD_DROPPED,       /* dropped by hand: roomhook lane drop */
    DEAD_REASONS        /* how many there are */
};

const char *dead_reason_name(enum dead_reason reason);           /* "hook-removed" */
int dead_reason_parse(struct bytes text, enum dead_reason *ret); /* 0 or -1 */

#endif
