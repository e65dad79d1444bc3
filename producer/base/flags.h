/*
 * Flags of a command line, by tables; of both programs, in the same words. "--name value" and
 * "--name=value"; "-h" is --help; "--" ends the flags; a lone "-" is an operand. A flag is given at
 * most once unless its row says otherwise. Pure.
 */
#ifndef BASE_FLAGS_H
#define BASE_FLAGS_H

#include <stdbool.h>
#include <stddef.h>

#include "contract/bytes.h"

#define FLAGS_MAX 256 /* given, repeated ones counted each time */

struct flag_spec {
    const char *name;  /* without "--"; NULL ends a table */
    const char *value; /* what help calls its value, in brackets one that may be left out; NULL for
                          a flag without one */
    const char *help;
    bool repeatable;
};

struct flag_given {
    const struct flag_spec *spec;
    const char *value; /* NULL for a flag without one, and for one that was left out */
};

/* Everything points into argv and the tables. */
struct flags {
    struct flag_given given[FLAGS_MAX];
    size_t given_len;
    char **operands; /* argv, compacted in place */
    size_t operands_len;
    const struct flag_spec *lacks_value; /* the flag that a failure is about, if that is why */
};

/*
 * Reads the flags at the front of argv and stops at the first operand; *ret_used is how many
 * strings were read. Adds to flags, which begins zeroed; more_specs may be NULL. 0, or -1 with
 * *why; what stands in front of the mistake is in flags all the same: there may be --help in it.
 */
int flags_parse_front(struct flags *flags, const struct flag_spec *specs,
                      const struct flag_spec *more_specs, int argc, char **argv, int *ret_used,
                      struct error_text *why);

/* Reads all of argv: flags of both tables, operands anywhere between them. As above. */
int flags_parse(struct flags *flags, const struct flag_spec *specs,
                const struct flag_spec *more_specs, int argc, char **argv, struct error_text *why);

/* The name that a mistyped one was meant to be; NULL when none is near. more_specs may be NULL. */
const char *flags_nearest(const struct flag_spec *specs, const struct flag_spec *more_specs,
                          struct bytes name);

bool flags_has(const struct flags *flags, const char *name);

/* The flag's value, of a repeated one the n-th counted from 0; NULL when it is not there. */
const char *flags_value(const struct flags *flags, const char *name);
const char *flags_value_at(const struct flags *flags, const char *name, size_t n);

#endif
