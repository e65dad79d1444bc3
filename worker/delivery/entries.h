/*
 * What travels through the worker: an entry with its event, and a delivery for each of its hooks.
 *
 *   entry     something taken from Redis: an entry of the stream, or a delivery that was claimed of
 *             its lane, with the document and the decoded event. One of the stream is settled as a
 *             whole, one of a lane by its delivery.
 *   delivery  one event for one hook.
 *
 * Each has one state, changed by entry_move and delivery_move only, which keep the lists and
 * counts.
 *
 * Lifetimes:
 *   1. An entry lives until it is settled and none of its deliveries is left; entry_free frees all.
 *   2. A delivery belongs to its entry from delivery_new until delivery_free.
 *   3. A delivery holds a reference on the hook set its hook lies in.
 *   4. An entry of the stream is in the table from its arrival until its settlement is stored, so
 *      that a second copy of it is recognised.
 *   5. Nothing here is freed inside a callback of the HTTP client for the same delivery's transfer;
 *      the transfer holds only the delivery's address and is answered once.
 */
#ifndef DELIVERY_ENTRIES_H
#define DELIVERY_ENTRIES_H

#include <roomhook/event.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>
#include <uthash.h>

#include "capacity/capacity.h"
#include "contract/dead_letter.h"
#include "contract/event_codec.h"
#include "contract/lane.h"
#include "contract/parse.h"
#include "hooks/registry.h"
#include "queue/lanes.h"
#include "queue/record.h"
#include "queue/settle.h"

/* Claims of an entry that was read once and taken over from dead workers twice: a suspect. */
#define SUSPECT_CLAIMS 3

/* How a delivery ended for now; a value, not part of any I/O. */
enum outcome {
    OUTCOME_NONE,      /* still under way */
    OUTCOME_DELIVERED, /* leaves nothing behind */
    OUTCOME_SKIPPED,   /* the same: there was nothing to send */
    OUTCOME_WAIT,      /* from the stream: waits for its turn in its lane */
    OUTCOME_RELEASED,  /* claimed: back to its place in its lane */
    OUTCOME_RETRY,     /* waits in its lane for delay_ms */
    OUTCOME_DEAD       /* becomes a dead letter */
};

enum delivery_state {
    DELIVERY_NEW,       /* made, its hook is not judged yet */
    DELIVERY_QUEUED,    /* in the line of its lane */
    DELIVERY_SENDING,   /* an attempt is under way */
    DELIVERY_CONCLUDED, /* it has an outcome, which is being stored */
    DELIVERY_STATES
};

enum entry_state {
    ENTRY_NEW,         /* just taken */
    ENTRY_QUARANTINED, /* not decoded until it can run alone, or until what runs alone has ended */
    ENTRY_LOOKING_UP,  /* the hooks of its room are looked up */
    ENTRY_OPEN,        /* its deliveries are under way */
    ENTRY_SETTLING,    /* of the stream: its settlement is on its way */
    ENTRY_DETACHED,    /* its deliveries are leased: each settles on its own */
    ENTRY_STATES
};

enum entry_source {
    SOURCE_STREAM,
    SOURCE_LANE,
    SOURCES
};

/* When an entry is detached of which deliveries have ended and others have not. */
enum detach {
    DETACH_SOON,  /* one of them waits to be written into its lane: settled in this order */
    DETACH_LATER, /* none does */
    DETACHES
};

struct entry;
struct letter_cause; /* delivery/letter.h */

struct delivery {
    TAILQ_ENTRY(delivery) link;     /* in its entry */
    TAILQ_ENTRY(delivery) of_state; /* in the list of those in its state, but for CONCLUDED */
    struct entry *entry;
    enum delivery_state state;
    struct capacity_waiter waiter;
    struct http_transfer *transfer; /* while sending */
    struct hook_set *set;           /* NULL when the hook could not be found */
    struct hook_slot *slot;         /* in set */
    char hook_id[RH_NAME_MAX + 1];
    char id[DELIVERY_ID_SIZE];
    char lane[LANE_SIZE];
    struct history history;
    bool is_probe;           /* its hook is open, and this one is to try it */
    bool is_judged;          /* what its attempt says about its hook was reported */
    bool redone;             /* had its one fresh connection */
    bool was_tried;          /* before it came here: it is not in its lane for the first time */
    int64_t not_before_ms;   /* its place at a hook with a rate, monotonic; 0: none */
    int64_t started_wall_ms; /* of the attempt under way */
    int64_t started_ms; /* monotonic; of the first, if it is the second on a fresh connection */
    bool is_attempted;  /* it was answered, or failed: history and took_ms are about it */
    int64_t took_ms;    /* how long it held its place */
    enum capacity_news news; /* of the attempt that ended */

