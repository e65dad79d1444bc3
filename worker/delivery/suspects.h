/*
 * An entry that was taken over from dead workers more than once may be what ended them. It is not
 * decoded until nothing else runs in this process; meanwhile nothing new comes in. So a crash
 * during its run is its own, and innocent neighbours are never blamed. After poison-after such
 * runs that did not end it is dead. The same for a delivery whose leases ran out.
 */
#ifndef DELIVERY_SUSPECTS_H
#define DELIVERY_SUSPECTS_H

#include "delivery/parts.h"

bool suspects_wait(const struct pipeline *pipeline); /* nothing else may come in */
void suspects_next(struct pipeline *pipeline);       /* runs the next one when nothing else runs */
void suspects_leave(struct pipeline *pipeline);      /* draining: they go to other workers */

#endif
