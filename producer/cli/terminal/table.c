#include "cli/terminal/table.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COLUMNS_MAX 12

void table_init(struct table *table, const char *const *titles, size_t columns)
{
    *table = (struct table){.columns = columns};
    for (size_t i = 0; i < columns; i++)
        table_add(table, bytes_of(titles[i]));
}

static bool make_room(struct table *table)
{
    if (table->cells_len < table->cells_cap)
        return true;
    size_t cap = table->cells_cap > 0 ? table->cells_cap * 2 : 64;
    char **cells = reallocarray(table->cells, cap, sizeof(*cells));
    if (!cells)
        return false;
    table->cells = cells;
    table->cells_cap = cap;
    return true;
}

void table_add(struct table *table, struct bytes text)
{
    if (text.len == 0)
        text = BYTES("-");
    char *cell = make_room(table) ? malloc(text.len + 1) : NULL;
    if (!cell) {
        table->failed = true;
        return;
    }
    bytes_printable(text, cell, text.len + 1);
    table->cells[table->cells_len++] = cell;
}

void table_release(struct table *table)
{
    for (size_t i = 0; i < table->cells_len; i++)
        free(table->cells[i]);
    free(table->cells);
    *table = (struct table){0};
}

int table_print(const struct table *table)
{
    int widths[COLUMNS_MAX] = {0};
    size_t columns = table->columns;

    if (table->failed || columns > COLUMNS_MAX)
        return -1;
    for (size_t i = 0; i < table->cells_len; i++) {
        int width = (int)strlen(table->cells[i]);
        if (width > widths[i % columns])
            widths[i % columns] = width;
    }
    for (size_t i = 0; i < table->cells_len; i++) {
        if (i % columns == columns - 1)
            (void)printf("%s\n", table->cells[i]);
        else
            (void)printf("%-*s  ", widths[i % columns], table->cells[i]);
    }
    return 0;
}
