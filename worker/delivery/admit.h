/*
 * May a delivery be sent, and does it go out at once? What is known of its hook decides; then an
 * arrival goes into the line of its lane when it will start soon, else into its lane in Redis.
 */
#ifndef DELIVERY_ADMIT_H
#define DELIVERY_ADMIT_H

#include "delivery/parts.h"

/* One of the stream. */
void admit_arrival(struct pipeline *pipeline, struct delivery *delivery);

/* One that was claimed of its lane: it goes into the line. */
void admit_claimed(struct pipeline *pipeline, struct delivery *delivery);

#endif
