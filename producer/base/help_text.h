/*
 * Help texts of all programs, 80 columns wide. Texts are ASCII; they are broken at spaces, and a
 * line end in them counts as a space.
 */
#ifndef BASE_HELP_TEXT_H
#define BASE_HELP_TEXT_H

#include <stddef.h>
#include <stdio.h>

#include "base/flags.h"

/* Prints text from a column on, its further lines from the same one, with a line end. */
void help_put_text(FILE *out, size_t column, const char *text);

/* A name, and from a column on its explanation. */
void help_put_row(FILE *out, size_t column, const char *name, const char *text);

/* A row for each flag of a table. */
void help_put_flags(FILE *out, const struct flag_spec *specs);

/* One flag: "--name VALUE". value may be NULL. */
void help_put_flag(FILE *out, const char *name, const char *value, const char *text);

#endif
