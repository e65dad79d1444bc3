#include "admin/log/summary.h"

#include <stdlib.h>

#include "contract/json_object.h"

static int compare(const void *a, const void *b)
{
    int64_t one = *(const int64_t *)a;
    int64_t other = *(const int64_t *)b;

    return (one > other) - (one < other);
}

bool log_summarize(const struct log_entries *entries, struct log_summary *ret_summary)
{
    struct log_summary summary = {.p50_ms = -1};
    int64_t *times = calloc(entries->len + 1, sizeof(*times));

    if (!times)
        return false;
    for (size_t i = 0; i < entries->len; i++) {
        const struct log_entry *entry = &entries->list[i];
        if (summary.since_ms == 0 || entry->at_ms < summary.since_ms)
            summary.since_ms = entry->at_ms;
        if (bytes_equal_text(entry->outcome, "delivered"))
            times[summary.delivered++] = entry->took_ms;
        else if (!bytes_equal_text(entry->outcome, "skipped"))
            summary.failed++;
    }
    summary.attempts = summary.delivered + summary.failed;
    if (summary.delivered > 0) {
        qsort(times, (size_t)summary.delivered, sizeof(*times), compare);
        summary.p50_ms = times[(summary.delivered - 1) / 2];
    }
    free(times);
    *ret_summary = summary;
    return true;
}

void log_summary_put_json(struct buffer *out, const struct log_summary *summary)
{
    if (summary->since_ms == 0) {
        buffer_append_text(out, "null");
        return;
    }
    object_begin(out);
    object_put_int(out, "since", summary->since_ms);
    object_put_int(out, "attempts", summary->attempts);
    object_put_int(out, "delivered", summary->delivered);
    object_put_int(out, "failed", summary->failed);
    if (summary->p50_ms >= 0)
        object_put_int(out, "p50_ms", summary->p50_ms);
    object_end(out);
}
