/*
 * A walk over what is known about hooks and over their gates, a page at a time: prune.lua forgets
 * what is over, and gives what contract 1 wrote its new form.
 */
#ifndef QUEUE_PRUNE_H
#define QUEUE_PRUNE_H

#include "queue/queue.h"

#define PRUNE_CURSORS 3 /* of hook states, of gates, of what contract 1 called pace */

struct prune {
    char cursors[PRUNE_CURSORS][24];
};

void prune_init(struct prune *prune);

/* Sends for the next page; as queue_call. */
int prune_send(struct prune *prune, struct queue *queue, redis_reply_fn *fn, void *context);

/* Reads what came; returns how many were converted. */
int64_t prune_read(struct prune *prune, const struct reply *reply);

bool prune_is_over(const struct prune *prune); /* the next page is the first again */

#endif
