/*
 * What the doctor found, in the order it was found. Pure.
 */
#ifndef ADMIN_DOCTOR_FINDINGS_H
#define ADMIN_DOCTOR_FINDINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FINDINGS_MAX 512
#define FINDINGS_OF_A_CHECK 10 /* listed one by one; of more only how many */
#define FINDING_TEXT_SIZE 400

enum level {
    LEVEL_OK,
    LEVEL_NOTE,      /* worth knowing; nothing is wrong */
    LEVEL_UNCHECKED, /* could not be looked at, so nobody knows */
    LEVEL_WARNING,   /* goes wrong, or will */
    LEVEL_ERROR,     /* loses events, or keeps them from being delivered */
    LEVELS
};

enum part {
    PART_REDIS,
    PART_QUEUE,
    PART_WORKERS,
    PART_HOOKS,
    PART_DEAD,
    PARTS
};

struct finding {
    enum part part;
    enum level level;
    const char *check;              /* its name for machines, a literal: "eviction" */
    char text[FINDING_TEXT_SIZE];   /* what is so, in one line of printable ASCII */
    char advice[FINDING_TEXT_SIZE]; /* what to do, in one line; "" when there is nothing */
    int64_t more;                   /* found of the same check and level, and not listed */
};

/* Begins zeroed; large. */
struct findings {
    struct finding list[FINDINGS_MAX];
    size_t len;
    int64_t counts[LEVELS];
    struct finding *last; /* that advice is for; NULL when the last one is only counted */
};

/* Adds one, unless the same is there: a walk over keys may meet one twice. */
void findings_add(struct findings *findings, enum part part, const char *check, enum level level,
                  const char *format, ...) __attribute__((format(printf, 5, 6)));

/* What to do about the one that was just added. */
void findings_advise(struct findings *findings, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Is something wrong, or not known? */
bool findings_are_bad(const struct findings *findings);

const char *level_name(enum level level);
const char *part_name(enum part part);

#endif
