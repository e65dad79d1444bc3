/*
 * A reply of Redis as a tree to walk, the same for both clients. Every accessor is safe on any
 * node, also NULL and nodes of another type: what is not there is empty, zero or NULL, so that a
 * walker cannot be led astray by a surprise.
 *
 * Those of the blocking client are the caller's, for reply_free. Those of a link are borrowed:
 * valid during the callback they are given to.
 */
#ifndef REDIS_REPLY_H
#define REDIS_REPLY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "contract/bytes.h"

struct reply;

void reply_free(struct reply *reply); /* the root of a tree; NULL allowed */

bool reply_is_error(const struct reply *reply);
struct bytes reply_error_text(const struct reply *reply); /* "" when it is no error */

bool reply_is_nil(const struct reply *reply); /* nil, or no such node */
bool reply_is_list(const struct reply *reply);
bool reply_is_text(const struct reply *reply);      /* a string or a status */
struct bytes reply_text(const struct reply *reply); /* NUL-terminated */
int64_t reply_int(const struct reply *reply);       /* of an integer, or a string of digits */
size_t reply_len(const struct reply *reply);        /* of a list */
const struct reply *reply_at(const struct reply *reply, size_t index);

/* Of a list of names and values in turn: the value of a name; NULL when it is not there. */
const struct reply *reply_value(const struct reply *reply, const char *name);

#endif
