#include "http/lookups.h"

#include <string.h>

void lookups_init(struct lookups *lookups, uint64_t seed)
{
    memset(lookups, 0, sizeof(*lookups));
    lookups->seed = seed;
}

/* FNV-1a from a secret start, its high bits mixed into the low ones; never 0. */
static uint64_t hash_of(const struct lookups *lookups, struct bytes text)
{
    uint64_t hash = lookups->seed ^ 14695981039346656037u;

    for (size_t i = 0; i < text.len; i++)
        hash = (hash ^ (unsigned char)text.data[i]) * 1099511628211u;
    hash ^= hash >> 32;
    return hash != 0 ? hash : 1;
}

static size_t max_for(const struct lookups *lookups, uint64_t host)
{
    size_t place = host % LOOKUPS_REMEMBERED;

    if (lookups->known[place].host != host)
        return LOOKUPS_MAX - LOOKUPS_KEPT;
    return lookups->known[place].answered ? LOOKUPS_MAX : LOOKUPS_MAX - 2 * LOOKUPS_KEPT;
}

/* What fails does not displace what works. */
static void remember(struct lookups *lookups, uint64_t host, bool answered)
{
    size_t place = host % LOOKUPS_REMEMBERED;

    if (!answered && lookups->known[place].answered && lookups->known[place].host != host)
        return;
    lookups->known[place].host = host;
    lookups->known[place].answered = answered;
}

static void forget_lost(struct lookups *lookups, int64_t now_ms)
{
    size_t kept = 0;

    for (size_t i = 0; i < lookups->running_len; i++) {
        if (now_ms - lookups->running[i].began_ms < LOOKUPS_LOST_MS)
            lookups->running[kept++] = lookups->running[i];
    }
    lookups->running_len = kept;
}

static bool has_room(struct lookups *lookups, uint64_t host, uint64_t owner, int64_t now_ms)
{
    size_t max = max_for(lookups, host);
    size_t max_of_host = max == LOOKUPS_MAX ? LOOKUPS_PER_HOST : 1;
    size_t of_host = 0;
    size_t of_owner = 0;

    forget_lost(lookups, now_ms);
    for (size_t i = 0; i < lookups->running_len; i++) {
        of_host += lookups->running[i].host == host ? 1 : 0;
        of_owner += lookups->running[i].owner == owner ? 1 : 0;
    }
    return of_host < max_of_host && lookups->running_len + LOOKUPS_OWNER_PART * of_owner < max;
}

uint64_t lookups_owner(const struct lookups *lookups, struct bytes owner)
{
    return hash_of(lookups, owner);
}

bool lookups_have_room(struct lookups *lookups, const char *host, uint64_t owner, int64_t now_ms)
{
    return has_room(lookups, hash_of(lookups, bytes_of(host)), owner, now_ms);
}

int64_t lookups_begin(struct lookups *lookups, const char *host, uint64_t owner, int64_t now_ms)
{
    uint64_t hash = hash_of(lookups, bytes_of(host));

    if (!has_room(lookups, hash, owner, now_ms))
        return 0;
    lookups->running[lookups->running_len].id = ++lookups->last_id;
    lookups->running[lookups->running_len].began_ms = now_ms;
    lookups->running[lookups->running_len].host = hash;
    lookups->running[lookups->running_len].owner = owner;
    lookups->running_len++;
    return lookups->last_id;
}

void lookups_end(struct lookups *lookups, int64_t id, bool answered)
{
    for (size_t i = 0; i < lookups->running_len; i++) {
        if (lookups->running[i].id != id)
            continue;
        remember(lookups, lookups->running[i].host, answered);
        lookups->running[i] = lookups->running[--lookups->running_len];
        return;
    }
}
