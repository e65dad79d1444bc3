#include "contract/event_codec.h"

#include <stdlib.h>

#include "contract/event_parts.h"
#include "contract/event_room.h"
#include "contract/json_scan.h"
#include "contract/json_string.h"
#include "contract/parse.h"

#define CREATED_AT_MAX INT64_C(253402300799999) /* 9999-12-31T23:59:59.999Z, RFC 3339's last */

/* The worst that can become of a byte as JSON is six: \u001f, or "false," from msgpack. */
#define TEXT_GROWTH_MAX 6
#define TEXT_EXTRA 1024

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

/* --- one reader for each part of the document --- */

static int read_type(struct bytes value, struct event *event, struct error_text *why)
{
    struct bytes type = {NULL, 0};

    if (value.len == 0) {
        event->type = BYTES(EVENT_DEFAULT_TYPE);
        return EVENT_OK;
    }
    if (json_kind_of(value) == JSON_KIND_STRING) {
        type = (struct bytes){value.data + 1, value.len - 2}; /* without its quotes */
        /* In its place: nothing else reads it. */
        type.len = json_string_unescape(type, event->text.data + (type.data - event->text.data));
    }
    if (!parse_is_event_type(type))
        return refuse(why, "type", "must be a string of 1..128 of A-Z a-z 0-9 _ .");
    event->type = type;
    return EVENT_OK;
}

static int read_hops(struct bytes value, struct event *event, struct error_text *why)
{
    int64_t hops = 0;

    if (value.len > 0 && parse_int64(value, 0, EVENT_HOPS_MAX, &hops)) {
        error_text_set(why, "hops: must be an integer from 0 to %d", EVENT_HOPS_MAX);
        return EVENT_BAD;
    }
    event->hops = (int)hops;
    return EVENT_OK;
}

static int read_room_id(struct bytes value, struct event *event, struct error_text *why)
{
    if (value.len == 0)
        return EVENT_OK;
    if (room_id_of_json(value, &event->room_id))
        return refuse(why, "message.roomId", "must be " ROOM_ID_ALLOWED);
    return EVENT_OK;
}

static int read_message(struct bytes value, struct event *event, struct error_text *why)
{
    if (value.len == 0)
        return refuse(why, "message", "is missing");
    if (json_kind_of(value) != JSON_KIND_MAP)
        return refuse(why, "message", "must be a map");
    event->message = value;
    return EVENT_OK;
}

/* fromUser and room */
static int read_optional_map(struct bytes value, const char *key, struct bytes *ret,
                             struct error_text *why)
{
    enum json_kind kind = json_kind_of(value);

    if (kind == JSON_KIND_NONE || kind == JSON_KIND_NULL)
        return EVENT_OK;
    if (kind != JSON_KIND_MAP)
        return refuse(why, key, "must be a map or null");
    *ret = value;
    return EVENT_OK;
}

static int read_inline_hooks(const struct event_parts *parts, struct event *event,
                             struct error_text *why)
{
    struct bytes list = event_part(parts, parts->of[EVENT_KEY_WEBHOOKS]);

    if (list.len == 0)
        return EVENT_OK;
    if (json_kind_of(list) != JSON_KIND_LIST || parts->hooks_len > EVENT_MAX_INLINE_HOOKS) {
        error_text_set(why, "webhooks: must be a list of at most %d hooks", EVENT_MAX_INLINE_HOOKS);
        return EVENT_BAD;
    }
    event->has_inline_hooks = true;
    if (parts->hooks_len == 0)
        return EVENT_OK;
    event->inline_hooks = calloc(parts->hooks_len, sizeof(*event->inline_hooks));
    if (!event->inline_hooks)
        return out_of_memory(why);
    event->inline_hooks_len = parts->hooks_len;
    for (size_t i = 0; i < parts->hooks_len; i++) {
        event->inline_hooks[i] = event_part(parts, parts->hooks[i]);
        if (json_kind_of(event->inline_hooks[i]) != JSON_KIND_MAP) {
            error_text_set(why, "webhooks[%zu]: must be a map", i);
            return EVENT_BAD;
        }
    }
    return EVENT_OK;
}

/* What cannot be used is no error: createdAt is only a help for the timestamp of "standard". */
static void read_created_at(const struct event_parts *parts, struct event *event)
{
    struct bytes value = event_part(parts, parts->of[EVENT_KEY_CREATED_AT]);

    event->has_created_at = !parts->twice[EVENT_KEY_CREATED_AT] &&
                            parse_int64(value, 0, CREATED_AT_MAX, &event->created_at_ms) == 0;
}

/* Other keys are left for producers newer than this worker. */
static int read_part(const struct event_parts *parts, enum event_key key, struct event *event,
                     struct error_text *why)
{
    struct bytes value = event_part(parts, parts->of[key]);

    if (parts->twice[key] && key != EVENT_KEY_CREATED_AT)
        return refuse(why, event_key_name(key), "is given twice");
    switch (key) {
    case EVENT_KEY_TYPE:
        return read_type(value, event, why);
    case EVENT_KEY_HOPS:
        return read_hops(value, event, why);
    case EVENT_KEY_MESSAGE:
        return read_message(value, event, why);
    case EVENT_KEY_FROM_USER:
        return read_optional_map(value, "fromUser", &event->from_user, why);
    case EVENT_KEY_ROOM:
        return read_optional_map(value, "room", &event->room, why);
    case EVENT_KEY_WEBHOOKS:
        return read_inline_hooks(parts, event, why);
    case EVENT_KEY_ROOM_ID:
        return read_room_id(value, event, why);
    default:
        read_created_at(parts, event);
        return EVENT_OK;
    }
}

/* --- the whole document --- */

/* event already owns the text. */
static int read_parts(const struct event_parts *parts, struct event *event, struct error_text *why)
{
    if (!parts->is_map)
        return refuse(why, "the document", "must be a map");
    for (enum event_key key = 0; key < EVENT_KEYS; key++) {
        int problem = read_part(parts, key, event, why);

        if (problem)
            return problem;
    }
    if (event->room_id.len == 0 && !event->has_inline_hooks)
        return refuse(why, "message.roomId", "is missing, and no webhooks are given instead");
    return EVENT_OK;
}

static int read_encoding(enum rh_encoding encoding, struct bytes document,
                         struct event_parts *parts, struct error_text *why)
{
    int problem;

    if (document.len > (SIZE_MAX - TEXT_EXTRA) / TEXT_GROWTH_MAX)
        return out_of_memory(why);
    buffer_init(&parts->text, document.len * TEXT_GROWTH_MAX + TEXT_EXTRA);
    problem = encoding == RH_MSGPACK ? event_read_msgpack(document, parts, why)
                                     : event_read_json(document, parts, why);
    if (!problem && buffer_failed(&parts->text))
        problem = out_of_memory(why);
    return problem;
}

int event_decode(enum rh_encoding encoding, struct bytes document, struct event *ret_event,
                 struct error_text *why)
{
    struct event_parts parts;
    struct event event = {0};
    int problem;

    event_parts_init(&parts);
    problem = read_encoding(encoding, document, &parts, why);
    event.text = parts.text;
    if (!problem)
        problem = read_parts(&parts, &event, why);
    if (!problem) {
        *ret_event = event;
        return EVENT_OK;
    }
    if (problem == EVENT_BAD)
        (void)event_find_room(encoding, document, &ret_event->room_id);
    event.has_inline_hooks = true; /* perhaps: to be wiped */
    event_release(&event);
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
