/*
 * What an attempt's result means. Pure: the table of docs/protocol.md as code.
 */
#ifndef DELIVERY_VERDICT_H
#define DELIVERY_VERDICT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "contract/dead_letter.h"
#include "http/attempt_result.h"

struct status_list {
    const int *at;
    size_t len;
};

struct verdict_policy {
    const int64_t *retry_schedule_ms; /* delay behind the 1st, 2nd, … failed attempt */
    size_t retry_schedule_len;
    int retry_jitter_percent;     /* 0..100: a delay is multiplied by 1 ± this */
    struct status_list success;   /* delivered, as 200 to 299 are: the setting's */
    struct status_list accept;    /* and the hook's */
    struct status_list permanent; /* dead rejected */
    int64_t max_age_ms;           /* the smaller of the setting's and the hook's */
    int64_t retry_after_max_ms;
};

enum verdict_kind {
    VERDICT_DELIVERED,
    VERDICT_RETRY,   /* after delay_ms; this was an attempt */
    VERDICT_DEAD,    /* for reason; this was an attempt */
    VERDICT_RELEASE, /* our own shortage: back to its place in its lane; this was no attempt */
    VERDICT_REQUEUE, /* no place at its address: back into its line; this was no attempt */
    VERDICT_REDO     /* at once on a fresh connection; this was no attempt. A fresh connection is
                        not checked for dirt; if it were dirty, hand in ATTEMPT_BROKEN */
};

struct verdict {
    enum verdict_kind kind;
    enum dead_reason reason; /* when DEAD */
    int64_t delay_ms;        /* when RETRY */
    int64_t pause_ms;        /* > 0: Retry-After on 429, 502, 503 or 504: pause the hook so long */
    bool disable_hook;       /* 410 */
    bool early_response;     /* a success before the whole request was sent */
};

/*
 * attempts counts this attempt (1 = the first). age_ms is the time since enqueueing; a retry that
 * would start later than max_age_ms ends as DEAD expired, one behind the schedule's end as DEAD
 * exhausted. A Retry-After of 429, 502, 503 or 504 (at most retry_after_max_ms) is never undercut:
 * jitter then only adds. seed is any random number.
 */
struct verdict verdict_of(const struct attempt_result *result, const struct verdict_policy *policy,
                          int attempts, int64_t age_ms, uint64_t seed);

#endif
