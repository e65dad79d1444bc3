/*
 * How many dead letters a command is about to touch, and from when to when they died.
 */
#ifndef CLI_DEAD_SURVEY_H
#define CLI_DEAD_SURVEY_H

#include "admin/dead/scan.h"
#include "cli/terminal/interrupt.h"

struct dead_survey {
    uint64_t letters;
    char first[RH_STREAM_ID_SIZE]; /* the oldest; "" without letters */
    char last[RH_STREAM_ID_SIZE];
    bool stopped; /* by an interrupt, before the end */
};

/* Walks over a scan that begins with the oldest, and back to its start. False: failure reported. */
bool dead_survey_take(struct dead_scan *scan, const struct interrupt *interrupt,
                      struct dead_survey *ret_survey);

/* "3 dead letters, died from 2022-… to 2022-…", on stderr. */
void dead_survey_print(const struct dead_survey *survey);

#endif
