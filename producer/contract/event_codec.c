#include "contract/event_codec.h"

#include <stdlib.h>

#include "contract/event_tree.h"

#define TYPE_MAX 128
#define CREATED_AT_MAX INT64_C(8640000000000000) /* the last moment a JavaScript Date knows */

/* The worst that can become of a byte as JSON is six: \u001f, or "false," from msgpack. */
#define TEXT_GROWTH_MAX 6
#define TEXT_EXTRA 1024

/* A part of the text under construction, which may still move in memory. */
struct span {
    size_t start;
    size_t len;
};

struct draft {
    const struct event_encoding *encoding;
    struct event event;
    struct span type;
    struct span message;
    struct span from_user;
    struct span room;
    struct span inline_hooks[EVENT_MAX_INLINE_HOOKS];
};

static int refuse(struct error_text *why, const char *place, const char *what)
{
    error_text_set(why, "%s: %s", place, what);
    return EVENT_BAD;
}

static int out_of_memory(struct error_text *why)
{
    error_text_set(why, "out of memory");
    return EVENT_NO_MEMORY;
}

static int put(struct draft *draft, struct event_value value, const struct event_place *place,
               struct span *ret_span, struct error_text *why)
{
    struct buffer *text = &draft->event.text;
    size_t start = text->len;

    if (draft->encoding->put(text, value, place, why))
        return EVENT_BAD;
    *ret_span = (struct span){start, text->len - start};
    return EVENT_OK;
}

/* --- one reader for each key of the document --- */

static int read_type(struct draft *draft, struct event_value value, struct error_text *why)
{
    bool sound =
        value.kind == EVENT_KIND_STRING && value.string.len > 0 && value.string.len <= TYPE_MAX;

    if (value.kind == EVENT_KIND_ABSENT)
        return EVENT_OK;
    for (size_t i = 0; sound && i < value.string.len; i++) {
        char c = value.string.data[i];

        sound = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                c == '_' || c == '.';
    }
    if (!sound)
        return refuse(why, "type", "must be a string of 1..128 of A-Z a-z 0-9 _ .");
    draft->type = (struct span){draft->event.text.len, value.string.len};
    buffer_append_bytes(&draft->event.text, value.string);
    return EVENT_OK;
}

static int read_hops(struct draft *draft, struct event_value value, struct error_text *why)
{
    if (value.kind == EVENT_KIND_ABSENT)
        return EVENT_OK;
    if (value.kind != EVENT_KIND_INTEGER || value.integer < 0 || value.integer > EVENT_HOPS_MAX) {
        error_text_set(why, "hops: must be an integer from 0 to %d", EVENT_HOPS_MAX);
        return EVENT_BAD;
    }
    draft->event.hops = (int)value.integer;
    return EVENT_OK;
}

static int read_room_id(struct draft *draft, struct event_value message, struct error_text *why)
{
    struct event_value value = draft->encoding->find(message, BYTES("roomId"));

    if (value.kind == EVENT_KIND_ABSENT)
        return EVENT_OK;
    if (value.kind == EVENT_KIND_TWICE)
        return refuse(why, "message.roomId", "is given twice");
    if (value.kind == EVENT_KIND_INTEGER)
        room_id_of_int64(value.integer, &draft->event.room_id);
    else if (value.kind == EVENT_KIND_LARGE_INTEGER)
        room_id_of_uint64(value.large, &draft->event.room_id);
    else if (value.kind != EVENT_KIND_STRING ||
             room_id_of_text(value.string, &draft->event.room_id))
        return refuse(why, "message.roomId", "must be " ROOM_ID_ALLOWED);
    return EVENT_OK;
}

/* Only a help for the timestamp of "standard" bodies: what cannot be used is no error. */
static void read_created_at(struct draft *draft, struct event_value message)
{
    struct event_value value = draft->encoding->find(message, BYTES("createdAt"));

    if (value.kind != EVENT_KIND_INTEGER || value.integer < 0 || value.integer > CREATED_AT_MAX)
        return;
    draft->event.has_created_at = true;
    draft->event.created_at_ms = value.integer;
}

static int read_message(struct draft *draft, struct event_value value, struct error_text *why)
{
    const struct event_place place = {.key = BYTES("message")};
    int problem;

    if (value.kind == EVENT_KIND_ABSENT)
        return refuse(why, "message", "is missing");
    if (value.kind != EVENT_KIND_MAP)
        return refuse(why, "message", "must be a map");
    problem = read_room_id(draft, value, why);
    if (problem)
        return problem;
    read_created_at(draft, value);
    return put(draft, value, &place, &draft->message, why);
}

/* fromUser and room */
static int read_optional_map(struct draft *draft, struct event_value value, const char *key,
                             struct span *ret_span, struct error_text *why)
{
    const struct event_place place = {.key = bytes_of(key)};

    if (value.kind == EVENT_KIND_ABSENT || value.kind == EVENT_KIND_NULL)
        return EVENT_OK;
    if (value.kind != EVENT_KIND_MAP)
        return refuse(why, key, "must be a map or null");
    return put(draft, value, &place, ret_span, why);
}

static int read_inline_hooks(struct draft *draft, struct event_value list, struct error_text *why)
{
    const struct event_place top = {.key = BYTES("webhooks")};
    struct event_place place = {.up = &top};

    if (list.kind == EVENT_KIND_ABSENT)
        return EVENT_OK;
    if (list.kind != EVENT_KIND_LIST || list.len > EVENT_MAX_INLINE_HOOKS) {
        error_text_set(why, "webhooks: must be a list of at most %d hooks", EVENT_MAX_INLINE_HOOKS);
        return EVENT_BAD;
    }
    draft->event.has_inline_hooks = true;
    for (; place.index < list.len; place.index++) {
        struct event_value hook = draft->encoding->item(list, place.index);

        if (hook.kind != EVENT_KIND_MAP) {
            error_text_set(why, "webhooks[%zu]: must be a map", place.index);
            return EVENT_BAD;
        }
        if (put(draft, hook, &place, &draft->inline_hooks[place.index], why))
            return EVENT_BAD;
    }
    draft->event.inline_hooks_len = list.len;
    return EVENT_OK;
}

