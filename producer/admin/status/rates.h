/*
 * How fast some counters grow, from one look at the queue to the next. Pure.
 */
#ifndef ADMIN_STATUS_RATES_H
#define ADMIN_STATUS_RATES_H

#include <stdbool.h>
#include <stdint.h>

#include "admin/status/read.h"

#define RATES 4

extern const char *const rates_names[RATES]; /* of the counters */

struct rates {
    int64_t at_ms; /* of Redis; 0: no look before */
    int64_t counters[RATES];
    double per_second[RATES];
    bool known;
};

void rates_update(struct rates *rates, const struct status *status);

#endif
