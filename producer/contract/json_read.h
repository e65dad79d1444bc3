/*
 * Reads JSON text of unknown origin with jansson. Duplicate keys are refused: readers differ about
 * which of them counts. Errors give line, column and kind, and never quote the text, which may hold
 * credentials or a chat message.
 */
#ifndef CONTRACT_JSON_READ_H
#define CONTRACT_JSON_READ_H

#include <jansson.h>
#include <stdbool.h>

#include "contract/bytes.h"

enum json_nul {
    JSON_NUL_REFUSED, /* "\u0000" is an error */
    JSON_NUL_ALLOWED  /* in values, not in keys: use json_string_length */
};

/* A map or list, for json_decref; or NULL with *why set and *ret_no_memory saying whose fault
 * it was. */
json_t *json_read(struct bytes text, enum json_nul nul, bool *ret_no_memory,
                  struct error_text *why);

/*
 * jansson leaves bytes out of a string when it has no memory for them, and says nothing. Once this
 * was called json_read knows of every allocation that failed while it read, and short documents
 * cost no allocation. It gives jansson an allocator of ours, for one thread, so only a process that
 * is ours alone calls it, before it reads anything. The memory is not wiped when it is freed.
 */
void json_read_own_memory(void);

/* The text of a string value, borrowed from it. */
struct bytes json_text_of(const json_t *string);

#endif
