/*
 * Prints the manual pages and the completion scripts of the programs; the build runs it.
 *
 *     roomhook-manual FILE page PROGRAM
 *     roomhook-manual FILE completion TEMPLATE   a line @TABLE@ in it stands for the table
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "manual/pages.h"
#include "manual/programs.h"

#define LINE_SIZE 512

static int fail(const char *what, const char *why)
{
    (void)fprintf(stderr, "roomhook-manual: %s: %s\n", what, why);
    return EXIT_FAILURE;
}

static int print_completion(const char *path)
{
    char line[LINE_SIZE];
    FILE *template = fopen(path, "r");

    if (template == NULL)
        return fail(path, strerror(errno));
    while (fgets(line, sizeof(line), template) != NULL) {
        if (strcmp(line, "@TABLE@\n") == 0)
            programs_print_table(stdout);
        else if (strcmp(line, "@QUOTED TABLE@\n") == 0)
            programs_print_quoted_table(stdout);
        else
            (void)fputs(line, stdout);
    }
    return fclose(template) == 0 ? EXIT_SUCCESS : fail(path, strerror(errno));
}

static int run(char **argv)
{
    if (freopen(argv[1], "w", stdout) == NULL)
        return fail(argv[1], strerror(errno));
    if (strcmp(argv[2], "page") == 0 && page_print(argv[3], stdout) == 0)
        return EXIT_SUCCESS;
    if (strcmp(argv[2], "completion") == 0)
        return print_completion(argv[3]);
    return fail(argv[3], "no such page");
}

int main(int argc, char **argv)
{
    int status = argc == 4 ? run(argv) : fail("usage", "FILE page|completion NAME");

    if (fflush(stdout) != 0 || ferror(stdout) != 0)
        return fail("stdout", strerror(errno));
    return status;
}
