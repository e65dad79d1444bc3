#include "queue/stream_entry.h"

#include "contract/kept_event.h"
#include "contract/test_event.h"

void stream_entry_read(struct stream_entry *entry, const struct reply *fields)
{
    const struct {
        const char *name;
        struct bytes *value;
    } known[] = {
        {"json", &entry->json},
        {"msgpack", &entry->msgpack},
        {"id", &entry->event_id},
        {"hook", &entry->hook},
        {"traceparent", &entry->traceparent},
        {TEST_EVENT_FIELD, &entry->test},
        {RESENT_FIELD, &entry->resent},
    };
    for (size_t i = 0; i + 1 < reply_len(fields); i += 2) {
        for (size_t k = 0; k < sizeof(known) / sizeof(known[0]); k++) {
            struct bytes value = reply_text(reply_at(fields, i + 1));
            if (bytes_equal_text(reply_text(reply_at(fields, i)), known[k].name))
                *known[k].value = value.data == NULL ? BYTES("") : value;
        }
    }
}
