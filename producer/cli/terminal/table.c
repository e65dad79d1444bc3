#include "cli/terminal/table.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cli/terminal/text.h"

#define GAP 2      /* between columns */
#define READABLE 2 /* times its least width a column has while there are optional ones */

void table_init(struct table *table, const struct table_column *columns, size_t columns_len)
{
    *table = (struct table){
        .columns = columns, .columns_len = columns_len, .is_utf8 = text_locale_is_utf8()};
    for (size_t i = 0; i < columns_len; i++)
        table_add(table, bytes_of(columns[i].title));
}

static bool make_room(struct table *table)
{
    if (table->cells_len < table->cells_cap)
        return true;
    size_t cap = table->cells_cap > 0 ? table->cells_cap * 2 : 64;
    struct table_cell *cells = reallocarray(table->cells, cap, sizeof(*cells));
    if (!cells)
        return false;
    table->cells = cells;
    table->cells_cap = cap;
    return true;
}

void table_add_toned(struct table *table, struct bytes text, enum tone tone)
{
    if (text.len == 0)
        text = BYTES("-");
    char *cell = make_room(table) ? text_shown(text, table->is_utf8) : NULL;
    if (!cell) {
        table->failed = true;
        return;
    }
    table->cells[table->cells_len++] = (struct table_cell){cell, tone};
}

void table_add(struct table *table, struct bytes text)
{
    table_add_toned(table, text, TONE_PLAIN);
}

void table_add_number(struct table *table, int64_t number)
{
    char text[24];

    (void)snprintf(text, sizeof(text), "%" PRId64, number);
    table_add(table, bytes_of(text));
}

void table_release(struct table *table)
{
    for (size_t i = 0; i < table->cells_len; i++)
        free(table->cells[i].text);
    free(table->cells);
    *table = (struct table){0};
}

/* --- fitting --- */

/* How wide each column is shown; 0: not at all. */
struct layout {
    size_t widths[TABLE_COLUMNS_MAX];
    size_t len;
};

static size_t total(const struct layout *layout)
{
    size_t sum = 0;

    for (size_t i = 0; i < layout->len; i++)
        sum += layout->widths[i] > 0 ? layout->widths[i] + (sum > 0 ? GAP : 0) : 0;
    return sum;
}

/* How much there is when all is cut as far as is good to read. */
static size_t readable_total(const struct table *table, const struct layout *layout)
{
    struct layout least = *layout;

    for (size_t i = 0; i < layout->len; i++) {
        size_t may = READABLE * table->columns[i].least;
        if (may > 0 && may < least.widths[i])
            least.widths[i] = may;
    }
    return total(&least);
}

static bool leave_one_out(const struct table *table, struct layout *layout)
{
    for (size_t i = layout->len; i-- > 0;) {
        if (table->columns[i].is_optional && layout->widths[i] > 0) {
            layout->widths[i] = 0;
            return true;
        }
    }
    return false;
}

/* The widest of those that may be cut, of several the last. */
static bool cut_one(const struct table *table, struct layout *layout)
{
    size_t widest = layout->len;

    for (size_t i = 0; i < layout->len; i++) {
        size_t least = table->columns[i].least;
        if (least > 0 && layout->widths[i] > least &&
            (widest == layout->len || layout->widths[i] >= layout->widths[widest]))
            widest = i;
    }
    if (widest == layout->len)
        return false;
    layout->widths[widest]--;
    return true;
}

static void fit(const struct table *table, size_t columns, struct layout *layout)
{
    while (readable_total(table, layout) > columns && leave_one_out(table, layout))
        ;
    while (total(layout) > columns && cut_one(table, layout))
        ;
}

static void lay_out(const struct table *table, size_t columns, struct layout *layout)
{
    *layout = (struct layout){.len = table->columns_len};
    for (size_t i = 0; i < table->cells_len; i++) {
        size_t width = text_width(table->cells[i].text);
        if (width > layout->widths[i % layout->len])
            layout->widths[i % layout->len] = width;
    }
    if (columns > 0)
        fit(table, columns, layout);
}

/* --- printing --- */

/* The start of a text that is too wide; how many columns it took. */
static size_t put_cut(const char *text, size_t width, FILE *out)
{
    const char *mark = width > GAP ? ".." : "";
    size_t kept_width;
    size_t kept = text_fitting(text, width - strlen(mark), &kept_width);

    (void)fprintf(out, "%.*s%s", (int)kept, text, mark);
    return kept_width + strlen(mark);
}

/* One cell in this many columns, the rest filled up unless it is the last of its line. */
static void put_cell(const struct table_cell *cell, size_t width, bool is_last, FILE *out,
                     const struct screen *screen)
{
    size_t taken = text_width(cell->text);

    if (taken > width) { /* cut, which is marked where there is room to */
        taken = put_cut(cell->text, width, out);
    } else {
        screen_put(out, screen, cell->tone, cell->text);
    }
    if (!is_last)
        (void)fprintf(out, "%*s", (int)(width - taken + GAP), "");
}

/* A line is never longer than the terminal, however narrow that is. */
static void put_row(const struct table_cell *cells, const struct layout *layout, FILE *out,
                    const struct screen *screen)
{
    size_t left = screen->columns > 0 ? screen->columns : SIZE_MAX;

    for (size_t i = 0; i < layout->len && left > 0; i++) {
        size_t width = layout->widths[i] < left ? layout->widths[i] : left;
        if (width == 0)
            continue;
        bool is_last = i + 1 == layout->len || left - width <= GAP;
        put_cell(&cells[i], width, is_last, out, screen);
        left = is_last ? 0 : left - width - GAP;
    }
    (void)fputc('\n', out);
}

int table_write(const struct table *table, FILE *out, const struct screen *screen)
{
    struct layout layout;

    if (table->failed || table->columns_len > TABLE_COLUMNS_MAX)
        return -1;
    lay_out(table, screen->columns, &layout);
    for (size_t i = 0; i + layout.len <= table->cells_len; i += layout.len)
        put_row(&table->cells[i], &layout, out, screen);
    return 0;
}

int table_print(const struct table *table)
{
    struct screen screen = screen_of_stdout();

    return table_write(table, stdout, &screen);
}
