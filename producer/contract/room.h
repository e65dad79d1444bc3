/*
 * The id of a room, message.roomId: an integer from -2^63 to 2^64-1, or a string of 1 to
 * ROOM_ID_MAX of A-Z a-z 0-9 . _ : ! @ # $ + = ~ -, but neither "." nor "..".
 *
 * A room is its text, in keys, lanes, records, dead letters, logs and on the command line. An
 * integer's text is decimal, without zeros in front and without a sign on 0: so 438 and "438" are
 * the same room, and so are -0 and 0. A string is taken as it is: "007", "-0" and "1e3" are other
 * rooms than 7, 0 and 1000.
 *
 * The characters are chosen so that a text with a room in it can be cut: '/' ends a room in a lane,
 * ' ' in dead-by-room. None is special in a glob or a hash tag of Redis, or is escaped in JSON.
 *
 * Pure.
 */
#ifndef CONTRACT_ROOM_H
#define CONTRACT_ROOM_H

#include <roomhook/event.h>
#include <stdbool.h>
#include <stdint.h>

#include "contract/bytes.h"

#define ROOM_ID_MAX RH_ROOM_MAX
#define ROOM_ID_ALLOWED                                                                            \
    "an integer from -2^63 to 2^64-1 or a string of 1..128 of A-Z a-z 0-9 . _ : ! @ # $ + = ~ -, " \
    "not . or .."

struct room_id {
    uint8_t len; /* 0: there is none */
    char text[ROOM_ID_MAX + 1];
};

/* Each returns 0, or -1 with *ret untouched: it is no room. */

/* The text of a string: also of a lane, a dead letter or the command line. */
int room_id_of_text(struct bytes text, struct room_id *ret);

/* A JSON value as it stands in the document: 438, -0, "C024BE91L", "\u0043024BE91L". Of a number
 * with a fraction or exponent, or any other kind of value, -1. Valid JSON or not: it reads no
 * further than the value's length. */
int room_id_of_json(struct bytes value, struct room_id *ret);

void room_id_of_int64(int64_t value, struct room_id *ret);

struct bytes room_id_bytes(const struct room_id *room); /* borrowed */
bool room_id_equal(const struct room_id *one, const struct room_id *other);

/* For lists: integers in their order, then the others in that of their bytes. Below, at or above 0
 * as strcmp. To hash one, hash text up to len. */
int room_id_compare(const struct room_id *one, const struct room_id *other);

/* Appends it as JSON: as a number if it is an integer of at most 2^53, which every reader of JSON
 * takes as it is, else as a string. */
void room_id_put_json(struct buffer *out, const struct room_id *room);

#endif
