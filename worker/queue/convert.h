/*
 * What contract 1 left: deliveries that wait in {Q}:retries, and what it knew about hooks. Pages of
 * up to 100 are read, named as today, and put into their lanes; what a worker of contract 1 holds
 * stays until its lease has run out. What cannot be read goes into a lane where a claim finds it
 * and makes it a dead letter.
 */
#ifndef QUEUE_CONVERT_H
#define QUEUE_CONVERT_H

#include "base/loop.h"
#include "queue/queue.h"

struct convert;

struct convert *convert_new(struct loop *loop, struct queue *queue); /* NULL: no memory */
void convert_free(struct convert *convert);                          /* NULL allowed */

/* Goes over all deliveries once; with over, over all that is known about hooks too, and then over
 * is called, unless the link is lost before. Refusals are waited out. Nothing while it runs. */
void convert_run(struct convert *convert, loop_fn *over, void *context);
void convert_link_down(struct convert *convert);

#endif
