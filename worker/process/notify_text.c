#include "process/notify_text.h"

#include <inttypes.h>
#include <stdio.h>

#define TICKS_PER_EXTENSION 4

void notify_text_put(const struct notify_request *request, const struct notify_status *status,
                     char text[NOTIFY_TEXT_SIZE])
{
    static const char *const states[PROCESS_STATES] = {
        [PROCESS_ENDED] = "STATUS=ended",
        [PROCESS_STARTING] = "STATUS=waiting for Redis",
        [PROCESS_WORKING] = "READY=1\nSTATUS=working",
        [PROCESS_AWAY] = "STATUS=Redis is away",
        [PROCESS_DRAINING] = "STOPPING=1\nSTATUS=draining",
        [PROCESS_REFUSED] = "STATUS=refused",
    };
    /* While starting and stopping the manager's patience ends, unless the loop asks for more. */
    bool extends = status->state == PROCESS_STARTING || status->state == PROCESS_DRAINING;
    char extension[64] = "";
    if (extends && status->turns)
        snprintf(extension, sizeof(extension), "\nEXTEND_TIMEOUT_USEC=%" PRId64,
                 notify_tick_ms(request) * TICKS_PER_EXTENSION * 1000);
    snprintf(text, NOTIFY_TEXT_SIZE, "%s%.64s, %zu in flight%s%s", states[status->state],
             status->detail, status->in_flight, status->turns ? "\nWATCHDOG=1" : "", extension);
}
