/*
 * The rates of hooks that came with their events, by lane: a claim has to name them, and there is
 * no room whose hooks could be asked. The latest RATES_MAX; one that is forgotten is learnt again
 * from the next delivery. Pure.
 */
#ifndef DELIVERY_RATES_H
#define DELIVERY_RATES_H

#include <stdint.h>

#define RATES_MAX 4096

struct rate;

struct rates {
    struct rate *table; /* uthash, the one noted longest ago first */
};

void rates_note(struct rates *rates, const char *lane, int64_t interval_us);
int64_t rates_find(const struct rates *rates, const char *lane); /* 0: none is known */
void rates_release(struct rates *rates);

#endif
