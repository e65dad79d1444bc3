/*
 * A dead letter as JSON.
 */
#ifndef ADMIN_DEAD_JSON_H
#define ADMIN_DEAD_JSON_H

#include "admin/dead/document.h"

/* When it died, which its id says; 0 when it has none. */
int64_t dead_died_ms(const struct dead_entry *entry);

/* The same in ISO 8601, "" when it is not known. */
const char *dead_since(const struct dead_entry *entry, char *out, size_t size);

bool dead_is_document(struct bytes name); /* is a field of that name the document? */

/* All fields but the document, as an object's members. */
void dead_put_json(struct buffer *line, const struct dead_entry *entry);

/* The document, as members. */
void dead_document_put_json(struct buffer *line, const struct dead_document *document);

#endif
