/*
 * Answers that are lists: {"data":[…],"iterator":…,"done":…}. With the iterator the next request
 * goes on where this one ended.
 */
#ifndef WEB_API_LIST_H
#define WEB_API_LIST_H

#include "contract/json_object.h"
#include "web/answer.h"

#define LIST_BYTES_MAX ((size_t)150 << 10)

/* So long that the rest comes with the next page, whatever the limit is. */
bool list_is_full(const struct answer *answer);

void list_begin(struct answer *answer);
void list_next(struct answer *answer); /* before each item */

/* iterator is NULL when that was all. */
void list_end(struct answer *answer, const char *iterator);

#endif
