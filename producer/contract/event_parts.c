#include "contract/event_parts.h"

static const struct {
    struct bytes name;
    const char *path;
} keys[EVENT_KEYS] = {
    [EVENT_KEY_TYPE] = {BYTES("type"), "type"},
    [EVENT_KEY_HOPS] = {BYTES("hops"), "hops"},
    [EVENT_KEY_MESSAGE] = {BYTES("message"), "message"},
    [EVENT_KEY_FROM_USER] = {BYTES("fromUser"), "fromUser"},
    [EVENT_KEY_ROOM] = {BYTES("room"), "room"},
    [EVENT_KEY_WEBHOOKS] = {BYTES("webhooks"), "webhooks"},
    [EVENT_KEY_ROOM_ID] = {BYTES("roomId"), "message.roomId"},
    [EVENT_KEY_CREATED_AT] = {BYTES("createdAt"), "message.createdAt"},
};

void event_parts_init(struct event_parts *parts)
{
    *parts = (struct event_parts){.is_map = false};
}

enum event_key event_key_of(struct bytes name, bool in_message)
{
    enum event_key key = in_message ? EVENT_ROOT_KEYS : 0;
    enum event_key end = in_message ? EVENT_KEYS : EVENT_ROOT_KEYS;

    for (; key < end; key++) {
        if (name.len == keys[key].name.len && bytes_equal(name, keys[key].name))
            return key;
    }
    return EVENT_KEYS;
}

const char *event_key_name(enum event_key key)
{
    return key < EVENT_KEYS ? keys[key].path : NULL;
}

void event_parts_note(struct event_parts *parts, enum event_key key, size_t start)
{
    if (parts->of[key].len > 0)
        parts->twice[key] = true;
    parts->of[key] = (struct event_span){start, parts->text.len - start};
}

struct bytes event_part(const struct event_parts *parts, struct event_span span)
{
    if (span.len == 0)
        return (struct bytes){NULL, 0};
    return (struct bytes){parts->text.data + span.start, span.len};
}
