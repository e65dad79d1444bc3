/*
 * The event in a dead letter, for people: as JSON text whatever it was stored as.
 */
#ifndef ADMIN_DEAD_DOCUMENT_H
#define ADMIN_DEAD_DOCUMENT_H

#include "admin/dead/scan.h"
#include "contract/bytes.h"

struct dead_document {
    const char *encoding; /* "json", "msgpack", or NULL: the letter has no document */
    struct bytes stored;  /* borrowed from the letter */
    struct buffer json;   /* the same as valid JSON; empty when it cannot be shown as JSON */
};

void dead_document_read(const struct dead_entry *entry, struct dead_document *ret_document);
void dead_document_release(struct dead_document *document);

#endif
