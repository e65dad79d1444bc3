#include "histogram.h"

#include <inttypes.h>
#include <time.h>

#define SUB_BITS 5 /* 32 buckets for each doubling */
#define SUBS (1u << SUB_BITS)

static unsigned bucket_of(uint64_t us)
{
    if (us < SUBS)
        return (unsigned)us;
    unsigned shift = 63u - (unsigned)__builtin_clzll(us) - SUB_BITS;
    unsigned bucket = (shift + 1) * SUBS + (unsigned)(us >> shift) - SUBS;
    return bucket < HISTOGRAM_BUCKETS ? bucket : HISTOGRAM_BUCKETS - 1;
}

static int64_t end_of(unsigned bucket)
{
    if (bucket < SUBS)
        return bucket;
    unsigned shift = bucket / SUBS - 1;
    return (int64_t)(((uint64_t)(bucket % SUBS + SUBS + 1) << shift) - 1);
}

void histogram_add(struct histogram *histogram, int64_t us)
{
    if (us < 0)
        us = 0;
    histogram->total++;
    histogram->counts[bucket_of((uint64_t)us)]++;
    if (us > histogram->max_us)
        histogram->max_us = us;
}

void histogram_merge(struct histogram *into, const struct histogram *from)
{
    into->total += from->total;
    if (from->max_us > into->max_us)
        into->max_us = from->max_us;
    for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++)
        into->counts[i] += from->counts[i];
}

int64_t histogram_at(const struct histogram *histogram, unsigned per_mille)
{
    uint64_t wanted = (histogram->total * per_mille + 999) / 1000;
    uint64_t seen = 0;
    if (histogram->total == 0)
        return 0;
    for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++) {
        seen += histogram->counts[i];
        if (seen >= wanted && seen > 0)
            return end_of(i) < histogram->max_us ? end_of(i) : histogram->max_us;
    }
    return histogram->max_us;
}

void histogram_print(const struct histogram *histogram, FILE *out)
{
    fprintf(out,
            "{\"count\":%" PRIu64 ",\"p50\":%" PRId64 ",\"p90\":%" PRId64 ",\"p99\":%" PRId64
            ",\"p999\":%" PRId64 ",\"max\":%" PRId64 "}",
            histogram->total, histogram_at(histogram, 500), histogram_at(histogram, 900),
            histogram_at(histogram, 990), histogram_at(histogram, 999), histogram->max_us);
}

int64_t wall_now_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}
