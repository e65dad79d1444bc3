/*
 * An answer of Redis as a tree. Every accessor is safe on any node, NULL too: what is not there is
 * empty.
 */
#ifndef REDIS_ANSWER_H
#define REDIS_ANSWER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "contract/bytes.h"

struct answer;

void answer_free(struct answer *answer); /* NULL allowed; the root of a tree */
bool answer_is_nil(const struct answer *answer);
bool answer_is_error(const struct answer *answer);
struct bytes answer_error(const struct answer *answer); /* its words */
struct bytes answer_text(const struct answer *answer);  /* of a string or status; NUL-terminated */
int64_t answer_int(const struct answer *answer);        /* of an integer or a string of digits */
size_t answer_len(const struct answer *answer);         /* of a list */
const struct answer *answer_at(const struct answer *answer, size_t index);

#endif
