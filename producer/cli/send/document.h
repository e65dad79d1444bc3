/*
 * The event document of a message given by flags. Pure.
 */
#ifndef CLI_SEND_DOCUMENT_H
#define CLI_SEND_DOCUMENT_H

#include <stdint.h>

#include "contract/bytes.h"
#include "contract/room.h"

struct document {
    struct room_id room;
    const char *text; /* UTF-8 */
    const char *from; /* the sender's display name, UTF-8; NULL for none */
    int64_t created_at_ms;
};

/* Appends it as JSON. 0, or -1 with *why. */
int document_write(const struct document *document, struct buffer *out, struct error_text *why);

#endif
