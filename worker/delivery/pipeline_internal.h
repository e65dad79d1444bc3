/*
 * What the files of the pipeline share:
 *   pipeline.c           the parts and who hands what to whom; room
 *   pipeline_entry.c     arrival of an entry: from what Redis gave to an event and its deliveries
 *   pipeline_retry.c     arrival of a claimed retry, and what becomes of one that cannot be read
 *   pipeline_admit.c     may a delivery be attempted? then it waits for a slot
 *   pipeline_flight.c    one attempt: slot, render, POST, verdict, outcome
 *   pipeline_conclude.c  a delivery gets its outcome, or is put off
 *   pipeline_yield.c     who makes way for others
 *   pipeline_quota.c     how much of a hook's heap is claimed
 *   pipeline_settle.c    the end: from outcomes to Redis, and parting
 *   pipeline_lone.c      what may have ended a worker runs alone
 */
#ifndef DELIVERY_PIPELINE_INTERNAL_H
#define DELIVERY_PIPELINE_INTERNAL_H

#include "capacity/capacity.h"
#include "delivery/delivery.h"
#include "delivery/outcome.h"
#include "delivery/pipeline.h"
#include "delivery/verdict.h"
#include "hooks/hot_hooks.h"
#include "hooks/permits.h"
#include "hooks/registry.h"
#include "http/client.h"
#include "queue/intake.h"
#include "queue/retry_clock.h"
#include "queue/settle.h"

#define LEASE_MARGIN_MS 5000 /* a lease lasts timeout + this */
#define START_MARGIN_MS 2000 /* a POST starts only with timeout + this left of its lease */
#define PART_AFTER_MS 1000   /* an entry waits so long for its last deliveries */
#define LOOKUP_AGAIN_MS (STREAM_ENTRY_ARRIVES_MS + 1000)
#define LONE_AGAIN_MS 500
#define DEFER_FIRST_MS 1000
#define DEFER_CROWDED_MS 200
#define DEFER_MAX_MS 300000

struct pipeline {
    struct loop *loop;
    struct pipeline_config config;
    struct intake *intake;
    struct registry *registry;
    struct permits *permits;
    struct capacity *capacity;
    struct http_client *http;
    struct settle *settle;
    struct retry_clock *retry_clock;
    struct outcome_stamp stamp;
    struct verdict_policy policy;
    uint64_t random;
    bool draining;

    struct entry *table;          /* stream entries not yet settled */
    struct entry_list everything; /* entries alive, of both kinds, linked by every */
    int64_t alive_until_ms;       /* our heartbeat holds so long, monotonic */
    int64_t redis_ahead_ms;       /* of loop_now_ms(): Redis' clock at the last heartbeat */
    size_t stream_load;           /* slots that stream entries take or will take */
    double hooks_an_event;        /* of those read lately */
    size_t retry_load;            /* the same for leased deliveries */
    size_t unfinished_len;
    struct delivery_list unfinished; /* deliveries without an outcome, linked by all */
    struct entry_list parting;       /* oldest first */
    struct loop_timer part_timer;
    struct loop_timer ask_timer; /* entries were let go because their hooks are not known */
    int64_t let_go_at_ms;        /* the last of them */
    struct loop_timer overdue_timer;
    struct loop_timer slow_timer;
    struct entry_list crowd;     /* with more deliveries than there is room for */
    struct entry_list lone;      /* suspects that wait until they can run alone */
    struct entry *running_alone; /* the one that does; NULL: none */
    struct loop_timer lone_timer;
    size_t held_len;
    struct delivery_list held; /* leased ones that wait for a slot, oldest first */
    struct hot_hooks hot;
    struct loop_turn refill; /* room may have come: once per turn */
};

/* pipeline_entry.c */
bool pipeline_knows(void *context, struct bytes id);
void pipeline_on_entry(void *context, const struct stream_entry *read);
void pipeline_ask_again(void *context);
void pipeline_find_hooks(struct pipeline *pipeline, struct entry *entry);
void pipeline_run_entry(struct pipeline *pipeline, struct entry *entry); /* decode it and go on */
void pipeline_let_go(struct pipeline *pipeline, struct entry *entry);    /* nothing of it runs */
void pipeline_leave_to_others(struct pipeline *pipeline, struct entry *entry);
void pipeline_run_or_hold(struct pipeline *pipeline, struct entry *entry);
struct delivery *pipeline_add_delivery(struct pipeline *pipeline, struct entry *entry,
                                       struct hook_set *set, struct hook_slot *slot,
                                       const char *id); /* NULL: no memory */

