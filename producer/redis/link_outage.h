/*
 * What is said about a connection that is away: each reason once, in the order they come, and a
 * reminder while it lasts, after a minute, two more, four more, at last once an hour. So a reason
 * that changes is seen, and one that flips between two is no flood. Pure.
 */
#ifndef REDIS_LINK_OUTAGE_H
#define REDIS_LINK_OUTAGE_H

#include <stddef.h>
#include <stdint.h>

#include "contract/bytes.h"
#include "redis/fault.h"

#define OUTAGE_REASONS_MAX 8 /* later ones are seen by the reminders */
#define OUTAGE_REMIND_FIRST_MS 60000
#define OUTAGE_REMIND_MAX_MS 3600000

enum outage_says {
    OUTAGE_SILENT,
    OUTAGE_REASON,
    OUTAGE_REMINDER
};

/* Zeroed: none. */
struct link_outage {
    int64_t failures; /* 0: there is no outage */
    int64_t began_ms;
    int64_t remind_at_ms;
    int64_t remind_every_ms;
    struct link_outage_reason {
        enum redis_fault fault;
        struct error_text why;
    } reasons[OUTAGE_REASONS_MAX];
    size_t reasons_len;
};

/* Notes a loss or a failed try to connect; what is to be said about it. */
enum outage_says link_outage_note(struct link_outage *outage, enum redis_fault fault,
                                  const char *why, int64_t now_ms);

#endif
