/*
 * A line on stderr about long work, written over itself. Nothing is shown unless stderr is a
 * terminal, nor where results are printed on the same terminal, nor in the first second.
 */
#ifndef CLI_TERMINAL_PROGRESS_H
#define CLI_TERMINAL_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

struct progress {
    const char *what; /* "sent" */
    bool possible;
    bool shown;
    int64_t next_ms; /* when it may be written next */
};

int64_t progress_now_ms(void); /* monotonic */

/* prints_results: the command prints lines on stdout while it works. */
void progress_begin(struct progress *progress, const char *what, bool prints_results);
void progress_show(struct progress *progress, uint64_t done);
void progress_end(struct progress *progress); /* wipes the line */

#endif
