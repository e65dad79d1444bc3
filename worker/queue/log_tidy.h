/*
 * Keeping the logs of lanes (attempt_log.h) within the bytes that they may take together: what was
 * written longest ago goes first. It is run when a worker finds that they take more, and by the
 * leader, for logs that expired.
 */
#ifndef QUEUE_LOG_TIDY_H
#define QUEUE_LOG_TIDY_H

#include <stdbool.h>
#include <stdint.h>

#include "queue/queue.h"

#define LOG_LASTS_MS (INT64_C(7) * 24 * 3600 * 1000) /* after the last entry of a log */

struct log_tidy {
    struct queue *queue; /* borrowed */
    int64_t max_bytes;
    bool logs_all; /* so that what is known of newest attempts is true */
    bool running;
};

/* Deletes batch after batch until all is tidy. Nothing, when it is running. */
void log_tidy_run(struct log_tidy *tidy);

#endif
