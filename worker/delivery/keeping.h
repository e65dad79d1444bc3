/*
 * What is kept of an event for `roomhook resend` when it was delivered: queue/keep.h.
 */
#ifndef DELIVERY_KEEPING_H
#define DELIVERY_KEEPING_H

#include "delivery/parts.h"

/* The settlement was stored: keeps the event, if it delivered it to a hook. Not kept are tests,
 * events without a room, and what was sent again already. */
void keeping_note(struct pipeline *pipeline, const struct settlement *settlement);

#endif
