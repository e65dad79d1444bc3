/*
 * The terminal that standard output is, if it is one: how large, and whether it wants colour.
 */
#ifndef CLI_TERMINAL_SCREEN_H
#define CLI_TERMINAL_SCREEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/* How something is, for the eye. */
enum tone {
    TONE_PLAIN,
    TONE_OK,
    TONE_WARNING,
    TONE_ERROR
};

struct screen {
    size_t columns; /* 0: no terminal, or it does not say: nothing is cut */
    size_t rows;    /* the same */
    bool has_colour;
};

/* Without colour for NO_COLOR, and for a terminal that is dumb. */
struct screen screen_of_stdout(void);

/* Prints text in its tone. */
void screen_put(FILE *out, const struct screen *screen, enum tone tone, const char *text);

/* Prints text from a column on, its further lines from the same one, broken at spaces; with a line
 * end. What has no space is not broken. */
void screen_put_wrapped(FILE *out, const struct screen *screen, size_t column, const char *text);

/* Prints the first lines of text that the screen has room for, and how many there are more. */
void screen_put_top(FILE *out, const struct screen *screen, const char *text);

#endif
