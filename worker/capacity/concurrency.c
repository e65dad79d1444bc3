#include "capacity/concurrency.h"

void concurrency_init(struct concurrency *concurrency, size_t first)
{
    *concurrency = (struct concurrency){.limit = (double)first, .cut_at_ms = INT64_MIN};
}

size_t concurrency_limit(const struct concurrency *concurrency)
{
    return (size_t)concurrency->limit;
}

void concurrency_grow(struct concurrency *concurrency, size_t in_flight, size_t max)
{
    if (in_flight < concurrency_limit(concurrency))
        return;
    concurrency->limit += concurrency->has_failed ? 1 / concurrency->limit : 1;
    if (concurrency->limit > (double)max)
        concurrency->limit = (double)max;
}

void concurrency_cut(struct concurrency *concurrency, int64_t began_ms, int64_t now_ms)
{
    if (began_ms <= concurrency->cut_at_ms)
        return;
    concurrency->limit = concurrency->limit > 2 ? concurrency->limit / 2 : 1;
    concurrency->has_failed = true;
    concurrency->cut_at_ms = now_ms;
}
