/*
 * The hooks of rooms, read from Redis and kept for a few seconds, with what all workers learnt
 * about them ({Q}:hooks-state). Look-ups of one room that are asked while one is under way share
 * its answer.
 *
 * What is cached answers for an event only once the news of changes ({Q}:hooks-changed) were asked
 * for after the event had arrived. For events that the reader brings they come right behind these,
 * see registry_follow_read; for others they are asked for on the control connection, once for all
 * that came together. What is changed by hand without news is seen within REGISTRY_TTL_MS.
 *
 * A hook set is reference-counted: it stays as it was for its holders, whatever changes in
 * Redis.
 */
#ifndef HOOKS_REGISTRY_H
#define HOOKS_REGISTRY_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "base/loop.h"
#include "contract/event_codec.h"
#include "contract/hook.h"
#include "queue/queue.h"

#define REGISTRY_TTL_MS 5000
#define REGISTRY_PAUSE_MS 20           /* a room is read at most so often */
#define REGISTRY_ROOMS_MAX 20000       /* cached at once */
#define REGISTRY_BYTES_MAX (64u << 20) /* of hooks' JSON in these */
#define REGISTRY_FAILING_MAX 4096      /* hooks whose results are counted, the latest */

/* What is known about a hook, but for its being disabled. Times are monotonic. */
struct hook_state {
    int64_t paused_until_ms; /* 0: not paused */
    int opens;               /* how often in a row it opened, 0: it is not open */
    bool is_failing;         /* there was no success since a failure */
    int64_t changed_at_ms;   /* here, by an attempt; 0: not here */
};

struct hook_slot {
    char id[RH_NAME_MAX + 1];
    struct hook *hook;         /* NULL when the stored JSON is not a valid hook */
    enum hook_problem problem; /* then why, for the dead letter */
    char why[200];
    bool disabled; /* by "enabled": false, or by workers */
    struct hook_state state;
};

struct hook_set {
    int references;
    size_t len;
    struct hook_slot slots[];
};

void hook_set_keep(struct hook_set *set);
void hook_set_drop(struct hook_set *set);                               /* NULL allowed */
struct hook_slot *hook_set_find(struct hook_set *set, struct bytes id); /* NULL: no such hook */

/* The hooks given inline in an event, as inline-0, inline-1 …; a new set, or NULL: no memory. */
struct hook_set *hook_set_inline(const struct event *event);

struct registry;

/* set is borrowed: keep it to hold it. NULL: the look-up failed, ask again later. */
typedef void registry_fn(void *context, struct hook_set *set);

TAILQ_HEAD(registry_queries, registry_query);

/* One question. Embedded in its owner, who must cancel it before going away. */
struct registry_query {
    TAILQ_ENTRY(registry_query) link;
    struct registry_queries *waits_in; /* NULL: not waiting */
    const struct room_id *room_id;     /* the owner's */
    uint64_t since;                    /* what was asked of Redis by then is no answer */
    registry_fn *fn;
    void *context;
};

struct registry_rules {
    int64_t disable_after_ms; /* past so long of failures only a hook is disabled; 0: never */
    int64_t max_age_ms;       /* of deliveries, where their hook does not say less */

    /* What is known of a hook that came with an event changed: its lane is to be asked about. NULL
     * when nobody is called. */
    void (*lane_changed)(void *context, struct bytes lane);
    /* The lane's hook was changed, not only what is known of it. NULL as above. */
    void (*hook_changed)(void *context, struct bytes lane);
    void *context;
};

struct registry *registry_new(struct loop *loop, struct queue *queue,
                              const struct registry_rules *rules);
void registry_free(struct registry *registry); /* NULL allowed */
void registry_set_rules(struct registry *registry, const struct registry_rules *rules);

void registry_link_up(struct registry *registry); /* maybe another server */

/* The order in which things happen here: each stamp is greater than those before. */
uint64_t registry_stamp(struct registry *registry);

/* Asks for news right behind a read that was sent to the reader: entries come before the answer,
 * which ends in followed. At most one at a time. -1: it could not be sent; nothing is called. */
int registry_follow_read(struct registry *registry, struct redis_link *reader, int64_t deadline_ms,
                         loop_fn *followed, void *context);

/* What may answer a look-up, besides what is asked of Redis after the event had arrived. */
enum registry_source {
    REGISTRY_ANEW,   /* nothing */
    REGISTRY_READER, /* what is cached, by the news that follow the read under way there */
    REGISTRY_CONTROL /* what is cached, by news that are asked for now */
};
#define REGISTRY_SOURCES 3

/* Answers at once or later; fn may be called before this returns. arrived is a stamp;
 * room_id is borrowed until then. */
void registry_look_up(struct registry *registry, const struct room_id *room_id,
                      enum registry_source source, uint64_t arrived, struct registry_query *query,
                      registry_fn *fn, void *context);
void registry_cancel(struct registry_query *query);

/* The hook an attempt went to, as it was then. A hook that was changed meanwhile has another
 * fingerprint: it does not learn from that attempt. */
struct hook_ref {
    bool is_inline;                /* it came with its event */
    const struct room_id *room_id; /* the event's; it may be none if the hook is inline */
    const struct hook_slot *slot;  /* its hook is not NULL */
};

struct hook_ref hook_ref_of(const struct event *event, const struct hook_slot *slot);

void registry_pause(struct registry *registry, const struct hook_ref *ref, int64_t pause_ms);
void registry_gone(struct registry *registry, const struct hook_ref *ref); /* answered 410 */
/* had_failed: an earlier attempt of the same delivery, so others may know of that failure. */
void registry_succeeded(struct registry *registry, const struct hook_ref *ref, bool had_failed);
void registry_answered(struct registry *registry,
                       const struct hook_ref *ref); /* no success, but it works: closes it */

/* A failed attempt. */
struct hook_failure {
    bool was_probe; /* it was sent because the hook was open */
    bool timed_out;
    int status; /* 0: no answer */
    const char *error;
};

void registry_failed(struct registry *registry, const struct hook_ref *ref,
                     const struct hook_failure *failure);

/* Sends at once what was learnt and not reported yet; by itself that happens within a second. */
void registry_report_now(struct registry *registry);

/* A probe of the lane's hook ended without saying anything about it: another may be made, by any
 * worker, in so long. fingerprint: of its gate. */
void registry_probe_again(struct registry *registry, const char *lane, const char *fingerprint,
                          int64_t max_age_ms, int64_t in_ms);

/* Nothing is known here that keeps deliveries from the hook now: it is neither open nor paused. */
bool registry_is_clear(struct registry *registry, const struct hook_ref *ref);

/* Redis was asked then (monotonic), and nothing keeps this lane's deliveries back. */
void registry_lane_is_free(struct registry *registry, const char *lane, int64_t asked_at_ms);

/* Gives the slots of the set of an event's inline hooks the state that this worker knows. */
void registry_recall_inline(const struct registry *registry, const struct event *event,
                            struct hook_set *set);

bool hook_state_is_clear(const struct hook_state *state, int64_t now_ms);

#endif
