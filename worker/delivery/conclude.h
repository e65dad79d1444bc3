/*
 * A delivery gets its outcome: logged, out of the lists of what is under way, and on its way to be
 * stored. It is counted once it is.
 */
#ifndef DELIVERY_CONCLUDE_H
#define DELIVERY_CONCLUDE_H

#include "delivery/parts.h"

void conclude(struct pipeline *pipeline, struct delivery *delivery, enum outcome outcome);

void conclude_dead(struct pipeline *pipeline, struct delivery *delivery, enum dead_reason reason,
                   const char *error);

/* Not now, and no attempt: it waits in its lane, at the place it has or had there. An attempt under
 * way is cut. */
void conclude_back(struct pipeline *pipeline, struct delivery *delivery);

void conclude_set_error(struct delivery *delivery, const char *text);

/* An event whose room has no hook: logged. The entry's end is the caller's. */
void conclude_without_hook(struct pipeline *pipeline, const struct entry *entry);

#endif
