/*
 * The parts of an event document that have a meaning here, found by the reader of each encoding.
 * A part is kept as compact JSON, whatever the encoding, so that the rules of event_codec.c are
 * written once and cannot differ.
 */
#ifndef CONTRACT_EVENT_PARTS_H
#define CONTRACT_EVENT_PARTS_H

#include "contract/bytes.h"
#include "contract/event_problem.h"

#define EVENT_MAX_INLINE_HOOKS 64

enum event_key {
    EVENT_KEY_TYPE,
    EVENT_KEY_HOPS,
    EVENT_KEY_MESSAGE,
    EVENT_KEY_FROM_USER,
    EVENT_KEY_ROOM,
    EVENT_KEY_WEBHOOKS,
    EVENT_KEY_ROOM_ID, /* of the message, as what follows */
    EVENT_KEY_CREATED_AT,
    EVENT_KEYS
};

#define EVENT_ROOT_KEYS EVENT_KEY_ROOM_ID

/* A piece of the text under construction, which may still move in memory. */
struct event_span {
    size_t start;
    size_t len;
};

struct event_parts {
    struct buffer text;
    bool is_map;                      /* the document; else it has no parts */
    struct event_span of[EVENT_KEYS]; /* len 0: absent */
    bool twice[EVENT_KEYS];           /* the key is there more than once */
    struct event_span hooks[EVENT_MAX_INLINE_HOOKS];
    size_t hooks_len; /* items of webhooks when that is a list, also of those beyond */
};

void event_parts_init(struct event_parts *parts); /* no parts, and an empty text without room */

/* Each reads a whole document; parts has an empty text, with room enough. 0, or an enum
 * event_problem with *why set. */
int event_read_json(struct bytes document, struct event_parts *parts, struct error_text *why);
int event_read_msgpack(struct bytes document, struct event_parts *parts, struct error_text *why);

/* The key of the document or, in_message, of the message; EVENT_KEYS when it is none of these. */
enum event_key event_key_of(struct bytes name, bool in_message);

/* "message.roomId"; NULL for EVENT_KEYS. */
const char *event_key_name(enum event_key key);

/* Notes that the value of key is what was appended to the text since start. */
void event_parts_note(struct event_parts *parts, enum event_key key, size_t start);

struct bytes event_part(const struct event_parts *parts, struct event_span span); /* borrowed */

#endif
