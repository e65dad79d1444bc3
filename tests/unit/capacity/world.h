/*
 * One worker in virtual time: arrivals, receivers, circuit breakers, retries and lanes in Redis
 * around the capacity module, for tests of what it gives to which. The seed decides all chance.
 */
#ifndef TESTS_CAPACITY_WORLD_H
#define TESTS_CAPACITY_WORLD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "capacity/capacity.h"
#include "receiver.h"

enum group {
    HEALTHY,   /* on the origin that is attacked */
    ELSEWHERE, /* on its address, and on another one */
    NEWCOMER,
    SPECIAL, /* honest, slow or busy */
    HOSTILE,
    GROUPS
};

#define DELAYS_MS 80000

struct figures {
    size_t offered;
    size_t started; /* deliveries of which a POST has started */
    size_t done;
    size_t again; /* POSTs of deliveries of which one had started before */
    size_t cuts;
    double held_s;                  /* time of places */
    uint32_t delays[DELAYS_MS + 1]; /* from arrival to the start of the POST, by ms */
};

struct world;

struct world_config {
    struct capacity_limits limits;
    double seconds;
    uint64_t seed;
    int64_t trip_us;   /* a claim's */
    bool all_in_redis; /* no arrival goes out at once */
};

struct world *world_new(const struct world_config *config);
void world_free(struct world *world);

/* Index of the lane of room, at address:port/path. */
size_t world_lane(struct world *world, const char *room, const char *address, unsigned port,
                  const char *path, struct receiver receiver, enum group group);

struct source {
    size_t first, lanes; /* which lanes */
    double rate;         /* events a second */
    double start;
    bool is_even;     /* in turn and at equal distances, else random */
    bool all_at_once; /* each event is for all lanes: a room */
    unsigned burst;   /* so many for each lane at the start */
    size_t most;      /* events in turn; 0: until the end */
};

void world_source(struct world *world, const struct source *source);
void world_run(struct world *world);

const struct figures *world_figures(const struct world *world, enum group group);
size_t world_claims(const struct world *world);
double world_in_time(const struct figures *figures);                /* %, POST within 3 s */
int64_t world_delay_ms(const struct figures *figures, double part); /* a quantile; 1: the most */

#endif
