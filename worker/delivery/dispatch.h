/*
 * What has its turn is sent, unless something changed since it was queued.
 */
#ifndef DELIVERY_DISPATCH_H
#define DELIVERY_DISPATCH_H

#include "delivery/parts.h"

/* May anything be started now: this worker is known to live. */
bool dispatch_is_allowed(const struct pipeline *pipeline);

/* Capacity says that it is the delivery's turn. */
void dispatch(struct pipeline *pipeline, struct delivery *delivery);

/* What waits in a line and cannot start within its lease goes back into its lane; when there is no
 * room to read more, so does what came from the stream and did not start soon. Their lanes keep
 * their turns. */
void dispatch_sweep(struct pipeline *pipeline, bool is_pressed);

#endif
