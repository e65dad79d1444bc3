/*
 * Counts of durations in µs, in buckets that are at most 1/32 of their value wide, up to 19 hours.
 * Zeroed memory is an empty histogram.
 */
#ifndef BENCH_HISTOGRAM_H
#define BENCH_HISTOGRAM_H

#include <stdint.h>
#include <stdio.h>

#define HISTOGRAM_BUCKETS 1056

struct histogram {
    uint64_t total;
    int64_t max_us;
    uint32_t counts[HISTOGRAM_BUCKETS];
};

/* A negative duration, by clocks that were set, counts as 0. */
void histogram_add(struct histogram *histogram, int64_t us);

void histogram_merge(struct histogram *into, const struct histogram *from);

/* The upper end of the bucket that the given part per 1000 of all durations are not above; 0 when
 * there are none. */
int64_t histogram_at(const struct histogram *histogram, unsigned per_mille);

/* As a JSON object: count, p50, p90, p99, p999 and max. */
void histogram_print(const struct histogram *histogram, FILE *out);

/* Microseconds since 1970, as producers write them into event ids. */
int64_t wall_now_us(void);

#endif
