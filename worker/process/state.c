#include "process/state.h"

const char *process_state_name(enum process_state state)
{
    static const char *const names[PROCESS_STATES] = {
        [PROCESS_ENDED] = "ended",       [PROCESS_STARTING] = "starting",
        [PROCESS_WORKING] = "working",   [PROCESS_AWAY] = "redis is away",
        [PROCESS_DRAINING] = "draining", [PROCESS_REFUSED] = "refused",
    };
    return names[state];
}

bool process_state_follows(enum process_state state, enum process_state next)
{
    if (state == next || state == PROCESS_REFUSED)
        return false;
    return state != PROCESS_DRAINING || next == PROCESS_REFUSED;
}
