/*
 * Code points of text that is known to be UTF-8 (bytes_is_utf8).
 */
#ifndef CONTRACT_UTF8_H
#define CONTRACT_UTF8_H

#include <stdbool.h>
#include <stdint.h>

#include "contract/bytes.h"

/* The first code point of text, which is not empty; returns how many bytes it has. */
size_t utf8_first(struct bytes text, uint32_t *ret_code);

#define UTF8_MAX 4
size_t utf8_write(uint32_t code, char *out); /* returns how many bytes it wrote, without a NUL */

/* Steers a terminal or the direction of what is written, and shows nothing itself: control
 * characters, ends of lines and paragraphs, marks of bidirectional text. */
bool utf8_is_control(uint32_t code);

#endif
