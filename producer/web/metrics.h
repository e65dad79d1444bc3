/*
 * The queue's numbers as Prometheus reads them (text format 0.0.4). Labels are only those that
 * cannot grow: queue, outcome, reason, kind, state, result, le. Pure.
 */
#ifndef WEB_METRICS_H
#define WEB_METRICS_H

#include "admin/status/read.h"

#define METRICS_TYPE "text/plain; version=0.0.4; charset=utf-8"

/* Of a queue that could be read. */
void metrics_put_status(struct buffer *out, const char *queue, const struct status *status);

/* Whether it could, and when it was read last: age_ms below 0 is never. */
void metrics_put_redis(struct buffer *out, const char *queue, bool is_up, int64_t age_ms);

#define METRICS_CLASSES 6 /* answers by status / 100 */

/* What this program answered. */
void metrics_put_answers(struct buffer *out, const int64_t counts[METRICS_CLASSES]);

#endif
