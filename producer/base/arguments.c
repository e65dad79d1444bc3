#include "base/arguments.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static void blank(char *text)
{
    memset(text, 'x', strlen(text));
}

/* A password stands in front of the host, or of a unix socket behind its path. */
static void hide_credentials(char *argument)
{
    char *url = strstr(argument, "://");

    if (url && (strchr(url, '@') || strstr(url, "password=")))
        blank(url + strlen("://"));
}

/* True when the value is the next argument. */
static bool hide_value(char *argument)
{
    static const char *const secret[] = {"--secret", "--signature", "--header"};

    for (size_t i = 0; i < sizeof(secret) / sizeof(secret[0]); i++) {
        size_t len = strlen(secret[i]);
        if (strncmp(argument, secret[i], len) != 0)
            continue;
        if (argument[len] == '=')
            blank(argument + len + 1);
        if (argument[len] == '\0')
            return true;
    }
    return false;
}

void arguments_hide(int argc, char **argv)
{
    for (int i = 0; i < argc; i++) {
        hide_credentials(argv[i]);
        if (hide_value(argv[i]) && i + 1 < argc)
            blank(argv[++i]);
    }
}

int arguments_copy(int argc, char **argv, struct arguments *ret_copy)
{
    size_t size = ((size_t)argc + 1) * sizeof(char *);

    for (int i = 0; i < argc; i++)
        size += strlen(argv[i]) + 1;
    char **copy = calloc(1, size);
    if (!copy)
        return -1;
    char *end = (char *)(copy + argc + 1);
    for (int i = 0; i < argc; i++) {
        size_t len = strlen(argv[i]) + 1;
        memcpy(end, argv[i], len);
        copy[i] = end;
        end += len;
    }
    *ret_copy = (struct arguments){copy, size};
    return 0;
}

void arguments_release(struct arguments *copy)
{
    if (copy->argv)
        explicit_bzero(copy->argv, copy->size);
    free(copy->argv);
}
