/*
 * Arguments of the bench's programs: name=value, in any order. A name nobody asked for, a value out
 * of range or one that is missing ends the program with a sentence and status 2.
 */
#ifndef BENCH_ARGUMENTS_H
#define BENCH_ARGUMENTS_H

#include <stdint.h>

struct arguments {
    char **words;
    int len;
    uint64_t used; /* a bit for each word that was asked for */
};

void arguments_init(struct arguments *arguments, int argc, char **argv);

/* The value, valid as long as argv; fallback when it was not given. A NULL fallback makes it
 * required. */
const char *arguments_text(struct arguments *arguments, const char *name, const char *fallback);

int64_t arguments_number(struct arguments *arguments, const char *name, int64_t fallback,
                         int64_t min, int64_t max);

/* Call it last: ends the program when a word was not asked for. */
void arguments_finish(const struct arguments *arguments);

#endif
