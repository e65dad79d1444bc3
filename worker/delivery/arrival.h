/*
 * What Redis gave becomes an event and its deliveries: checked, decoded, its hooks looked up.
 */
#ifndef DELIVERY_ARRIVAL_H
#define DELIVERY_ARRIVAL_H

#include "delivery/parts.h"
#include "queue/stream_entry.h"

/* For stream_taker; context is the pipeline. */
bool arrival_knows(void *context, struct bytes id);
void arrival_of_entry(void *context, const struct stream_entry *read);

/* Decodes an entry and goes on with it: at its arrival, or when a suspect may run alone. */
void arrival_run(struct pipeline *pipeline, struct entry *entry);

/* The same, unless it was claimed so often that it is a suspect: then it waits to run alone. */
void arrival_run_or_quarantine(struct pipeline *pipeline, struct entry *entry, int limit);

/* Draining: what has not begun goes to other workers, at once if Redis accepts it. */
void arrival_leave(struct pipeline *pipeline, struct entry *entry);

/* A timer's: entries that were left pending because their hooks could not be read. */
void arrival_ask_again(void *context);

#endif
