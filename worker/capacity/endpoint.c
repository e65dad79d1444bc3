#include <stdlib.h>
#include <string.h>

#include "capacity/internal.h"

struct origin *capacity_origin_find(const struct capacity *capacity, const char *name)
{
    struct origin *origin;

    HASH_FIND_STR(capacity->origins, name, origin);
    return origin;
}

struct capacity_endpoint *capacity_endpoint_find(const struct capacity *capacity, const char *name)
{
    struct capacity_endpoint *endpoint;

    HASH_FIND_STR(capacity->endpoints, name, endpoint);
    return endpoint;
}

static struct origin *origin_add(struct capacity *capacity, const char *name)
{
    size_t size = strlen(name) + 1;
    struct origin *origin = calloc(1, sizeof(*origin) + size);

    if (!origin)
        return NULL;
    memcpy(origin->name, name, size);
    TAILQ_INIT(&origin->runnable);
    HASH_ADD_STR(capacity->origins, name, origin);
    if (!origin->hh.tbl) {
        free(origin);
        return NULL;
    }
    return origin;
}

static void origin_remove_if_unused(struct capacity *capacity, struct origin *origin)
{
    if (origin->endpoints > 0)
        return;
    HASH_DEL(capacity->origins, origin);
    free(origin);
}

static struct capacity_endpoint *endpoint_add(struct capacity *capacity, struct origin *origin,
                                              const char *name)
{
    const struct capacity_limits *limits = &capacity->limits;
    size_t size = strlen(name) + 1;
    struct capacity_endpoint *endpoint = calloc(1, sizeof(*endpoint) + size);

    if (!endpoint)
        return NULL;
    memcpy(endpoint->name, name, size);
    TAILQ_INIT(&endpoint->waiters);
    HASH_ADD_STR(capacity->endpoints, name, endpoint);
    if (!endpoint->hh.tbl) {
        free(endpoint);
        return NULL;
    }
    concurrency_init(&endpoint->concurrency, limits->first_per_endpoint);
    endpoint->answered_at_ms = INT64_MIN;
    endpoint->origin = origin;
    origin->endpoints++;
    return endpoint;
}

static void endpoint_remove(struct capacity *capacity, struct capacity_endpoint *endpoint)
{
    struct origin *origin = endpoint->origin;

    HASH_DEL(capacity->endpoints, endpoint);
    free(endpoint);
    origin->endpoints--;
    origin_remove_if_unused(capacity, origin);
}

static void endpoint_end_idling(struct capacity *capacity, struct capacity_endpoint *endpoint)
{
    TAILQ_REMOVE(&capacity->idle, endpoint, idle_link);
    endpoint->is_idle = false;
    capacity->idle_len--;
}

static void endpoint_idle(struct capacity *capacity, struct capacity_endpoint *endpoint)
{
    struct capacity_endpoint *oldest = TAILQ_FIRST(&capacity->idle);

    if (capacity->idle_len == CAPACITY_IDLE_MAX) {
        endpoint_end_idling(capacity, oldest);
        endpoint_remove(capacity, oldest);
    }
    endpoint->is_idle = true;
    TAILQ_INSERT_TAIL(&capacity->idle, endpoint, idle_link);
    capacity->idle_len++;
}

void capacity_endpoint_rest_if_unused(struct capacity *capacity, struct capacity_endpoint *endpoint)
{
    bool is_fresh =
        concurrency_is_fresh(&endpoint->concurrency, capacity->limits.first_per_endpoint) &&
        endpoint->lane == LANE_FAST && !endpoint->is_congested && !endpoint->has_succeeded;

    if (endpoint->in_flight > 0 || endpoint->waiting > 0)
        return;
    if (is_fresh)
        endpoint_remove(capacity, endpoint);
    else
        endpoint_idle(capacity, endpoint);
}

struct capacity_endpoint *capacity_endpoint_get(struct capacity *capacity, const char *name,
                                                const char *origin_name)
{
    struct capacity_endpoint *endpoint = capacity_endpoint_find(capacity, name);
    struct origin *origin;

    if (endpoint) {
        if (endpoint->is_idle)
            endpoint_end_idling(capacity, endpoint);
        return endpoint;
    }
    origin = capacity_origin_find(capacity, origin_name);
    if (!origin)
        origin = origin_add(capacity, origin_name);
    if (!origin)
        return NULL;
    endpoint = endpoint_add(capacity, origin, name);
    if (!endpoint)
        origin_remove_if_unused(capacity, origin);
    return endpoint;
}

void capacity_forget_all(struct capacity *capacity)
{
    struct capacity_endpoint *endpoint, *next_endpoint;
    struct origin *origin, *next_origin;

    HASH_ITER(hh, capacity->endpoints, endpoint, next_endpoint) {
        HASH_DEL(capacity->endpoints, endpoint);
        free(endpoint);
    }
    HASH_ITER(hh, capacity->origins, origin, next_origin) {
        HASH_DEL(capacity->origins, origin);
        free(origin);
    }
}
