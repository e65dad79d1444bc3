/*
 * An event: one chat message to announce to the webhooks of its room.
 *
 * The document is a map with these keys, in JSON (RFC 8259) or msgpack:
 *
 *   type      optional string, "message.created" when absent
 *   hops      optional integer 0..1000: how many webhooks led to this message; 0 when absent
 *   message   required map; its "roomId" names the room (required unless webhooks is given): an
 *             integer from -2^63 to 2^64-1, or a string of 1..RH_ROOM_MAX of
 *             A-Z a-z 0-9 . _ : ! @ # $ + = ~ -, not . or ..; 438 and "438" are the same room
 *   fromUser  optional map
 *   room      optional map
 *   webhooks  optional list of hooks, used instead of the room's registered ones
 *
 * Everything inside message, fromUser and room reaches the receiver as it was written, without the
 * white space between JSON's tokens: any keys, numbers and escapes, up to RH_EVENT_MAX_DEPTH levels
 * of maps and lists. Strings are UTF-8. From msgpack, floats that are integers of at most 2^53 are
 * written as integers; map keys are strings, and NaN, infinities, binary and extension values are
 * refused because JSON cannot carry them.
 */
#ifndef ROOMHOOK_EVENT_H
#define ROOMHOOK_EVENT_H

#include <stddef.h>

#include "roomhook/status.h"

#ifdef __cplusplus
extern "C" {
#endif

#define RH_EVENT_MAX_DEPTH 16     /* levels inside message, fromUser and room, with themselves */
#define RH_EVENT_MAX_BYTES 262144 /* default limit of a document, 256 KiB */
#define RH_NAME_MAX 64            /* event ids, hook ids, queue names: [A-Za-z0-9_-]{1,64} */
#define RH_ROOM_MAX 128           /* a roomId that is a string */
#define RH_STREAM_ID_SIZE 42      /* "<ms>-<seq>" with its NUL, two 64-bit numbers */

enum rh_encoding {
    RH_JSON = 0,
    RH_MSGPACK = 1
};

/* All pointers are borrowed for the duration of the call they are given to. */
struct rh_event {
    enum rh_encoding encoding;
    const void *document; /* the event document, document_len bytes, need not be NUL-terminated */
    size_t document_len;
    const char *id;          /* the producer's own event id, or NULL: then it is msg_<stream id> */
    const char *hook;        /* only this hook of the room, or NULL for all of them */
    const char *traceparent; /* W3C trace context to pass on, or NULL; an invalid one is dropped */
};

/*
 * Checks an event as a worker will. RH_OK, or RH_ERR_EVENT / RH_ERR_TOO_LARGE with a sentence that
 * names the place and what is allowed written to why (why_size bytes, always NUL-terminated; may be
 * NULL when why_size is 0).
 */
RH_API RH_MUST_CHECK int rh_event_check(const struct rh_event *event, char *why, size_t why_size);

#ifdef __cplusplus
}
#endif

#endif