    enum outcome outcome;
    int64_t delay_ms;        /* of a retry, from concluded_at_ms on */
    int64_t concluded_at_ms; /* monotonic */
    enum dead_reason reason;
    bool is_of_other_type;  /* it is skipped for its event's type; else, its hook is disabled */
    struct buffer response; /* of the last attempt, for a dead letter; so is */
    struct buffer location; /* where it was redirected to, printable */
    bool is_coming;         /* capacity knows that it is on its way to its lane */

    bool detaching; /* its entry's settlement makes it a leased one; it is when that is stored */
    bool leased;
    char fence[FENCE_SIZE];
    int64_t lease_until_ms;       /* monotonic */
    struct settlement settlement; /* of a leased delivery */
};

TAILQ_HEAD(delivery_list, delivery);
TAILQ_HEAD(entry_list, entry);

struct pipeline;

struct entry {
    struct pipeline *pipeline;
    enum entry_state state;
    enum entry_source source;
    UT_hash_handle hh; /* in the table, by stream_id, while in_table */
    bool in_table;
    TAILQ_ENTRY(entry) of_state; /* in the list of those in its state */
    TAILQ_ENTRY(entry) timed;    /* in a list of those to be detached */
    struct entry_list *timed_in; /* NULL: in none */
    int64_t detach_at_ms;        /* monotonic */

    char stream_id[RH_STREAM_ID_SIZE];
    char stream[LANE_STREAM_SIZE]; /* the same, padded */
    int64_t queued_at_ms;
    int claims;
    bool is_suspect;                /* it may be what ended workers: it runs alone */
    char event_id[RH_NAME_MAX + 1]; /* the webhook-id */
    bool own_event_id;              /* given by the producer */
    char traceparent[TRACEPARENT_SIZE];
    char only_hook[RH_NAME_MAX + 1]; /* "" for all */
    bool is_test;                    /* see test_reply.h */
    bool is_resent;                  /* by roomhook resend: it is not kept once more */

    enum rh_encoding encoding;
    bool is_shared;        /* claimed: its document is one of several's */
    struct bytes document; /* in the same allocation */
    struct event event;    /* zeroed until decoded, but for a claimed one's room */
    uint64_t arrived;      /* registry_stamp() then */
    bool by_reader;        /* read on the reader's connection */
    bool asked_anew;       /* the room's hooks were looked up after it had arrived */
    struct registry_query query;
    struct delivery_list deliveries;
    size_t open;                /* deliveries without an outcome */
    struct letter_cause *cause; /* it is buried as a whole; NULL: it is not */
    bool is_unreadable;         /* claimed: the document is its record, which cannot be read */
    struct settlement settlement;
};

/* All that are under way. */
struct entries {
    struct entry *table; /* those of the stream that are not settled */
    struct entry_list of_state[ENTRY_STATES];
    size_t len; /* of all */
    struct delivery_list deliveries[DELIVERY_STATES];
    size_t deliveries_len[DELIVERY_STATES][SOURCES];
    size_t looking_up;                 /* entries of the stream */
    size_t probes;                     /* deliveries without an outcome that try an open hook */
    struct entry_list timed[DETACHES]; /* those to be detached, oldest first */
};

void entries_init(struct entries *entries);

/* Copies what was read; the document too. NULL: no memory, or it is no stream id. */
struct entry *entry_new(struct entries *entries, enum entry_source source, struct bytes stream_id,
                        enum rh_encoding encoding, struct bytes document);
void entry_free(struct entries *entries, struct entry *entry); /* with its deliveries */
void entry_move(struct entries *entries, struct entry *entry, enum entry_state state);

bool entries_know(const struct entries *entries, struct bytes stream_id);
bool entry_remember(struct entries *entries, struct entry *entry); /* false: no memory */
void entry_forget(struct entries *entries, struct entry *entry);

/* It is to be detached at that time, unless it is sooner already; times of each kind only grow. */
void entry_detach_at(struct entries *entries, struct entry *entry, enum detach kind, int64_t at_ms);
void entry_keep(struct entry *entry); /* it is not any more */

/* Adds a delivery to the entry. Keeps set (may be NULL). NULL: no memory. */
struct delivery *delivery_new(struct entries *entries, struct entry *entry, struct hook_set *set,
                              struct hook_slot *slot, const char *hook_id);
void delivery_free(struct entries *entries, struct delivery *delivery);
void delivery_move(struct entries *entries, struct delivery *delivery, enum delivery_state state);
void delivery_set_probe(struct entries *entries, struct delivery *delivery); /* it is one */

struct delivery *delivery_of(struct capacity_waiter *waiter);

size_t entries_queued(const struct entries *entries); /* deliveries in lines */

/* Of the stream: deliveries not started, and entries whose hooks are looked up. */
size_t entries_unstarted(const struct entries *entries);

#endif
