#include "process/slots.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

struct pool_slot *pool_slots_new(size_t len)
{
    void *memory = mmap(NULL, len * sizeof(struct pool_slot), PROT_READ | PROT_WRITE,
                        MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    return memory == MAP_FAILED ? NULL : memory;
}

void pool_slots_free(struct pool_slot *slots, size_t len)
{
    if (slots != NULL)
        (void)munmap(slots, len * sizeof(struct pool_slot));
}

void pool_slot_prepare(struct pool_slot *slot, int64_t now_ms)
{
    counters_inherit(&slot->counters);
    memset(slot->consumer, 0, sizeof(slot->consumer));
    atomic_store(&slot->in_flight, 0);
    atomic_store(&slot->turned_at_ms, now_ms);
    atomic_store(&slot->state, PROCESS_STARTING);
}

enum process_state pool_slot_state(const struct pool_slot *slot)
{
    int state = atomic_load(&slot->state);
    return state >= 0 && state < PROCESS_STATES ? (enum process_state)state : PROCESS_STARTING;
}

void pool_place_text(const struct pool_place *place, char out[POOL_PLACE_TEXT_SIZE])
{
    snprintf(out, POOL_PLACE_TEXT_SIZE,
             ",\"pool\":%ld,\"process\":%d,\"processes\":%d,\"restarts\":%d", (long)place->parent,
             place->number, place->processes, place->restarts);
}

void pool_place_change(const struct pool_place *place, enum process_state state)
{
    atomic_store(&place->slot->state, (int)state);
    /* A parent that died has another process' number soon, but not yet. */
    if (getppid() == place->parent)
        (void)kill(place->parent, SIGUSR1);
}

void pool_place_turn(const struct pool_place *place, int64_t now_ms, size_t in_flight)
{
    atomic_store(&place->slot->in_flight, (int64_t)in_flight);
    atomic_store(&place->slot->turned_at_ms, now_ms);
}
