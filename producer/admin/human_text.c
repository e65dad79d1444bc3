#include "admin/human_text.h"

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

/* As human_age, but whole seconds: a time at a glance. */
static void put_distance(int64_t ms, const char *before, const char *behind, char *out)
{
    char age[HUMAN_TEXT_SIZE];

    if (ms < 60000)
        (void)snprintf(age, sizeof(age), "%" PRId64 "s", ms / 1000);
    else
        (void)human_age(ms, age);
    (void)snprintf(out, HUMAN_TEXT_SIZE, "%s%.20s%s", before, age, behind);
}

const char *human_when(int64_t at_ms, int64_t now_ms, char out[HUMAN_TEXT_SIZE])
{
    out[0] = '\0';
    if (at_ms <= 0)
        return out;
    if (at_ms <= now_ms - 1000)
        put_distance(now_ms - at_ms, "", " ago", out);
    else if (at_ms >= now_ms + 1000)
        put_distance(at_ms - now_ms, "in ", "", out);
    else
        (void)snprintf(out, HUMAN_TEXT_SIZE, "now");
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
