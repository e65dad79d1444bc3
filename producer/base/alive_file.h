/*
 * A file that a process writes while its loop turns, for orchestrators that run a command to see
 * whether it does. It holds the time of the last turn by a clock that nobody sets, so a changed
 * wall clock is no sign of death; what was left from before a restart of the machine is not fresh.
 */
#ifndef BASE_ALIVE_FILE_H
#define BASE_ALIVE_FILE_H

#include <stdbool.h>
#include <stdint.h>

#include "contract/bytes.h"

#define ALIVE_FILE_FRESH_MS 20000 /* written every 5 s */

struct alive_file {
    const char *path; /* "": there is none */
    bool failed;      /* the last write; logged */
};

void alive_file_write(struct alive_file *alive, int64_t now_ms);
void alive_file_remove(const struct alive_file *alive); /* the process ends, in order */

/* 0: it is fresh. -1 with *why. now_ms is of loop_now_ms, in any process of this machine. */
int alive_file_check(const char *path, int64_t now_ms, struct error_text *why);

#endif
