/*
 * Asks Redis whether a delivery may be attempted now, where all workers have to agree: who is the
 * one probe of an open hook, and whose turn it is at a hook with a rate. Questions of one turn of
 * the loop go together.
 */
#ifndef HOOKS_PERMITS_H
#define HOOKS_PERMITS_H

#include <stdint.h>
#include <sys/queue.h>

#include "base/loop.h"
#include "contract/hook.h"
#include "queue/queue.h"

enum permit_kind {
    PERMIT_PROBE,
    PERMIT_PACE
};

struct permit {
    enum {
        PERMIT_UNKNOWN, /* Redis did not answer: ask again later */
        PERMIT_GO,
        PERMIT_WAIT,
        PERMIT_CLOSED /* go; the hook is not open any more */
    } says;
    int64_t wait_ms; /* when PERMIT_WAIT */
    int64_t slot_ms; /* PERMIT_PACE, when PERMIT_WAIT: its place, to ask with next time; 0: none */
};

typedef void permit_fn(void *context, const struct permit *permit);

struct permit_batch;

/* One question. Embedded in its owner, who must cancel it before going away. Answered once, never
 * from inside permits_ask. Of the fields only these are the owner's: */
struct permit_query {
    enum permit_kind kind;
    char field[HOOK_STATE_FIELD_SIZE]; /* of the hook, in hooks-state and hooks-pace */
    int64_t lease_ms;                  /* PROBE: how long the probe may take */
    int64_t interval_us;               /* PACE: between two attempts */
    int64_t slot_ms;                   /* PACE: the place that an earlier answer gave, or 0 */
    int64_t most_ms;                   /* PACE: no place further away than that */

    TAILQ_ENTRY(permit_query) link;
    struct permits *permits; /* while it is asked and not sent */
    struct permit_batch *batch;
    size_t index; /* in batch */
    permit_fn *fn;
    void *context;
};

struct permits;

struct permits *permits_new(struct loop *loop, struct queue *queue); /* NULL: no memory */
void permits_free(struct permits *permits); /* NULL allowed; nobody is answered */

void permits_ask(struct permits *permits, struct permit_query *query, permit_fn *fn, void *context);
void permits_cancel(struct permit_query *query); /* also of a zeroed one */

#endif
