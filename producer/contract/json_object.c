#include "contract/json_object.h"

#include "contract/json_text.h"

static void put_name(struct buffer *out, const char *name)
{
    if (out->len > 0 && out->data[out->len - 1] != '{')
        buffer_append_char(out, ',');
    json_put_string(out, bytes_of(name));
    buffer_append_char(out, ':');
}

void object_begin(struct buffer *out)
{
    buffer_append_char(out, '{');
}

void object_put_text(struct buffer *out, const char *name, struct bytes text)
{
    put_name(out, name);
    json_put_untrusted(out, text);
}

void object_put_int(struct buffer *out, const char *name, int64_t value)
{
    put_name(out, name);
    buffer_append_int64(out, value);
}

void object_put_room(struct buffer *out, const char *name, const struct room_id *room)
{
    put_name(out, name);
    room_id_put_json(out, room);
}

void object_put_bool(struct buffer *out, const char *name, bool value)
{
    put_name(out, name);
    buffer_append_text(out, value ? "true" : "false");
}

void object_put_json(struct buffer *out, const char *name, struct bytes json)
{
    put_name(out, name);
    buffer_append_bytes(out, json);
}

void object_end(struct buffer *out)
{
    buffer_append_char(out, '}');
}
