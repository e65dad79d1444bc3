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
#include "contract/json_object.h"

/* Ends an object (contract/json_object.h), prints it as a line, clears the buffer. 0 or -1: out of
 * memory. */
int object_print(struct buffer *out);
int object_print_whole(struct buffer *out); /* the same for one that is ended */

/* Prints valid JSON, indented and with indent spaces before each line, and ends the line; all but
 * ASCII is escaped where the locale is not UTF-8. */
void print_pretty_json(struct bytes json, int indent);

/* Prints a line of any text: as it is when all of it can be shown (terminal/text.h), else as a JSON
 * string, in which all but ASCII is escaped where the locale is not UTF-8. */
void print_value(struct bytes text);

/* The same from a column on; on a terminal what is no JSON string is broken at spaces. */
void print_wrapped_value(size_t column, struct bytes text);

#endif
