/*
 * How a queue is, read in one go.
 */
#ifndef ADMIN_STATUS_READ_H
#define ADMIN_STATUS_READ_H

#include <stdint.h>

#include "admin/status/ask.h"
#include "admin/status/pools.h"
#include "admin/status/waiting.h"
#include "base/counters.h"

#define STATUS_WORKERS_MAX 512 /* consumers looked at */

/* Answers are kept as they came; the numbers are what they mean, or STATUS_UNKNOWN. */
struct status {
    struct status_rights missing; /* the user has no right to ask for all */
    int64_t now_ms;               /* of Redis, or of this machine when that is not known */
    int64_t backlog;              /* events nobody has read */
    int64_t in_flight;
    struct status_waiting waiting;
    int64_t dead;
    int64_t oldest_age_ms; /* of the oldest event in the stream; -1 when there is none */
    struct reply *consumers;
    struct reply *counters; /* names and values in turn */
    struct reply *times;    /* the same: what attempts and deliveries took, in buckets */
    bool knows_workers;
    bool knows_counters;
    size_t workers_len; /* alive: their heartbeats are there */
    struct status_worker {
        struct bytes name;       /* in consumers */
        struct reply *heartbeat; /* its text is JSON */
    } workers[STATUS_WORKERS_MAX];
    struct status_pools pools;
};

/* A missing stream or group is zeros, what the user has no right to is unknown. False with the
 * failure reported, and nothing to release. */
bool status_read(struct session *session, struct status *ret_status);
void status_release(struct status *status);

/* Of the oldest event that a delivery waits of; -1 when none waits. */
int64_t status_waiting_age_ms(const struct status *status);

int64_t status_counter(const struct status *status, const char *name);  /* 0 when not there */
int64_t status_time(const struct status *status, enum counter counter); /* of times; the same */

#endif
