/*
 * A table for people: columns as wide as their widest cell. On a terminal it is no wider than that:
 * optional columns are left out, then the widest of those that may be is cut, again and again.
 * Cells are shown as terminal/text.h has it, so that text of strangers cannot steer the terminal.
 */
#ifndef CLI_TERMINAL_TABLE_H
#define CLI_TERMINAL_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "cli/terminal/screen.h"
#include "contract/bytes.h"

#define TABLE_COLUMNS_MAX 12

struct table_column {
    const char *title;
    size_t least;     /* on a terminal it may be cut to this many columns; 0: it is not cut */
    bool is_optional; /* on a terminal it may be left out, the last such column first */
};

struct table_cell {
    char *text;
    enum tone tone;
};

struct table {
    const struct table_column *columns;
    size_t columns_len;
    struct table_cell *cells; /* row by row, the titles first */
    size_t cells_len;
    size_t cells_cap;
    bool is_utf8; /* what the locale is */
    bool failed;  /* memory ran out */
};

/* columns is borrowed. */
void table_init(struct table *table, const struct table_column *columns, size_t columns_len);
void table_add(struct table *table, struct bytes text); /* the next cell; "-" when text is empty */
void table_add_number(struct table *table, int64_t number);
void table_add_toned(struct table *table, struct bytes text, enum tone tone);
void table_release(struct table *table);

/* On stdout, for the terminal that this is. 0, or -1 when memory ran out. */
int table_print(const struct table *table);

/* The same anywhere. */
int table_write(const struct table *table, FILE *out, const struct screen *screen);

#endif
