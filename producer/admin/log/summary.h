/*
 * What an attempt log says about a hook as a whole. Pure.
 */
#ifndef ADMIN_LOG_SUMMARY_H
#define ADMIN_LOG_SUMMARY_H

#include "admin/log/read.h"

struct log_summary {
    int64_t since_ms; /* of the oldest entry; 0: there is none */
    int64_t attempts;
    int64_t delivered;
    int64_t failed;
    int64_t p50_ms; /* how long half of the delivered ones took at most; -1: none was delivered */
};

/* Skipped deliveries only count for since_ms. Reorders nothing; false: no memory. */
bool log_summarize(const struct log_entries *entries, struct log_summary *ret_summary);

/* As an object; null when there is no entry. */
void log_summary_put_json(struct buffer *out, const struct log_summary *summary);

#endif
