/*
 * Finds values in JSON text that was scanned (json_scan.h): valid, and without white space between
 * its tokens. Nothing is allocated or copied; what is found is a view.
 */
#ifndef CONTRACT_JSON_FIND_H
#define CONTRACT_JSON_FIND_H

#include <stdbool.h>

#include "contract/bytes.h"

#define JSON_FIND_NAME_MAX 256

/*
 * The value at a path like "body.text" or "files.0.url": names of members, or numbers of a list's
 * items, each of at most JSON_FIND_NAME_MAX bytes, separated by dots. An empty path is value
 * itself. Names are compared after unescaping; of doubled ones the last counts, as for JavaScript.
 * False: there is none, or *work, the bytes that may still be read, does not suffice to know; then
 * it is 0.
 */
bool json_find(struct bytes value, struct bytes path, size_t *work, struct bytes *ret_found);

#endif
