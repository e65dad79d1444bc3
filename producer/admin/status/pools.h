/*
 * Pools of workers, put together from the heartbeats of those that are alive. Pure.
 */
#ifndef ADMIN_STATUS_POOLS_H
#define ADMIN_STATUS_POOLS_H

#include <stddef.h>
#include <stdint.h>

#include "contract/bytes.h"

#define STATUS_HOST_SIZE 80
#define STATUS_PLACES_MAX 64 /* of one pool */

struct status_pool {
    char host[STATUS_HOST_SIZE]; /* printable */
    int64_t pid;                 /* of the parent */
    int64_t processes;           /* how many workers there should be */
    int64_t alive;               /* places that have one */
    int64_t restarts;            /* in all places together */
    int64_t in_flight;
    struct {
        int64_t lives; /* 0: nobody was seen there */
        int64_t in_flight;
    } places[STATUS_PLACES_MAX];
};

struct status_pools {
    struct status_pool *list;
    size_t len;
    size_t size;
};

/* Adds what one heartbeat says. A place that was seen before counts once, by its latest life: the
 * heartbeat of a crashed worker is there for a while. One of a lone worker, or one that is not
 * readable, adds nothing. -1: out of memory. */
int status_pools_add(struct status_pools *pools, struct bytes heartbeat);
void status_pools_release(struct status_pools *pools);

#endif
