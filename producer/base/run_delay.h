/*
 * How long this process was ready to run and was not given a processor, as the kernel counts it.
 * What a peer is blamed for must not contain it.
 */
#ifndef BASE_RUN_DELAY_H
#define BASE_RUN_DELAY_H

#include <stdint.h>

#define RUN_DELAY_FILE "/proc/self/schedstat"

/* Shorter gaps are not looked into: reading the file costs some microseconds. */
#define RUN_DELAY_GAP_NS 20000000

struct run_delay {
    int64_t waited_ns; /* as of the last look; 0: none */
    int64_t missed_ns; /* of all gaps */
};

/* Nothing was done for gap_ns: as much of it as the process has waited since the last look was
 * missed. A file that cannot be read says nothing. */
void run_delay_look(struct run_delay *delay, int64_t gap_ns, const char *file);

#endif
