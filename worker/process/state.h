/* What a process is, for itself, for its pool's parent and for the service manager. */
#ifndef PROCESS_STATE_H
#define PROCESS_STATE_H

#include <stdbool.h>

enum process_state {
    PROCESS_ENDED,    /* it does not run: the parent alone knows this */
    PROCESS_STARTING, /* waits for Redis for the first time */
    PROCESS_WORKING,
    PROCESS_AWAY, /* Redis is not reachable */
    PROCESS_DRAINING,
    PROCESS_REFUSED, /* it must not run on this queue */
    PROCESS_STATES   /* how many there are */
};

const char *process_state_name(enum process_state state);

/* May next come behind state? Nothing follows a refusal, and nothing else than it draining. */
bool process_state_follows(enum process_state state, enum process_state next);

#endif
