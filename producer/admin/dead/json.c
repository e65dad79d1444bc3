#include "admin/dead/json.h"

#include <jansson.h>

#include "contract/json_object.h"
#include "contract/parse.h"

int64_t dead_died_ms(const struct dead_entry *entry)
{
    uint64_t ms;
    uint64_t seq;

    return parse_stream_id(entry->id, &ms, &seq) < 0 || ms > INT64_MAX ? 0 : (int64_t)ms;
}

const char *dead_since(const struct dead_entry *entry, char *out, size_t size)
{
    int64_t ms = dead_died_ms(entry);

    return ms > 0 ? format_iso8601(ms, out, size) : "";
}

/* The answer's body is stored as it stands inside a JSON string. False: it is not. */
static bool put_escaped(struct buffer *line, const char *key, struct bytes inside)
{
    struct buffer quoted;
    json_t *json = NULL;

    buffer_init(&quoted, inside.len + 2);
    buffer_append_char(&quoted, '"');
    buffer_append_bytes(&quoted, inside);
    buffer_append_char(&quoted, '"');
    if (!buffer_failed(&quoted))
        json = json_loadb(quoted.data, quoted.len, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
    if (json)
        object_put_json(line, key, buffer_bytes(&quoted));
    json_decref(json);
    buffer_release(&quoted);
    return json != NULL;
}

bool dead_is_document(struct bytes name)
{
    return bytes_equal_text(name, "json") || bytes_equal_text(name, "msgpack");
}

static bool is_number(struct bytes name)
{
    return bytes_equal_text(name, "status") || bytes_equal_text(name, "attempts");
}

void dead_put_json(struct buffer *line, const struct dead_entry *entry)
{
    char since[32];

    object_put_text(line, "id", entry->id);
    object_put_text(line, "dead_since", bytes_of(dead_since(entry, since, sizeof(since))));
    for (size_t i = 0; i + 1 < reply_len(entry->fields); i += 2) {
        struct bytes name = reply_text(reply_at(entry->fields, i));
        struct bytes value = reply_text(reply_at(entry->fields, i + 1));
        char key[64];
        struct room_id room;
        int64_t number;
        if (dead_is_document(name) || !bytes_is_utf8(name) ||
            !bytes_copy_text(name, key, sizeof(key)))
            continue;
        if (is_number(name) && parse_int64(value, INT64_MIN, INT64_MAX, &number) == 0)
            object_put_int(line, key, number);
        else if (bytes_equal_text(name, "room") && room_id_of_text(value, &room) == 0)
            object_put_room(line, key, &room);
        else if (!bytes_equal_text(name, "response") || !put_escaped(line, key, value))
            object_put_text(line, key, value);
    }
}

void dead_document_put_json(struct buffer *line, const struct dead_document *document)
{
    if (document->encoding)
        object_put_text(line, "encoding", bytes_of(document->encoding));
    if (document->json.len > 0)
        object_put_json(line, "document", buffer_bytes(&document->json));
    else if (document->encoding)
        object_put_text(line, "document_text", document->stored);
}
