#include "base/backoff.h"

uint64_t backoff_random(uint64_t *state)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15U;

    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9U;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebU;
    return z ^ (z >> 31);
}

int64_t backoff_jitter(int64_t base_ms, int percent, uint64_t seed)
{
    int64_t share, spread;
    uint64_t delay;

    if (base_ms <= 0)
        return 0;
    share = percent < 0 ? 0 : percent > 100 ? 100 : percent;
    /* Split, so that no product passes base_ms. */
    spread = base_ms / 100 * share + base_ms % 100 * share / 100;
    delay = (uint64_t)(base_ms - spread) + backoff_random(&seed) % ((uint64_t)spread * 2 + 1);
    return delay > INT64_MAX ? INT64_MAX : (int64_t)delay;
}

int64_t backoff_exponential(int64_t first_ms, int64_t max_ms, int n, uint64_t seed)
{
    int64_t delay = first_ms < max_ms ? first_ms : max_ms;

    for (int i = 0; i < n && delay > 0 && delay < max_ms; i++)
        delay = delay > max_ms / 2 ? max_ms : delay * 2;
    return backoff_jitter(delay, 50, seed);
}
