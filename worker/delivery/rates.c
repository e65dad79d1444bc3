#include "delivery/rates.h"

#include <stdlib.h>
#include <string.h>
#include <uthash.h>

struct rate {
    UT_hash_handle hh;
    int64_t interval_us;
    char lane[];
};

static void forget(struct rates *rates, struct rate *rate)
{
    HASH_DEL(rates->table, rate);
    free(rate);
}

static struct rate *find(const struct rates *rates, const char *lane)
{
    struct rate *rate = NULL;
    HASH_FIND_STR(rates->table, lane, rate);
    return rate;
}

void rates_note(struct rates *rates, const char *lane, int64_t interval_us)
{
    struct rate *rate = find(rates, lane);
    size_t size = strlen(lane) + 1;
    if (rate != NULL) {
        rate->interval_us = interval_us;
        return;
    }
    rate = calloc(1, sizeof(*rate) + size);
    if (rate == NULL)
        return;
    rate->interval_us = interval_us;
    memcpy(rate->lane, lane, size);
    HASH_ADD_STR(rates->table, lane, rate);
    if (rate->hh.tbl == NULL)
        free(rate);
    else if (HASH_COUNT(rates->table) > RATES_MAX)
        forget(rates, rates->table);
}

int64_t rates_find(const struct rates *rates, const char *lane)
{
    const struct rate *rate = find(rates, lane);
    return rate == NULL ? 0 : rate->interval_us;
}

void rates_release(struct rates *rates)
{
    while (rates->table != NULL)
        forget(rates, rates->table);
}
