/*
 * Any bytes as an event document; the first one picks the encoding. What is accepted must come out
 * as JSON that is an event itself and says the same, to the letter; and as msgpack, unless that
 * cannot carry it. What is refused must say why. The room must be found piece by piece too.
 */
#include "fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "contract/event_codec.h"
#include "contract/event_room.h"

static void must(bool truth)
{
    if (!truth)
        abort();
}

static void put_part(struct buffer *json, const char *key, struct bytes part)
{
    if (part.len > 0)
        buffer_append_format(json, ",\"%s\":%.*s", key, (int)part.len, part.data);
}

static void put_document(struct buffer *json, const struct event *event)
{
    buffer_append_format(json, "{\"type\":\"%.*s\"", (int)event->type.len, event->type.data);
    buffer_append_format(json, ",\"hops\":%d", event->hops);
    put_part(json, "message", event->message);
    put_part(json, "fromUser", event->from_user);
    put_part(json, "room", event->room);
    if (event->has_inline_hooks) {
        buffer_append_text(json, ",\"webhooks\":[");
        for (size_t i = 0; i < event->inline_hooks_len; i++) {
            if (i > 0)
                buffer_append_char(json, ',');
            buffer_append_bytes(json, event->inline_hooks[i]);
        }
        buffer_append_char(json, ']');
    }
    buffer_append_char(json, '}');
    must(!buffer_failed(json));
}

static void must_be_same(const struct event *a, const struct event *b)
{
    must(room_id_equal(&a->room_id, &b->room_id));
    must(a->has_created_at == b->has_created_at && a->created_at_ms == b->created_at_ms);
    must(a->hops == b->hops && a->hops >= 0 && a->hops <= EVENT_HOPS_MAX);
    must(bytes_equal(a->type, b->type));
    must(bytes_equal(a->message, b->message));
    must(bytes_equal(a->from_user, b->from_user));
    must(bytes_equal(a->room, b->room));
    must(a->has_inline_hooks == b->has_inline_hooks && a->inline_hooks_len == b->inline_hooks_len);
    for (size_t i = 0; i < a->inline_hooks_len; i++)
        must(bytes_equal(a->inline_hooks[i], b->inline_hooks[i]));
}

/* Packed by jansson and msgpack-c, which round real numbers: its parts may be spelt otherwise. */
static void check_packed(struct bytes json, const struct event *expected)
{
    struct buffer packed;
    struct error_text why;
    struct event event;

    buffer_init(&packed, SIZE_MAX / 2);
    if (event_json_to_msgpack(json, &packed, &why) == EVENT_OK) {
        must(event_decode(RH_MSGPACK, buffer_bytes(&packed), &event, &why) == EVENT_OK);
        must(room_id_equal(&event.room_id, &expected->room_id));
        must(event.hops == expected->hops && bytes_equal(event.type, expected->type));
        must(event.inline_hooks_len == expected->inline_hooks_len);
        event_release(&event);
    }
    buffer_release(&packed);
}

static void check_accepted(const struct event *event)
{
    struct buffer json;
    struct event again;
    struct error_text why;

    buffer_init(&json, SIZE_MAX / 2);
    put_document(&json, event);
    must(event_decode(RH_JSON, buffer_bytes(&json), &again, &why) == EVENT_OK);
    must_be_same(&again, event);
    event_release(&again);
    check_packed(buffer_bytes(&json), event);
    buffer_release(&json);
}

/* Whether it is found in the whole or piece by piece, it is the same room. */
static void check_room(enum rh_encoding encoding, struct bytes document, const struct event *event)
{
    struct room_id room = {.len = 0};

    (void)event_find_room(encoding, document, &room);
    must(room_id_equal(&room, &event->room_id));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct error_text why = {""};
    struct event event = {.inline_hooks_len = 0};
    int problem;

    if (size == 0)
        return 0;
    problem = event_decode(data[0] & 1 ? RH_MSGPACK : RH_JSON,
                           (struct bytes){(const char *)data + 1, size - 1}, &event, &why);
    if (problem) {
        must(problem == EVENT_BAD);
        must(why.text[0] != '\0' && bytes_is_utf8(bytes_of(why.text)));
        must(event.room_id.len == 0 ||
             room_id_of_text(room_id_bytes(&event.room_id), &event.room_id) == 0);
        return 0;
    }
    check_room(data[0] & 1 ? RH_MSGPACK : RH_JSON, (struct bytes){(const char *)data + 1, size - 1},
               &event);
    check_accepted(&event);
    event_release(&event);
    return 0;
}
