/*
 * Which commands there are, and which of them some words mean. Pure.
 */
#ifndef CLI_HELP_COMMANDS_H
#define CLI_HELP_COMMANDS_H

#include <stdbool.h>
#include <stddef.h>

#include "cli/cli.h"

/* All of them, in the order of the help; NULL is the last. */
extern const struct command *const commands[];

/* The command that argv begins with; NULL when there is none. *ret_words: how many it took. */
const struct command *command_find(int argc, char **argv, int *ret_words);

/* Is this word the first one of commands of two, like "hook"? */
bool command_is_family(const char *word);
bool command_is_of(const struct command *command, const char *family);

/* The command or the family that argv was meant to begin with; NULL when none is near. */
const char *command_nearest(int argc, char **argv);

#endif
