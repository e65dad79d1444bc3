/*
 * Any bytes as an event document; the first one picks the encoding. What is accepted must come out
 * as JSON that is an event itself and says the same, in both encodings; what is refused must say
 * why.
 */
#include "fuzz.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "contract/event_codec.h"

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

/* Only msgpack can say it: integers past int64_t, and the same key twice. */
static bool is_beyond_json(struct bytes json)
{
    json_error_t error;
    json_t *value =
        json_loadb(json.data, json.len, JSON_ALLOW_NUL | JSON_REJECT_DUPLICATES, &error);
    enum json_error_code code = json_error_code(&error);

    json_decref(value);
    return !value && (code == json_error_numeric_overflow || code == json_error_duplicate_key);
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

static void must_decode_to(enum rh_encoding encoding, struct bytes document,
                           const struct event *expected)
{
    struct event event;
    struct error_text why;

    must(event_decode(encoding, document, &event, &why) == EVENT_OK);
    must_be_same(&event, expected);
    event_release(&event);
}

/* In msgpack a whole number is an integer, 1.0 too: from there on nothing changes any more. */
static void check_packed(struct bytes packed, const struct event *unpacked)
{
    struct buffer json;
    struct buffer again;
    struct event event;
    struct error_text why;

    buffer_init(&json, SIZE_MAX / 2);
    buffer_init(&again, SIZE_MAX / 2);
    must(event_decode(RH_MSGPACK, packed, &event, &why) == EVENT_OK);
    must(room_id_equal(&event.room_id, &unpacked->room_id));
    must(event.hops == unpacked->hops && bytes_equal(event.type, unpacked->type));
    must(event.inline_hooks_len == unpacked->inline_hooks_len);
    put_document(&json, &event);
    must_decode_to(RH_JSON, buffer_bytes(&json), &event);
    must(event_json_to_msgpack(buffer_bytes(&json), &again, &why) == EVENT_OK);
    must_decode_to(RH_MSGPACK, buffer_bytes(&again), &event);
    event_release(&event);
    buffer_release(&json);
    buffer_release(&again);
}

static void check_accepted(const struct event *event)
{
    struct buffer json;
    struct buffer packed;
    struct error_text why;

    buffer_init(&json, SIZE_MAX / 2);
    buffer_init(&packed, SIZE_MAX / 2);
    put_document(&json, event);
    if (!is_beyond_json(buffer_bytes(&json))) {
        must_decode_to(RH_JSON, buffer_bytes(&json), event);
        must(event_json_to_msgpack(buffer_bytes(&json), &packed, &why) == EVENT_OK);
        check_packed(buffer_bytes(&packed), event);
    }
    buffer_release(&json);
    buffer_release(&packed);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct error_text why = {""};
    struct event event;
    int problem;

    if (size == 0)
        return 0;
    problem = event_decode(data[0] & 1 ? RH_MSGPACK : RH_JSON,
                           (struct bytes){(const char *)data + 1, size - 1}, &event, &why);
    if (problem) {
        must(problem == EVENT_BAD);
        must(why.text[0] != '\0' && bytes_is_utf8(bytes_of(why.text)));
        return 0;
    }
    check_accepted(&event);
    event_release(&event);
    return 0;
}