/* --- the whole document --- */

enum key {
    KEY_TYPE,
    KEY_HOPS,
    KEY_MESSAGE,
    KEY_FROM_USER,
    KEY_ROOM,
    KEY_WEBHOOKS,
    KEYS
};

static const char *const key_names[KEYS] = {
    [KEY_TYPE] = "type",          [KEY_HOPS] = "hops", [KEY_MESSAGE] = "message",
    [KEY_FROM_USER] = "fromUser", [KEY_ROOM] = "room", [KEY_WEBHOOKS] = "webhooks",
};

/* Other keys are left for producers newer than this worker. */
static int read_key(struct draft *draft, enum key key, struct event_value value,
                    struct error_text *why)
{
    if (value.kind == EVENT_KIND_TWICE)
        return refuse(why, key_names[key], "is given twice");
    switch (key) {
    case KEY_TYPE:
        return read_type(draft, value, why);
    case KEY_HOPS:
        return read_hops(draft, value, why);
    case KEY_MESSAGE:
        return read_message(draft, value, why);
    case KEY_FROM_USER:
        return read_optional_map(draft, value, "fromUser", &draft->from_user, why);
    case KEY_ROOM:
        return read_optional_map(draft, value, "room", &draft->room, why);
    default:
        return read_inline_hooks(draft, value, why);
    }
}

static int read_document(struct draft *draft, struct event_value root, struct error_text *why)
{
    if (root.kind != EVENT_KIND_MAP)
        return refuse(why, "the document", "must be a map");
    for (enum key key = 0; key < KEYS; key++) {
        struct event_value value = draft->encoding->find(root, bytes_of(key_names[key]));
        int problem = read_key(draft, key, value, why);

        if (problem)
            return problem;
    }
    if (draft->event.room_id.len == 0 && !draft->event.has_inline_hooks)
        return refuse(why, "message.roomId", "is missing, and no webhooks are given instead");
    return buffer_failed(&draft->event.text) ? out_of_memory(why) : EVENT_OK;
}

static struct bytes view_of(const struct draft *draft, struct span span)
{
    if (span.len == 0)
        return (struct bytes){NULL, 0};
    return (struct bytes){draft->event.text.data + span.start, span.len};
}

/* Turns the spans into views, now that the text stays where it is. */
static int finish(struct draft *draft, struct error_text *why)
{
    struct event *event = &draft->event;

    if (event->inline_hooks_len > 0) {
        event->inline_hooks = calloc(event->inline_hooks_len, sizeof(*event->inline_hooks));
        if (!event->inline_hooks)
            return out_of_memory(why);
    }
    for (size_t i = 0; i < event->inline_hooks_len; i++)
        event->inline_hooks[i] = view_of(draft, draft->inline_hooks[i]);
    event->type = draft->type.len > 0 ? view_of(draft, draft->type) : BYTES(EVENT_DEFAULT_TYPE);
    event->message = view_of(draft, draft->message);
    event->from_user = view_of(draft, draft->from_user);
    event->room = view_of(draft, draft->room);
    return EVENT_OK;
}

/* Reads an open tree; document_len bounds what it may become. */
static int read_tree(const struct event_encoding *encoding, struct event_value root,
                     size_t document_len, struct event *ret_event, struct error_text *why)
{
    struct draft draft = {.encoding = encoding};
    int problem;

    if (document_len > (SIZE_MAX - TEXT_EXTRA) / TEXT_GROWTH_MAX)
        return out_of_memory(why);
    buffer_init(&draft.event.text, document_len * TEXT_GROWTH_MAX + TEXT_EXTRA);
    buffer_reserve(&draft.event.text, document_len + document_len / 2);
    problem = read_document(&draft, root, why);
    if (!problem)
        problem = finish(&draft, why);
    if (problem)
        event_release(&draft.event);
    else
        *ret_event = draft.event;
    return problem;
}

int event_decode(enum rh_encoding encoding, struct bytes document, struct event *ret_event,
                 struct error_text *why)
{
    const struct event_encoding *functions =
        encoding == RH_MSGPACK ? &event_encoding_msgpack : &event_encoding_json;
    struct event_tree tree;
    int problem = functions->open(document, &tree, why);

    if (problem)
        return problem;
    problem = read_tree(functions, tree.root, document.len, ret_event, why);
    functions->close(&tree);
    return problem;
}

void event_release(struct event *event)
{
    if (event->has_inline_hooks)
        buffer_wipe(&event->text); /* their secrets */
    else
        buffer_release(&event->text);
    free(event->inline_hooks);
    *event = (struct event){0};
}

int event_json_to_msgpack(struct bytes json, struct buffer *out, struct error_text *why)
{
    struct event_tree tree;
    struct event event;
    int problem = event_encoding_json.open(json, &tree, why);

    if (problem)
        return problem;
    problem = read_tree(&event_encoding_json, tree.root, json.len, &event, why);
    if (!problem) {
        event_release(&event);
        event_tree_pack(tree.root, out);
        if (buffer_failed(out))
            problem = out_of_memory(why);
    }
    event_encoding_json.close(&tree);
    return problem;
}
