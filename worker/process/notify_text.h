/* Status texts of a worker or a pool for the service manager (base/notify.h). Pure. */
#ifndef PROCESS_NOTIFY_TEXT_H
#define PROCESS_NOTIFY_TEXT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/notify.h"
#include "process/state.h"

struct notify_status {
    enum process_state state;
    const char *detail; /* behind the state, like ", 2 of 3 workers"; short */
    size_t in_flight;
    bool turns; /* false: something hangs, so the watchdog is not fed */
};

void notify_text_put(const struct notify_request *request, const struct notify_status *status,
                     char text[NOTIFY_TEXT_SIZE]);

#endif
