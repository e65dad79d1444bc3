/*
 * The history of a queue: a snapshot each minute of some counters and of how much waits, for 7
 * days. What happened between two of them is their difference. Written by the leader; nothing
 * depends on it. docs/protocol.md has its fields.
 */
#ifndef QUEUE_HISTORY_H
#define QUEUE_HISTORY_H

#include "queue/queue.h"

/* Adds a snapshot, unless there is one of this minute. */
void history_write(struct queue *queue);

#endif
