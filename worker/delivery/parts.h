/*
 * The pipeline's parts and what its files share. Each file calls only those below it:
 *
 *   pipeline     the parts joined; the turn, which starts all work; liveness and draining
 *   suspects     what may have ended a worker runs alone
 *   claims       lanes that are due: whose hook is it, how much is claimed
 *   claimed      a claimed delivery becomes an entry
 *   arrival      from what Redis gave to an event and its deliveries
 *   admit        may a delivery be sent now, and does it go out at once
 *   dispatch     what has its turn is sent, unless something changed meanwhile
 *   transports   the HTTP clients, one for each way to reach receivers
 *   attempt      one POST and what it comes to
 *   conclude     a delivery gets its outcome
 *   test_reply   that of a test event, reported to its sender
 *   settlement   outcomes as the scripts want them; the end of entries; detaching
 *   entries      what there is, and in which state
 *
 * Callbacks change states and arm the turn.
 */
#ifndef DELIVERY_PARTS_H
#define DELIVERY_PARTS_H

#include "base/loop.h"
#include "capacity/capacity.h"
#include "delivery/entries.h"
#include "delivery/rates.h"
#include "delivery/sparing.h"
#include "delivery/transports.h"
#include "delivery/verdict.h"
#include "hooks/registry.h"
#include "http/client.h"
#include "queue/attempt_log.h"
#include "queue/intake.h"
#include "queue/keep.h"
#include "queue/lanes.h"
#include "queue/settle.h"
#include "settings/settings.h"

#define LEASE_MARGIN_MS 5000 /* a lease lasts timeout + this */
#define START_MARGIN_MS 2000 /* a POST starts only with timeout + this left of its lease */
#define DETACH_AFTER_MS 1000 /* an entry waits so long for its last deliveries */
#define DETACH_SOON_MS 20    /* when one of them waits to be written into its lane */
#define CUTS_MAX 2 /* a delivery is given up for others so often without using an attempt */

struct visits;

struct pipeline {
    struct loop *loop;
    struct queue *queue;
    struct redis_link *reader;
    const struct address_guard *guard;
    const struct settings *settings;
    struct intake *intake;
    struct registry *registry;
    struct capacity *capacity;
    struct transports transports;
    struct settle *settle;
    struct lanes *lanes;
    struct attempt_log *log;
    struct keep *keep;
    struct visits *visits; /* claims.c's */
    struct verdict_policy policy;
    int64_t lease_ms;
    uint64_t random;
    bool draining;
    struct sparing sparing[SPARING_KINDS];

    struct entries entries;
    int64_t alive_until_ms; /* our heartbeat holds so long, monotonic */
    int64_t redis_ahead_ms; /* of loop_now_ms(): Redis' clock at the last heartbeat */
    double hooks_an_event;  /* of those read lately */
    int64_t read_at_ms;     /* the last of them, monotonic */
    int shortages;          /* of our own, in a row */
    int64_t short_until_ms; /* what met the last of them waits so long, monotonic */
    int64_t swept_at_ms;    /* lines were looked through for what waits too long */
    struct rates inline_rates;
    struct entry *running_alone; /* a suspect; NULL: none */
    struct loop_timer detach_timer;
    struct loop_timer ask_timer; /* entries were left pending because their hooks are not known */
    int64_t left_at_ms;          /* the last of them */
    int lookup_failures;         /* that ask_timer waited out, the longer the more */
    struct loop_timer capacity_timer;
    struct loop_timer line_timer; /* something is in a line */
    struct loop_timer suspect_timer;
    struct loop_turn turn;
};

/* In pipeline.c's header-only reach: facts that several files ask for. */
static inline void pipeline_arm(struct pipeline *pipeline)
{
    loop_turn_arm(&pipeline->turn);
}

/* Events are dated by Redis' clock: ours may be wrong. */
static inline int64_t pipeline_age_ms(const struct pipeline *pipeline, const struct entry *entry)
{
    return loop_now_ms() + pipeline->redis_ahead_ms - entry->queued_at_ms;
}

static inline int64_t pipeline_smaller(int64_t setting, int64_t of_hook)
{
    return of_hook > 0 && of_hook < setting ? of_hook : setting;
}

static inline int64_t pipeline_timeout_ms(const struct pipeline *pipeline, const struct hook *hook)
{
    return pipeline_smaller(pipeline->settings->timeout_ms, hook->timeout_ms);
}

/* The delivery's lane, with the limits of its hook if that is known. NULL: no memory, or not known
 * here and no hook. */
static inline struct capacity_lane *pipeline_lane_of(struct pipeline *pipeline,
                                                     const struct delivery *delivery)
{
    const struct hook *hook = delivery->slot == NULL ? NULL : delivery->slot->hook;
    char origin[URL_ORIGIN_SIZE];
    if (hook == NULL)
        return capacity_lane_find(pipeline->capacity, delivery->lane);
    return capacity_lane(pipeline->capacity, delivery->lane, hook->url_text,
                         url_origin(&hook->url, origin));
}

/* hook may be NULL. */
static inline int64_t pipeline_max_age_ms(const struct pipeline *pipeline, const struct hook *hook)
{
    return pipeline_smaller(pipeline->settings->max_age_ms, hook == NULL ? 0 : hook->max_age_ms);
}

#endif
