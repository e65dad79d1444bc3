#include "contract/kept_event.h"

void kept_event_encode(const struct kept_event *event, struct buffer *out)
{
    buffer_append_text(out, event->encoding == RH_MSGPACK ? "msgpack " : "json ");
    buffer_append_text(out, event->event_id);
    buffer_append_char(out, ' ');
    buffer_append_text(out, event->traceparent[0] != '\0' ? event->traceparent : "-");
    buffer_append_char(out, '\n');
    buffer_append_bytes(out, event->document);
}
