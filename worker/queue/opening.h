/*
 * Opening the queue, after every connect: its contract is checked and the group made. A queue of
 * contract 1 is upgraded, which cannot be undone: that waits, naming them, while consumers of
 * contract 1 have a heartbeat; then the queue has contract 2, and the leader converts what waits
 * (queue/convert.h) while the others wait for that. Only then is the queue ready. A worker that
 * dies meanwhile leaves `converting` behind: the next leader goes on.
 */
#ifndef QUEUE_OPENING_H
#define QUEUE_OPENING_H

#include "queue/convert.h"
#include "queue/queue.h"

struct opening;

struct opening_config {
    struct queue *queue;
    struct convert *convert;
    bool (*leads)(void *context); /* this worker holds the maintenance lease */
    loop_fn *ready;
    void (*refused)(void *context, const char *why); /* this worker must not run on this queue */
    void *context;
};

struct opening *opening_new(struct loop *loop, const struct opening_config *config);
void opening_free(struct opening *opening); /* NULL allowed */

void opening_begin(struct opening *opening); /* the link is up */
void opening_stop(struct opening *opening);  /* it is down, or this worker leaves */
bool opening_is_done(const struct opening *opening);

#endif
