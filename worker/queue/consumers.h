/*
 * The consumers of the group, and the heartbeat of each.
 */
#ifndef QUEUE_CONSUMERS_H
#define QUEUE_CONSUMERS_H

#include <stdbool.h>

#include "queue/queue.h"

struct consumers;

/* For each but this worker itself, in the end once with name NULL. heartbeat is nil when it has
 * none. */
struct consumers_config {
    void (*each)(void *context, const char *name, const struct reply *heartbeat);
    void *context;
};

struct consumers *consumers_new(struct queue *queue, const struct consumers_config *config);
void consumers_free(struct consumers *consumers); /* NULL allowed */

/* Nothing is called when Redis does not answer both questions. */
void consumers_ask(struct consumers *consumers);

/* What heartbeats of today's contract begin with: those of contract 1 do not. */
#define CONSUMERS_HEARTBEAT "{\"contract\":" KEYS_CONTRACT

bool consumers_has_our_contract(const struct reply *heartbeat);

#endif
