/*
 * What others than workers delete: entries of the stream, the stream, or the whole queue. It is
 * counted once for the queue, in its meta, by scripts/account.lua: for entries by the leader, for
 * a stream or queue by the worker that makes it again. When nothing is left in Redis, what workers
 * learnt with their last heartbeat is all that is known.
 */
#ifndef QUEUE_LOSSES_H
#define QUEUE_LOSSES_H

#include "queue/queue.h"

void losses_remember(struct queue *queue, const struct reply *reply); /* of heartbeat.lua */
void losses_opened(struct queue *queue, const struct reply *reply);   /* of open_queue.lua */
void losses_look(struct queue *queue);                                /* as the leader */

#endif
