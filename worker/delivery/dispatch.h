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

#endif
