/*
 * Sending delivered events again, a step at a time: those that workers with keep-delivered kept.
 * Each step is one script in Redis, which leaves nothing half done; cursor says where the next one
 * begins, also one of another program.
 */
#ifndef ADMIN_RESEND_RESEND_H
#define ADMIN_RESEND_RESEND_H

#include "admin/session.h"

#define RESEND_LOOKED_AT "1000" /* entries in one step; they are small */
#define RESEND_STEP 100         /* deliveries that are sent in one step, about */
#define RESEND_NO_END INT64_MAX /* the time of resend_begin */

struct resend_range {
    struct room_id room;
    const char *hook; /* NULL: each */
    int64_t since_ms; /* the first delivery that is meant */
    int64_t until_ms; /* the first that is meant no more */
};

struct resend_counts {
    int64_t events;
    int64_t deliveries;
    int64_t gone;       /* deliveries whose document is not kept any more */
    int64_t removed;    /* deliveries to hooks that were removed */
    int64_t unreadable; /* what no worker wrote */
};

struct resend {
    struct session *session;
    struct resend_range range;      /* until_ms is a time */
    char cursor[RH_STREAM_ID_SIZE]; /* the last kept entry that was looked at; "": none yet */
    bool ended;
    struct resend_counts counts; /* of all steps */
};

/* What is wrong with a range, or NULL. */
const char *resend_range_problem(const struct resend_range *range);

/* Begins behind the entry after, or with NULL at the start. False with the failure reported:
 * nothing is kept here, or there is no such room or hook. */
bool resend_begin(struct resend *resend, struct session *session, const struct resend_range *range,
                  const char *after);

/* Sends up to about limit deliveries again, or only counts them. False with the failure reported;
 * the step may have been done if no answer came. */
bool resend_step(struct resend *resend, bool dry_run, int64_t limit);

/* Steps until the end, counting only, and goes back to where it was. False with the failure
 * reported, also when there is no such room. */
bool resend_count(struct resend *resend, struct resend_counts *ret_counts);

#endif
