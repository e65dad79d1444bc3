#include "admin/status/rates.h"

const char *const rates_names[RATES] = {"events", "delivered", "retries", "dead"};

void rates_update(struct rates *rates, const struct status *status)
{
    int64_t elapsed_ms = status->now_ms - rates->at_ms;

    rates->known = rates->at_ms > 0 && elapsed_ms > 0;
    for (size_t i = 0; i < RATES; i++) {
        int64_t now = status_counter(status, rates_names[i]);
        if (rates->known)
            rates->per_second[i] = (double)(now - rates->counters[i]) * 1000.0 / (double)elapsed_ms;
        rates->counters[i] = now;
    }
    rates->at_ms = status->now_ms;
}
