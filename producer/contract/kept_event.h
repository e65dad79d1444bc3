/*
 * A delivered event as {Q}:delivered-documents keeps it: "<encoding> <event id> <traceparent>", a
 * newline, and the document, byte for byte. Without a traceparent there is "-". Pure.
 *
 * `roomhook resend` makes of it an entry of the stream with a field RESENT_FIELD, which is not kept
 * once more when it is delivered.
 */
#ifndef CONTRACT_KEPT_EVENT_H
#define CONTRACT_KEPT_EVENT_H

#include <roomhook/event.h>

#include "contract/bytes.h"

#define RESENT_FIELD "resent"
#define RESENT_VALUE "1"

struct kept_event {
    enum rh_encoding encoding;
    const char *event_id;
    const char *traceparent; /* "" for none */
    struct bytes document;
};

void kept_event_encode(const struct kept_event *event, struct buffer *out);

#endif
