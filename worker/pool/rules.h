/*
 * What the parent of a pool decides. Pure: the parent (pool.h) does what is decided here.
 *
 * A worker that crashed is started again, at once the first time, then later and later. But one
 * that says at its start that it may not or cannot run would say so again and again: it ends the
 * pool, with its status, as it would have ended alone.
 */
#ifndef POOL_RULES_H
#define POOL_RULES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "process/state.h"

/* After a run of this length the delays start over. */
#define POOL_LIVED_WELL_MS 30000

/* How a worker ended. */
struct pool_end {
    bool by_signal;
    int number;     /* the signal's, else the exit status */
    bool refused;   /* it said that it must not run on this queue */
    bool was_ready; /* it has worked */
    int restarts;   /* lives before this one */
};

/* True: the pool ends, with this worker's status. */
bool pool_gives_up(const struct pool_end *end);

/* The status of a pool whose other workers ended with status: the worst one. */
int pool_worse(int status, const struct pool_end *end);

/* How many failures in a row there are behind one more, after a life of lived_ms. */
int pool_failures(int failures, int64_t lived_ms);

/* How long to wait with the next life after this many: 0 after the first, at most 10 s. */
int64_t pool_restart_delay_ms(int failures, uint64_t seed);

/* What one worker is, as the parent knows it. */
struct pool_worker_state {
    enum process_state state;
    bool was_ever_ready; /* also in an earlier life */
    int64_t silent_ms;   /* for so long its loop has said nothing */
};

/* What the pool is as a whole: starting while not every worker was ready yet; away when none works
 * and one misses Redis; else working. */
enum process_state pool_condition(const struct pool_worker_state *workers, size_t workers_len);

/* How often a worker says that its loop turns, so that a watchdog of watchdog_ms may be fed; 0:
 * there is no watchdog. */
int64_t pool_pulse_ms(int64_t watchdog_ms);

/* Does a worker that was silent for this long hang? One that does not run is being looked
 * after. */
bool pool_worker_stalled(const struct pool_worker_state *worker, int64_t watchdog_ms);

#endif
