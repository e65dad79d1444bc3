#include "cli/terminal/screen.h"

#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "cli/terminal/text.h"

#define WRAP_LEAST 16 /* columns; in fewer, breaking lines helps nobody */

static bool wants_colour(void)
{
    const char *refused = getenv("NO_COLOR");
    const char *terminal = getenv("TERM");

    return !(refused && refused[0] != '\0') && terminal && strcmp(terminal, "dumb") != 0;
}

struct screen screen_of_stdout(void)
{
    struct screen screen = {0};
    struct winsize size;

    if (!isatty(STDOUT_FILENO))
        return screen;
    screen.has_colour = wants_colour();
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0) {
        screen.columns = size.ws_col;
        screen.rows = size.ws_row;
    }
    return screen;
}

void screen_put(FILE *out, const struct screen *screen, enum tone tone, const char *text)
{
    static const char *const colours[] = {
        [TONE_OK] = "\033[32m", [TONE_WARNING] = "\033[33m", [TONE_ERROR] = "\033[31m"};

    if (screen->has_colour && tone != TONE_PLAIN)
        (void)fprintf(out, "%s%s\033[0m", colours[tone], text);
    else
        (void)fputs(text, out);
}

/* How many bytes of text go into a line of this many columns, cut at a space. */
static size_t line_len(const char *text, size_t columns)
{
    size_t width;
    size_t fitting = text_fitting(text, columns, &width);

    if (text[fitting] == '\0')
        return fitting;
    for (size_t at = fitting + 1; at-- > 1;) {
        if (text[at] == ' ')
            return at;
    }
    return strcspn(text, " ");
}

void screen_put_wrapped(FILE *out, const struct screen *screen, size_t column, const char *text)
{
    if (screen->columns < column + WRAP_LEAST) {
        (void)fprintf(out, "%s\n", text);
        return;
    }
    for (;;) {
        size_t len = line_len(text, screen->columns - column);
        (void)fprintf(out, "%.*s\n", (int)len, text);
        text += len + strspn(text + len, " ");
        if (*text == '\0')
            return;
        (void)fprintf(out, "%*s", (int)column, "");
    }
}

void screen_put_top(FILE *out, const struct screen *screen, const char *text)
{
    size_t lines = 0;
    size_t shown = 0;
    size_t len = 0;

    for (const char *at = text; *at != '\0'; at++)
        lines += *at == '\n';
    /* The last row stays free: what follows a line end in it would scroll the first one away. */
    if (screen->rows == 0 || lines < screen->rows) {
        (void)fputs(text, out);
        return;
    }
    for (; shown + 2 < screen->rows; shown++)
        len += strcspn(text + len, "\n") + 1;
    (void)fprintf(out, "%.*s... %zu more lines\n", (int)len, text, lines - shown);
}
