/*
 * Delays with jitter. Pure: the random number comes from the caller.
 */
#ifndef BASE_BACKOFF_H
#define BASE_BACKOFF_H

#include <stdint.h>

/* base_ms · (1 ± percent/100), uniformly; percent 0..100. */
int64_t backoff_jitter(int64_t base_ms, int percent, uint64_t seed);

/* first_ms · 2^n, at most max_ms, then ± 50 %: for reconnects, deferrals and shortages. n counts
 * from 0. */
int64_t backoff_exponential(int64_t first_ms, int64_t max_ms, int n, uint64_t seed);

/* A small fast generator (splitmix64) for such seeds; not for secrets. */
uint64_t backoff_random(uint64_t *state);

#endif
