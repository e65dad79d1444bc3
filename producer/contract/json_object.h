/*
 * One JSON object, written member by member into a buffer. Text may be anything.
 */
#ifndef CONTRACT_JSON_OBJECT_H
#define CONTRACT_JSON_OBJECT_H

#include <stdbool.h>
#include <stdint.h>

#include "contract/bytes.h"
#include "contract/room.h"

void object_begin(struct buffer *out);
void object_put_text(struct buffer *out, const char *name, struct bytes text);
void object_put_int(struct buffer *out, const char *name, int64_t value);
void object_put_room(struct buffer *out, const char *name, const struct room_id *room);
void object_put_bool(struct buffer *out, const char *name, bool value);
void object_put_json(struct buffer *out, const char *name, struct bytes json); /* a valid value */
void object_end(struct buffer *out);

#endif
