/*
 * JSON as the commands print it: one object a line, or indented for people. Code points a terminal
 * may obey (C0, DEL, C1, changes of writing direction) are escaped, so that text of strangers is
 * harmless.
 */
#ifndef CLI_TERMINAL_JSON_OUTPUT_H
#define CLI_TERMINAL_JSON_OUTPUT_H

#include <stdbool.h>
#include <stdint.h>

#include "contract/bytes.h"
#include "contract/room.h"

/* One JSON object, written member by member into buffer. Text may be anything. */
void object_begin(struct buffer *out);
void object_put_text(struct buffer *out, const char *name, struct bytes text);
void object_put_int(struct buffer *out, const char *name, int64_t value);
void object_put_room(struct buffer *out, const char *name, const struct room_id *room);
void object_put_bool(struct buffer *out, const char *name, bool value);
void object_put_json(struct buffer *out, const char *name, struct bytes json); /* a valid value */
int object_print(struct buffer *out); /* ends, prints as a line, clears. 0 or -1: out of memory */

/* Prints valid JSON, indented and with indent spaces before each line, and ends the line. */
void print_pretty_json(struct bytes json, int indent);

/* Prints a line of any text: as it is when it is printable ASCII, else as a JSON string. */
void print_value(struct bytes text);

#endif
