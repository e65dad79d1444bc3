#include "admin/log/json.h"

#include <string.h>

#include "contract/json_object.h"

const char *log_entry_hook(const struct log_entry *entry)
{
    return strchr(entry->lane, '/') + 1; /* every lane has one */
}

void log_entry_put_json(struct buffer *out, const struct room_id *room,
                        const struct log_entry *entry)
{
    object_put_int(out, "at_ms", entry->at_ms);
    object_put_room(out, "room", room);
    object_put_text(out, "hook", bytes_of(log_entry_hook(entry)));
    object_put_text(out, "event", entry->event_id);
    object_put_text(out, "outcome", entry->outcome);
    object_put_text(out, "reason", entry->reason);
    object_put_int(out, "attempt", entry->attempt);
    object_put_int(out, "status", entry->status);
    object_put_int(out, "ms", entry->took_ms);
    object_put_text(out, "error", entry->error);
    object_put_text(out, "answer", entry->answer);
}
