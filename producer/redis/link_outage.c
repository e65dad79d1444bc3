#include "redis/link_outage.h"

#include <string.h>

static bool is_said(const struct link_outage *outage, enum redis_fault fault, const char *why)
{
    for (size_t i = 0; i < outage->reasons_len; i++) {
        if (outage->reasons[i].fault == fault && strcmp(outage->reasons[i].why.text, why) == 0)
            return true;
    }
    return false;
}

static void begin(struct link_outage *outage, int64_t now_ms)
{
    outage->began_ms = now_ms;
    outage->remind_every_ms = OUTAGE_REMIND_FIRST_MS;
    outage->remind_at_ms = now_ms + outage->remind_every_ms;
}

enum outage_says link_outage_note(struct link_outage *outage, enum redis_fault fault,
                                  const char *why, int64_t now_ms)
{
    struct error_text text; /* cut as the ones that are kept */

    error_text_set(&text, "%s", why);
    if (outage->failures++ == 0)
        begin(outage, now_ms);
    if (outage->reasons_len < OUTAGE_REASONS_MAX && !is_said(outage, fault, text.text)) {
        outage->reasons[outage->reasons_len++] = (struct link_outage_reason){fault, text};
        return OUTAGE_REASON;
    }
    if (now_ms < outage->remind_at_ms)
        return OUTAGE_SILENT;
    if (outage->remind_every_ms < OUTAGE_REMIND_MAX_MS / 2)
        outage->remind_every_ms *= 2;
    else
        outage->remind_every_ms = OUTAGE_REMIND_MAX_MS;
    outage->remind_at_ms = now_ms + outage->remind_every_ms;
    return OUTAGE_REMINDER;
}
