#include "base/help_text.h"

#include <string.h>

#define WIDTH 80
#define FLAGS_COLUMN 33
#define SPACES " \n"

void help_put_text(FILE *out, size_t column, const char *text)
{
    size_t at = column;

    for (text += strspn(text, SPACES); *text != '\0'; text += strspn(text, SPACES)) {
        size_t len = strcspn(text, SPACES);
        if (at > column && at + 1 + len > WIDTH) {
            (void)fprintf(out, "\n%*s", (int)column, "");
            at = column;
        }
        (void)fprintf(out, "%s%.*s", at > column ? " " : "", (int)len, text);
        at += len + (at > column);
        text += len;
    }
    (void)fputc('\n', out);
}

void help_put_row(FILE *out, size_t column, const char *name, const char *text)
{
    if (strlen(name) + 3 > column)
        (void)fprintf(out, "  %s\n%*s", name, (int)column, "");
    else
        (void)fprintf(out, "  %-*s", (int)column - 2, name);
    help_put_text(out, column, text);
}

void help_put_flag(FILE *out, const char *name, const char *value, const char *text)
{
    char flag[64];

    (void)snprintf(flag, sizeof(flag), "--%s%s%s", name, value != NULL ? " " : "",
                   value != NULL ? value : "");
    help_put_row(out, FLAGS_COLUMN, flag, text);
}

void help_put_flags(FILE *out, const struct flag_spec *specs)
{
    for (; specs->name != NULL; specs++) {
        char text[256];
        (void)snprintf(text, sizeof(text), "%s%s", specs->help,
                       specs->repeatable ? "; repeatable" : "");
        help_put_flag(out, specs->name, specs->value, text);
    }
}
