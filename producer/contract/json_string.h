/*
 * What JSON strings mean. Each is given as it stands between its quotes in a text that was scanned
 * (json_scan.h).
 */
#ifndef CONTRACT_JSON_STRING_H
#define CONTRACT_JSON_STRING_H

#include <stdint.h>

#include "contract/bytes.h"

/* Writes it without its escapes: UTF-8, no longer than string; out may be where string is. Half of
 * a surrogate pair becomes U+FFFD. Returns the length. */
size_t json_string_unescape(struct bytes string, char *out);

/* The code point that it begins with; it is not empty. Returns how many bytes of string that takes;
 * half of a surrogate pair is U+FFFD. */
size_t json_string_first(struct bytes string, uint32_t *ret_code);

#endif