/* pipeline_retry.c */
void pipeline_on_retry(void *context, const struct claimed_retry *claimed);

/* pipeline_admit.c */
struct hook_ref pipeline_hook_ref(const struct delivery *delivery);
void pipeline_admit_all(struct pipeline *pipeline, struct entry *entry);
void pipeline_bury_delivery(struct pipeline *pipeline, struct delivery *delivery,
                            enum dead_reason reason, const char *error);

/* pipeline_lone.c */
bool pipeline_is_suspect(const struct entry *entry);
void pipeline_hold_suspect(struct pipeline *pipeline, struct entry *entry);
void pipeline_next_suspect(struct pipeline *pipeline);
void pipeline_on_lone_again(void *context);
void pipeline_leave_suspects(struct pipeline *pipeline);
bool pipeline_is_quarantined(const struct pipeline *pipeline); /* nothing else may come in */

void pipeline_forget_entry(struct pipeline *pipeline, struct entry *entry); /* out of the table */

/* pipeline_flight.c */
void pipeline_dispatch(struct pipeline *pipeline);
void pipeline_start_leased(struct pipeline *pipeline,
                           struct delivery *delivery); /* now, soon, or later elsewhere */
void pipeline_cut(struct pipeline *pipeline, struct delivery *delivery); /* it flies too long */

/* pipeline_conclude.c */
void pipeline_conclude(struct pipeline *pipeline, struct delivery *delivery, enum outcome outcome);
void pipeline_defer(struct pipeline *pipeline, struct delivery *delivery, int64_t not_before_ms);
void pipeline_defer_crowded(struct pipeline *pipeline, struct delivery *delivery);
void pipeline_put_off(struct pipeline *pipeline, struct delivery *delivery,
                      const struct permit *permit);
void pipeline_hand_back(struct pipeline *pipeline, struct delivery *delivery);
void pipeline_set_error(struct delivery *delivery, const char *text);

/* pipeline_yield.c */
struct delivery *pipeline_delivery_of(struct capacity_waiter *waiter);
void pipeline_watch_waiting(struct pipeline *pipeline); /* something waits for a slot */
void pipeline_watch_slow(struct pipeline *pipeline);    /* something flies */
void pipeline_hold_leased(struct pipeline *pipeline, struct delivery *delivery);
void pipeline_drop_held(struct pipeline *pipeline, struct delivery *delivery);
bool pipeline_is_crowded(const struct pipeline *pipeline, size_t deliveries); /* for so many */
void pipeline_hold_in_crowd(struct pipeline *pipeline, struct entry *entry, size_t wanted);
void pipeline_thin_crowd(struct pipeline *pipeline); /* there may be room now */
void pipeline_leave_crowd(struct pipeline *pipeline);
void pipeline_on_overdue(void *context);
void pipeline_on_slow(void *context);

/* pipeline_quota.c */
void pipeline_note_hot(struct pipeline *pipeline, const struct delivery *delivery);
size_t pipeline_quotas(void *context, struct retry_quota out[RETRY_QUOTAS_MAX]);
void pipeline_on_pushed(void *context, const struct retry_quota *quota, size_t count);

/* pipeline.c */
int64_t pipeline_age_ms(const struct pipeline *pipeline, const struct entry *entry);
bool pipeline_is_full(const struct pipeline *pipeline); /* it has no room for what others bring */

/* pipeline_settle.c */
void pipeline_bury(struct pipeline *pipeline, struct entry *entry, enum dead_reason reason,
                   const char *error, struct bytes json, struct bytes msgpack);
void pipeline_submit_entry(struct pipeline *pipeline, struct entry *entry);
void pipeline_finish_entry(struct pipeline *pipeline, struct entry *entry);
void pipeline_settle_delivery(struct pipeline *pipeline, struct delivery *delivery);
void pipeline_on_settled(void *context, struct settlement *settlement, bool ours);
void pipeline_on_part(void *context);
void pipeline_wait_for_parting(struct pipeline *pipeline, struct entry *entry);
void pipeline_forget_timed(struct entry *entry);

#endif
