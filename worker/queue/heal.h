/*
 * A walk over all that waits, a page at a time and from the beginning again: what is missing is
 * added, a delivery's place in its lane, a lane's in its set, a holder of a document; documents and
 * leases of nothing are removed, and keys that somebody put something else into. What it finds is
 * counted and logged.
 */
#ifndef QUEUE_HEAL_H
#define QUEUE_HEAL_H

#include "queue/queue.h"

struct heal;

struct heal *heal_new(struct queue *queue); /* NULL: no memory */
void heal_free(struct heal *heal);          /* NULL allowed */

void heal_step(struct heal *heal); /* the next page */
void heal_keys(struct heal *heal); /* removes what has a wrong type */

#endif
