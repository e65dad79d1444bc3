#include "cli/terminal/human_text.h"

#include <inttypes.h>
#include <stdio.h>

const char *human_age(int64_t ms, char out[HUMAN_TEXT_SIZE])
{
    if (ms < 60000)
        (void)snprintf(out, HUMAN_TEXT_SIZE, "%.1fs", (double)ms / 1000.0);
    else if (ms < 3600000)
        (void)snprintf(out, HUMAN_TEXT_SIZE, "%" PRId64 "m", ms / 60000);
    else if (ms < 172800000)
        (void)snprintf(out, HUMAN_TEXT_SIZE, "%" PRId64 "h", ms / 3600000);
    else
        (void)snprintf(out, HUMAN_TEXT_SIZE, "%" PRId64 "d", ms / 86400000);
    return out;
}

const char *human_size(int64_t bytes, char out[HUMAN_TEXT_SIZE])
{
    static const char *const units[] = {"KB", "MB", "GB"};
    double amount = (double)bytes / 1024.0;
    size_t unit = 0;

    if (bytes < 1024) {
        (void)snprintf(out, HUMAN_TEXT_SIZE, "%" PRId64 " B", bytes);
        return out;
    }
    while (amount >= 1024.0 && unit + 1 < sizeof(units) / sizeof(units[0])) {
        amount /= 1024.0;
        unit++;
    }
    (void)snprintf(out, HUMAN_TEXT_SIZE, "%.1f %s", amount, units[unit]);
    return out;
}
