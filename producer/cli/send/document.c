#include "cli/send/document.h"

#include <stddef.h>

#include "contract/json_text.h"

int document_write(const struct document *document, struct buffer *out, struct error_text *why)
{
    if (!bytes_is_utf8(bytes_of(document->text)) || !bytes_is_utf8(bytes_of(document->from))) {
        error_text_set(why, "the text is not UTF-8");
        return -1;
    }
    buffer_append_text(out, "{\"message\":{\"roomId\":");
    room_id_put_json(out, &document->room);
    buffer_append_text(out, ",\"type\":\"text\",\"body\":{\"text\":");
    json_put_string(out, bytes_of(document->text));
    buffer_append_text(out, "},\"createdAt\":");
    buffer_append_int64(out, document->created_at_ms);
    buffer_append_text(out, "}");
    if (document->from) {
        buffer_append_text(out, ",\"fromUser\":{\"displayName\":");
        json_put_string(out, bytes_of(document->from));
        buffer_append_text(out, "}");
    }
    buffer_append_text(out, "}");
    if (buffer_failed(out)) {
        error_text_set(why, "the text is too long");
        return -1;
    }
    return 0;
}
