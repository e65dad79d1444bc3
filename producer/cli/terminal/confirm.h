/*
 * A question on the terminal before something is done that cannot be undone.
 */
#ifndef CLI_TERMINAL_CONFIRM_H
#define CLI_TERMINAL_CONFIRM_H

#include <stdbool.h>

#include "cli/terminal/interrupt.h"

/* Is there somebody to ask: are standard input and error a terminal? */
bool confirm_is_possible(void);

/* Asks and waits. Only "y" or "yes" is yes; an interrupt and the end of input are no. */
bool confirm(const struct interrupt *interrupt, const char *question);

#endif
