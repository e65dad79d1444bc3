#include "admin/dead/document.h"

#include "contract/event_codec.h"
#include "contract/json_object.h"
#include "contract/json_scan.h"

#define JSON_LEVELS 2048
#define JSON_MAX ((size_t)64 << 20) /* a stored document is smaller; msgpack grows when spelt out */

static void put_hooks(struct buffer *out, const struct event *event)
{
    struct buffer list;

    buffer_init(&list, JSON_MAX);
    buffer_append_char(&list, '[');
    for (size_t i = 0; i < event->inline_hooks_len; i++) {
        if (i > 0)
            buffer_append_char(&list, ',');
        buffer_append_bytes(&list, event->inline_hooks[i]);
    }
    buffer_append_char(&list, ']');
    object_put_json(out, "webhooks", buffer_bytes(&list));
    buffer_release(&list);
}

static void read_msgpack(struct dead_document *document)
{
    struct buffer *out = &document->json;
    struct error_text why;
    struct event event;

    if (event_decode(RH_MSGPACK, document->stored, &event, &why) != EVENT_OK)
        return;
    object_begin(out);
    object_put_text(out, "type", event.type);
    object_put_json(out, "message", event.message);
    if (event.from_user.len > 0)
        object_put_json(out, "fromUser", event.from_user);
    if (event.room.len > 0)
        object_put_json(out, "room", event.room);
    if (event.has_inline_hooks)
        put_hooks(out, &event);
    buffer_append_char(out, '}');
    event_release(&event);
}

void dead_document_read(const struct dead_entry *entry, struct dead_document *ret_document)
{
    struct bytes json = dead_field(entry, "json");
    struct bytes msgpack = dead_field(entry, "msgpack");

    *ret_document = (struct dead_document){0};
    buffer_init(&ret_document->json, JSON_MAX);
    if (msgpack.data) {
        ret_document->encoding = "msgpack";
        ret_document->stored = msgpack;
        read_msgpack(ret_document);
    } else if (json.data) {
        ret_document->encoding = "json";
        ret_document->stored = json;
        (void)json_compact(json, JSON_LEVELS, &ret_document->json); /* also what is no event */
    }
    if (buffer_failed(&ret_document->json))
        buffer_clear(&ret_document->json);
}

void dead_document_release(struct dead_document *document)
{
    buffer_release(&document->json);
}
