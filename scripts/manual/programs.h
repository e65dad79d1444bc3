/*
 * The programs as their manual pages and completion see them: commands and flags, from the tables
 * that their help is printed from.
 */
#ifndef MANUAL_PROGRAMS_H
#define MANUAL_PROGRAMS_H

#include <stdio.h>

#include "base/flags.h"

/* The flags of the worker, its settings last; a choice has its words as its value. Kept until the
 * process ends. */
const struct flag_spec *programs_worker_flags(void);

/*
 * All programs as rows of a table for completion:
 *
 *     PROGRAM|COMMAND|FLAG|KIND|WORDS|TEXT
 *
 * A row with a FLAG is one of that command; the command "*" stands for all of the program. A row
 * without a FLAG is a command, and its KIND that of its operands. KIND is what may follow: none,
 * optional (it may be left out), text, file, room, hook (its id) or lane (room/hook). WORDS,
 * separated by spaces, are taken besides.
 */
void programs_print_table(FILE *out);

/* The same, as it stands between single quotes where a backslash escapes them. */
void programs_print_quoted_table(FILE *out);

#endif
