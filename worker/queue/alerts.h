/*
 * Alerts to the operator of the queue: a hook fails, is about to be disabled, is disabled, is well
 * again, has dead letters. An ordinary event each, with the hook of alert-url in it. The leader
 * looks for them in what workers learnt about hooks; docs/protocol.md has the documents.
 */
#ifndef QUEUE_ALERTS_H
#define QUEUE_ALERTS_H

#include "contract/bytes.h"
#include "queue/queue.h"

#define ALERTS_CURSORS 3
#define ALERTS_CURSOR_SIZE 24

struct alerts {
    struct queue *queue;      /* borrowed */
    struct bytes hook;        /* its JSON, as in an event; "": nobody is alerted; borrowed */
    const char *lane;         /* where its deliveries wait */
    int64_t disable_after_ms; /* 0: never */
    char cursors[ALERTS_CURSORS][ALERTS_CURSOR_SIZE]; /* as alert.lua has them */
};

void alerts_init(struct alerts *alerts, struct queue *queue);

/* Looks at the next page of what is known. Called with each heartbeat of the leader. */
void alerts_look(struct alerts *alerts);

#endif
