/*
 * How many requests at a time one receiver is given: it earns more by succeeding and loses half by
 * failing (additive increase, multiplicative decrease: Chiu and Jain 1989; with the slow start and
 * the one cut for each round of TCP, RFC 5681). Pure.
 */
#ifndef CAPACITY_CONCURRENCY_H
#define CAPACITY_CONCURRENCY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct concurrency {
    double limit;
    bool has_failed; /* grows slowly from the first failure on */
    int64_t cut_at_ms;
};

void concurrency_init(struct concurrency *concurrency, size_t first);

size_t concurrency_limit(const struct concurrency *concurrency);

/* A success while in_flight requests, this one included, were under way. Only a lane that uses its
 * limit gets a higher one: by 1, so that it doubles with each round, until the first failure; from
 * then on by 1 for each round. */
void concurrency_grow(struct concurrency *concurrency, size_t in_flight, size_t max);

/* A failure of a request that began at began_ms. Those that were already under way at the last cut
 * tell nothing new. Never below 1. */
void concurrency_cut(struct concurrency *concurrency, int64_t began_ms, int64_t now_ms);

#endif
