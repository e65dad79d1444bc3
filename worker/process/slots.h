/*
 * What the workers of a pool tell their parent: memory that all share, made before they are, one
 * slot for each. Only its worker writes a slot, while it lives; the parent reads it, and prepares
 * it for the next.
 *
 * The parent believes none of it: workers talk to strangers. It decides by numbers in their range
 * and shows texts escaped; whom to signal and wait for it keeps for itself.
 */
#ifndef PROCESS_SLOTS_H
#define PROCESS_SLOTS_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/counters.h"
#include "contract/keys.h"
#include "process/state.h"

struct pool_slot {
    _Alignas(64) _Atomic(int) state; /* one of process_state */
    _Atomic(int64_t) turned_at_ms;   /* when the loop last said that it turns; CLOCK_MONOTONIC */
    _Atomic(int64_t) in_flight;      /* then */
    char consumer[CONSUMER_NAME_SIZE];
    struct counters counters;
};

/* The memory of len slots; NULL: none. */
struct pool_slot *pool_slots_new(size_t len);
void pool_slots_free(struct pool_slot *slots, size_t len);

/* For a worker's next life: as at the start, but for counts that the last one had not sent yet. */
void pool_slot_prepare(struct pool_slot *slot, int64_t now_ms);

enum process_state pool_slot_state(const struct pool_slot *slot); /* always one of them */

/* A worker's place in its pool: all it has to know of it. */
struct pool_place {
    struct pool_slot *slot;
    pid_t parent;
    int number;    /* 1.. */
    int processes; /* how many places there are */
    int restarts;  /* lives before this one */
    int64_t pulse_ms;
};

/* Members of the worker's heartbeat that name its place: ",\"pool\":4711,\"process\":1,…". */
#define POOL_PLACE_TEXT_SIZE 112
void pool_place_text(const struct pool_place *place, char out[POOL_PLACE_TEXT_SIZE]);

/* The worker's side: what it is now, and that its loop turns. The parent looks at a change
 * at once. */
void pool_place_change(const struct pool_place *place, enum process_state state);
void pool_place_turn(const struct pool_place *place, int64_t now_ms, size_t in_flight);

#endif
