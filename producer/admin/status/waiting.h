/*
 * What waits in lanes: how many deliveries and lanes, and how old the oldest is.
 */
#ifndef ADMIN_STATUS_WAITING_H
#define ADMIN_STATUS_WAITING_H

#include <stdint.h>

#include "admin/status/ask.h"

/* Each may be STATUS_UNKNOWN. */
struct status_waiting {
    int64_t deliveries;
    int64_t lanes;      /* that have any */
    int64_t lanes_due;  /* of these, a worker is to look at now */
    int64_t lanes_shut; /* of these, its hook is open or disabled by workers */
    int64_t oldest_ms;  /* when the oldest event was sent that a delivery waits of; 0: none waits */
};

/* Of very many lanes the oldest is looked for in those that are due first. False with the failure
 * reported. */
bool status_waiting_read(struct session *session, int64_t now_ms,
                         struct status_waiting *ret_waiting, struct status_rights *missing);

#endif
