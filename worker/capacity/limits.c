#include <stdlib.h>
#include <string.h>

#include "capacity/internal.h"

static struct capacity_limit *limit_new(enum capacity_level level, const char *name, size_t places)
{
    size_t size = strlen(name) + 1;
    struct capacity_limit *limit = calloc(1, sizeof(*limit) + size);

    if (!limit)
        return NULL;
    memcpy(limit->name, name, size);
    limit->level = level;
    limit->places = most(places, 1);
    for (int ring = 0; ring < RINGS; ring++)
        TAILQ_INIT(&limit->rings[ring]);
    for (int late = 0; late < LATES; late++)
        TAILQ_INIT(&limit->late[late]);
    TAILQ_INIT(&limit->capped);
    return limit;
}

struct capacity_limit *limit_get(struct capacity *capacity, enum capacity_level level,
                                 const char *name, size_t places)
{
    struct capacity_limit *limit;

    HASH_FIND_STR(capacity->named[level], name, limit);
    if (!limit) {
        limit = limit_new(level, name, places);
        if (!limit)
            return NULL;
        HASH_ADD_STR(capacity->named[level], name, limit);
        if (!limit->hh.tbl) {
            free(limit);
            return NULL;
        }
    }
    limit->references++;
    return limit;
}

void limit_unref(struct capacity *capacity, struct capacity_limit *limit)
{
    while (limit && --limit->references == 0) {
        struct capacity_limit *address = limit->address;

        limit_clear_dirty(capacity, limit);
        limit_clear_suspect(capacity, limit);
        HASH_DEL(capacity->named[limit->level], limit);
        free(limit);
        limit = address;
    }
}

size_t limit_quarter(const struct capacity_limit *limit)
{
    return most(limit->places / 4, 1);
}

size_t limit_seven_eighths(const struct capacity_limit *limit)
{
    return most(limit->places * 7 / 8, 1);
}

bool limit_admits(const struct capacity_limit *limit, int ring)
{
    size_t slow = limit->counts[CAPACITY_SLOW];

    if (limit->in_flight >= limit->places)
        return false;
    if (ring == CAPACITY_QUICK || ring == CAPACITY_STALE || ring == CAPACITY_MEDIUM)
        return true;
    if (limit->counts[CAPACITY_UNTRIED] + slow >= limit_seven_eighths(limit))
        return false;
    return ring != RING_PROTECTED || slow < limit_quarter(limit);
}

static bool has_patient(const struct capacity_limit *limit)
{
    return limit->patient[CAPACITY_QUICK] > 0 || limit->patient[CAPACITY_STALE] > 0 ||
           limit->patient[CAPACITY_MEDIUM] > 0 || limit->patient[CAPACITY_UNTRIED] > 0;
}

void limit_make_dirty(struct capacity *capacity, struct capacity_limit *limit)
{
    if (limit->is_dirty || (limit->waiting_len == 0 && TAILQ_EMPTY(&limit->capped)))
        return;
    limit->is_dirty = true;
    TAILQ_INSERT_TAIL(&capacity->dirty, limit, dirty);
}

void limit_suspect(struct capacity *capacity, struct capacity_limit *limit)
{
    if (limit->is_suspect || !has_patient(limit))
        return;
    limit->is_suspect = true;
    TAILQ_INSERT_TAIL(&capacity->suspect, limit, suspect);
}

void limit_clear_dirty(struct capacity *capacity, struct capacity_limit *limit)
{
    if (!limit->is_dirty)
        return;
    limit->is_dirty = false;
    TAILQ_REMOVE(&capacity->dirty, limit, dirty);
}

void limit_clear_suspect(struct capacity *capacity, struct capacity_limit *limit)
{
    if (!limit->is_suspect)
        return;
    limit->is_suspect = false;
    TAILQ_REMOVE(&capacity->suspect, limit, suspect);
}
