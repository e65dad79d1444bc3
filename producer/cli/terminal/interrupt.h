/*
 * Ctrl-C for commands that work in batches: SIGINT and SIGTERM are held back, so that a batch is
 * never torn, and asked for between batches.
 */
#ifndef CLI_TERMINAL_INTERRUPT_H
#define CLI_TERMINAL_INTERRUPT_H

#include <stdbool.h>
#include <stdint.h>

struct interrupt {
    int fd; /* a signalfd that is never read: once interrupted, always interrupted */
};

int interrupt_open(struct interrupt *interrupt); /* 0, or -1 with errno */
void interrupt_close(struct interrupt *interrupt);

bool interrupted(const struct interrupt *interrupt);

/* Waits at most timeout_ms, not at all when it is negative; true when interrupted. */
bool interrupt_wait(const struct interrupt *interrupt, int64_t timeout_ms);

/* Waits until fd is readable (then false) or an interrupt comes (then true). */
bool interrupt_wait_input(const struct interrupt *interrupt, int fd);

#endif
