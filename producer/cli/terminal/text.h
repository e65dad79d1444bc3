/*
 * Text of strangers as a terminal shows it: UTF-8 where the locale is that, and nothing that the
 * terminal would obey. Widths are in columns: some characters take two, some none.
 */
#ifndef CLI_TERMINAL_TEXT_H
#define CLI_TERMINAL_TEXT_H

#include <stdbool.h>
#include <stddef.h>

#include "contract/bytes.h"

/* Is the locale of LC_ALL, LC_CTYPE or LANG one of UTF-8? */
bool text_locale_is_utf8(void);

/* A copy in which "?" stands for what is not shown: control characters, marks of bidirectional
 * text, what is not UTF-8 or has no width; and all but ASCII when is_utf8 is false. free() it; NULL
 * when memory ran out. */
char *text_shown(struct bytes text, bool is_utf8);

/* How many columns it takes. As the next one, of what text_shown gave. */
size_t text_width(const char *shown);

/* The bytes of the characters that fit into this many columns, and how many they take. */
size_t text_fitting(const char *shown, size_t columns, size_t *ret_width);

#endif
