/*
 * Flags of the command line, by tables. "--name value" and "--name=value"; "--" ends the flags; a
 * lone "-" is an operand. A flag is given at most once unless its row says otherwise. Pure.
 */
#ifndef CLI_OPTIONS_H
#define CLI_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

#include "contract/bytes.h"

#define OPTIONS_MAX 64 /* flags given, repeated ones counted each time */

struct option_spec {
    const char *name;  /* without "--"; NULL ends a table */
    const char *value; /* what help calls its value; NULL for a flag without one */
    const char *help;
    bool repeatable;
};

struct option_given {
    const struct option_spec *spec;
    const char *value; /* "" for a flag without one */
};

/* Everything points into argv and the tables. */
struct options {
    struct option_given given[OPTIONS_MAX];
    size_t given_len;
    char **operands; /* argv, compacted in place */
    size_t operands_len;
};

/*
 * Reads the flags at the front of argv and stops at the first operand; *ret_used tells how many
 * strings were read. Adds to options, which begins zeroed. 0, or -1 with *why.
 */
int options_parse_front(struct options *options, const struct option_spec *specs, int argc,
                        char **argv, int *ret_used, struct error_text *why);

/* Reads all of argv: flags of both tables, operands anywhere between them. */
int options_parse(struct options *options, const struct option_spec *specs,
                  const struct option_spec *more_specs, int argc, char **argv,
                  struct error_text *why);

bool options_has(const struct options *options, const char *name);

/* The flag's value, of a repeated one the n-th counted from 0; NULL when it is not there. */
const char *options_value(const struct options *options, const char *name);
const char *options_value_at(const struct options *options, const char *name, size_t n);

#endif
