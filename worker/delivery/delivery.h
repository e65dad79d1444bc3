/*
 * What travels through the worker: an entry with its event, and a delivery for each of its hooks.
 *
 *   entry     something taken from Redis that must be settled: a stream entry, or the record of a
 *             claimed retry. It owns the document and the decoded event.
 *   delivery  one event for one hook. A delivery of a stream entry is settled with its entry; a
 *             leased one (a claimed retry, or one parted from an entry that waited too long for
 *             it) on its own.
 *
 * Lifetimes:
 *   1. An entry lives until it is settled and none of its deliveries is left; entry_free frees all.
 *   2. A delivery belongs to its entry from delivery_new until delivery_free.
 *   3. A delivery holds a reference on the hook set its hook lies in.
 *   4. A stream entry is in the table of entries from its arrival until its settlement is
 *      stored, so that a second copy of it is recognised.
 *   5. Nothing here is freed inside a callback of the HTTP client for the same delivery's transfer;
 *      the transfer holds only the delivery's address and is answered once.
 */
#ifndef DELIVERY_DELIVERY_H
#define DELIVERY_DELIVERY_H

#include <roomhook/event.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>
#include <uthash.h>

#include "capacity/capacity.h"
#include "contract/dead_letter.h"
#include "contract/event_codec.h"
#include "hooks/permits.h"
#include "hooks/registry.h"
#include "queue/record.h"
#include "queue/settle.h"

#define DELIVERY_ID_SIZE (RH_STREAM_ID_SIZE + 1 + RH_NAME_MAX)

/* Claims of an entry that was read once and taken over from dead workers twice: a suspect. */
#define SUSPECT_CLAIMS 3

/* How a delivery ended for now; not part of any I/O. */
enum outcome {
    OUTCOME_NONE,      /* still under way */
    OUTCOME_DELIVERED, /* or nothing to do: leaves nothing behind */
    OUTCOME_RETRY,     /* waits for delay_ms; attempt counted or not, see history */
    OUTCOME_DEAD       /* becomes a dead letter */
};

enum delivery_state {
    DELIVERY_NEW,       /* its hook is being looked up */
    DELIVERY_ASKING,    /* whether it may go now; see permits.h */
    DELIVERY_WAITING,   /* for a slot: in capacity's queue, or held because it is leased */
    DELIVERY_IN_FLIGHT, /* a transfer runs */
    DELIVERY_DONE       /* has an outcome */
};

struct delivery {
    TAILQ_ENTRY(delivery) link; /* in its entry */
    TAILQ_ENTRY(delivery) all;  /* in the pipeline's list of unfinished ones */
    TAILQ_ENTRY(delivery) hold; /* in the list of leased ones that wait for a slot */
    bool is_held;
    struct entry *entry;
    struct capacity_waiter waiter;
    struct permit_query permit;
    bool is_probe; /* its hook is open, and this one is to try it */
    enum delivery_state state;
    struct http_transfer *transfer; /* while in flight */
    struct hook_set *set;           /* NULL when the hook could not be found */
    struct hook_slot *slot;         /* in set */
    char hook_id[RH_NAME_MAX + 1];
    struct history history;
    enum capacity_news news; /* what the attempt that ended tells about the endpoint */
    bool redone;             /* had its one fresh connection */
    int64_t started_wall_ms; /* of the attempt under way */

    enum outcome outcome;
    int64_t delay_ms;        /* from concluded_at_ms on */
    int64_t concluded_at_ms; /* monotonic */
    bool put_off;            /* RETRY without an attempt */
    enum dead_reason reason;
    struct buffer response; /* of the last attempt, for a dead letter */

    bool parted; /* being made a leased record of its own; leased once that is stored */
    bool leased;
    bool counted_as_retry; /* which load it counts in; it came from a record */
    char fence[RECORD_FENCE_SIZE];
    int64_t lease_until_ms;      /* monotonic */
    struct registry_query query; /* its hook is looked up anew */
    bool asked_anew;
    char id[DELIVERY_ID_SIZE];
    bool releasing;               /* leave its record as it is, due now */
    struct settlement settlement; /* of a leased delivery */
};

TAILQ_HEAD(delivery_list, delivery);
TAILQ_HEAD(entry_list, entry);

struct pipeline;

struct entry {
    struct pipeline *pipeline;
    UT_hash_handle hh; /* in the table of entries, by stream_id, while in_table */
    bool in_table;
    TAILQ_ENTRY(entry) every; /* in the pipeline's list of all entries */
    TAILQ_ENTRY(entry) timed; /* in the list it waits in, as timed_in tells */
    struct entry_list *timed_in;
    int64_t timed_at_ms; /* monotonic */

    char stream_id[RH_STREAM_ID_SIZE];
    int64_t queued_at_ms;
    int claims;
    char event_id[RH_NAME_MAX + 1]; /* the webhook-id */
    bool own_event_id;              /* given by the producer */
    char traceparent[RECORD_TRACEPARENT_SIZE];
    char only_hook[RH_NAME_MAX + 1]; /* "" for all */

    enum rh_encoding encoding;
    struct bytes document;         /* in the same allocation */
    struct event event;            /* zeroed until decoded */
    uint64_t arrived;              /* the registry's stamp */
    enum registry_source hooks_by; /* of the first look-up */
    struct registry_query query;
    bool asked_anew; /* the room's hooks were looked up after it had arrived */
    struct delivery_list deliveries;
    size_t wanted;     /* deliveries it will have; while it waits for room for them */
    bool awaits_hooks; /* a stream entry whose deliveries are not made yet: counts as one */
    size_t open;       /* deliveries without an outcome */
    bool settled;      /* acknowledged, or never was a stream entry */
    bool settling;     /* settlement is on its way */
    struct settlement settlement;
};

/* Copies what was read; the document is copied too. NULL: no memory. */
struct entry *entry_new(struct bytes stream_id, enum rh_encoding encoding, struct bytes document);
void entry_free(struct entry *entry); /* with its deliveries */

/* Adds a delivery to the entry, waiting for nothing yet. Keeps set (may be NULL). NULL: no memory.
 * */
struct delivery *delivery_new(struct entry *entry, struct hook_set *set, struct hook_slot *slot,
                              const char *hook_id);
void delivery_free(struct delivery *delivery); /* takes it out of its entry */

/* Cuts "<stream id>/<hook id>". -1: it is something else. */
int delivery_split_id(struct bytes id, struct bytes *ret_stream_id, struct bytes *ret_hook);

#endif
