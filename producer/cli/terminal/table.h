/*
 * A table for people: columns as wide as their widest cell. Bytes of a cell that are not printable
 * ASCII are shown as "?", so that text of strangers cannot steer a terminal.
 */
#ifndef CLI_TERMINAL_TABLE_H
#define CLI_TERMINAL_TABLE_H

#include <stdbool.h>
#include <stddef.h>

#include "contract/bytes.h"

struct table {
    size_t columns;
    char **cells; /* row by row, the titles first */
    size_t cells_len;
    size_t cells_cap;
    bool failed; /* memory ran out */
};

void table_init(struct table *table, const char *const *titles, size_t columns);
void table_add(struct table *table, struct bytes text); /* the next cell; "-" when text is empty */
void table_release(struct table *table);

/* 0, or -1 when memory ran out. */
int table_print(const struct table *table);

#endif
