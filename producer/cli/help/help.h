/*
 * What the commands and their flags are, in words.
 */
#ifndef CLI_HELP_HELP_H
#define CLI_HELP_HELP_H

#include <stdio.h>

#include "cli/cli.h"

/* Flags that stand before the command, beside those of every command. */
extern const struct flag_spec help_front_flags[];

/* What the program is for, and more that its manual page has too: lines of text. */
extern const char help_purpose[];
extern const char help_redis_forms[];
extern const char help_redis_users[];
extern const char help_examples[];

void help_program(FILE *out);
void help_family(const char *family, FILE *out); /* "hook" */
void help_command(const struct command *command, FILE *out);

/* "help", "help hook", "help hook set": an exit code. */
int help_of_words(const struct cli *cli, int argc, char **argv);

/* What argv says is no command: reports it, and what may have been meant. CLI_USAGE. */
int help_no_such_command(const struct cli *cli, int argc, char **argv);

#endif
