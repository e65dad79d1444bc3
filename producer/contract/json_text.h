/*
 * Writes JSON text (RFC 8259) piece by piece into a buffer, in the compact form JavaScript's
 * JSON.stringify gives: no spaces, only what must be escaped is escaped, UTF-8 kept as it is,
 * doubles in the shortest form that reads back to the same value: 0.1, 1e+21, 5e-324. One thing
 * differs: a whole double keeps its ".0" (1.0, -0.0), so that a real stays a real for readers that
 * distinguish them; an event in msgpack writes it as an integer itself, for its producer meant one.
 * The decimal point is '.', whatever the locale.
 */
#ifndef CONTRACT_JSON_TEXT_H
#define CONTRACT_JSON_TEXT_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "contract/bytes.h"

void json_put_string(struct buffer *out, struct bytes text); /* quoted; text must be valid UTF-8 */

/* The same for text that may be anything, if all of it is plain (json_plain.h), as nearly all is.
 * False, and nothing is appended, if not. */
bool json_put_plain(struct buffer *out, struct bytes text);

void json_put_inside(struct buffer *out, struct bytes text); /* the same without the quotes */
void json_put_real(struct buffer *out, double value);        /* value must be finite */

/* A whole jansson value, at most max_depth levels of maps and lists. -1 when deeper: out is then
 * cut short somewhere inside. */
int json_put_value(struct buffer *out, json_t *value, int max_depth);

/* The same for text of unknown origin: bytes that are not UTF-8 are written as U+FFFD. */
void json_put_untrusted(struct buffer *out, struct bytes text);

#endif
