#include "admin/status/pools.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define NUMBER_MAX INT64_C(1000000000)

/* What a worker says of its place. */
struct claim {
    char host[STATUS_HOST_SIZE];
    int64_t pid;
    int64_t process;
    int64_t processes;
    int64_t restarts;
    int64_t in_flight;
};

static bool take_number(const json_t *json, const char *name, int64_t min, int64_t max,
                        int64_t *ret_value)
{
    const json_t *member = json_object_get(json, name);

    if (!json_is_integer(member) || json_integer_value(member) < min ||
        json_integer_value(member) > max)
        return false;
    *ret_value = json_integer_value(member);
    return true;
}

static bool read_claim(struct bytes heartbeat, struct claim *ret_claim)
{
    json_t *json = json_loadb(heartbeat.data, heartbeat.len, 0, NULL);
    const char *host = json_string_value(json_object_get(json, "host"));
    bool ok = host != NULL && take_number(json, "pool", 1, INT32_MAX, &ret_claim->pid) &&
              take_number(json, "processes", 1, STATUS_PLACES_MAX, &ret_claim->processes) &&
              take_number(json, "process", 1, ret_claim->processes, &ret_claim->process) &&
              take_number(json, "restarts", 0, NUMBER_MAX, &ret_claim->restarts) &&
              take_number(json, "in_flight", 0, NUMBER_MAX, &ret_claim->in_flight);

    if (ok)
        bytes_printable(bytes_of(host), ret_claim->host, sizeof(ret_claim->host));
    json_decref(json);
    return ok;
}

/* The pool that is meant, which may be new; NULL: out of memory. */
static struct status_pool *find_pool(struct status_pools *pools, const struct claim *claim)
{
    for (size_t i = 0; i < pools->len; i++) {
        struct status_pool *pool = &pools->list[i];
        if (pool->pid == claim->pid && pool->processes == claim->processes &&
            strcmp(pool->host, claim->host) == 0)
            return pool;
    }
    if (pools->len == pools->size) {
        size_t size = pools->size == 0 ? 4 : pools->size * 2;
        struct status_pool *list = realloc(pools->list, size * sizeof(*list));
        if (!list)
            return NULL;
        pools->list = list;
        pools->size = size;
    }
    struct status_pool *pool = &pools->list[pools->len++];
    *pool = (struct status_pool){.pid = claim->pid, .processes = claim->processes};
    memcpy(pool->host, claim->host, sizeof(pool->host));
    return pool;
}

int status_pools_add(struct status_pools *pools, struct bytes heartbeat)
{
    struct claim claim;

    if (!read_claim(heartbeat, &claim))
        return 0;
    struct status_pool *pool = find_pool(pools, &claim);
    if (!pool)
        return -1;
    int64_t lives = pool->places[claim.process - 1].lives;
    if (claim.restarts + 1 <= lives)
        return 0;
    pool->alive += lives == 0;
    pool->restarts += claim.restarts - (lives == 0 ? 0 : lives - 1);
    pool->in_flight += claim.in_flight - pool->places[claim.process - 1].in_flight;
    pool->places[claim.process - 1].lives = claim.restarts + 1;
    pool->places[claim.process - 1].in_flight = claim.in_flight;
    return 0;
}

void status_pools_release(struct status_pools *pools)
{
    free(pools->list);
    *pools = (struct status_pools){NULL, 0, 0};
}
