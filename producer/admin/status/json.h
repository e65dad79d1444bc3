/*
 * The status as JSON.
 */
#ifndef ADMIN_STATUS_JSON_H
#define ADMIN_STATUS_JSON_H

#include "admin/status/rates.h"
#include "admin/status/read.h"

/* One object. */
void status_put_json(struct buffer *out, const char *queue, const struct status *status,
                     const struct rates *rates);

/* A list of workers: name and heartbeat. */
void status_put_workers(struct buffer *out, const struct status *status);

#endif
