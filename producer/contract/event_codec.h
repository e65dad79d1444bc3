/*
 * The event document, decoded once, whatever its encoding. What the receiver gets is kept as
 * compact JSON text, as it was written, so that rendering copies it.
 *
 * Decoding is the first contact with a stranger's bytes. msgpack is scanned before it is unpacked
 * because msgpack-c allocates for what a header declares, not for what follows it: depth, and the
 * sum of elements still owed against the bytes left, are checked first.
 */
#ifndef CONTRACT_EVENT_CODEC_H
#define CONTRACT_EVENT_CODEC_H

#include <roomhook/event.h>
#include <stdbool.h>
#include <stdint.h>

#include "contract/bytes.h"
#include "contract/event_parts.h"
#include "contract/room.h"

#define EVENT_DEFAULT_TYPE "message.created"
#define EVENT_HOPS_MAX 1000
#define EVENT_HOPS_LOOP 8 /* from here on it is a loop: dead letter reason loop */

struct event {
    struct room_id room_id; /* message.roomId; its len is 0 when there is none */
    bool has_created_at;
    int64_t created_at_ms;      /* message.createdAt when it is an integer in 0..253402300799999 */
    struct bytes type;          /* as text, not quoted, [A-Za-z0-9_.]{1,128} */
    int hops;                   /* webhooks that led to this event, 0..EVENT_HOPS_MAX */
    struct bytes message;       /* compact JSON of the map; never empty */
    struct bytes from_user;     /* the same; empty when absent */
    struct bytes room;          /* the same; empty when absent */
    bool has_inline_hooks;      /* "webhooks" was given, even if as an empty list */
    struct bytes *inline_hooks; /* each one's compact JSON, not yet checked as a hook */
    size_t inline_hooks_len;
    struct buffer text; /* what the views above point into */
};

/* Decodes a document. 0, or an enum event_problem with *why set and *ret_event untouched, but for
 * the room of one that is EVENT_BAD, if it has one. A decoded event is the caller's, to be given to
 * event_release. An absent fromUser or room and one that is null are the same. */
int event_decode(enum rh_encoding encoding, struct bytes document, struct event *ret_event,
                 struct error_text *why);

void event_release(struct event *event); /* also of a zeroed one; leaves it zeroed */

/* Rewrites a JSON document as msgpack: same keys, order and values, known keys or not; real numbers
 * become doubles. Appends to out. 0, or an enum event_problem with *why set: refused is what
 * event_decode would refuse, and what jansson or msgpack cannot carry: halves of surrogate pairs,
 * integers past 64 bits with sign, reals past double, the same key twice, NUL in keys. */
int event_json_to_msgpack(struct bytes json, struct buffer *out, struct error_text *why);

#endif
