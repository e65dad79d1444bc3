/*
 * A command line's arguments, which ps(1) and /proc show to everybody on the machine for as long as
 * the process lives.
 */
#ifndef BASE_ARGUMENTS_H
#define BASE_ARGUMENTS_H

#include <stddef.h>

/* Blanks what is secret in them: URLs that hold a password, values of --secret, --signature and
 * --header. */
void arguments_hide(int argc, char **argv);

/* A copy, made before they are hidden, to be read in their place. */
struct arguments {
    char **argv; /* ended by NULL */
    size_t size; /* of all of it, in one piece */
};

int arguments_copy(int argc, char **argv, struct arguments *ret_copy); /* -1: no memory */
void arguments_release(struct arguments *copy);                        /* wipes it */

#endif
