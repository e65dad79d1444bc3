/*
 * The end of what was taken: outcomes as the scripts want them, and what becomes of an entry when
 * they are stored. An entry does not wait long for its last deliveries: after DETACH_AFTER_MS those
 * without an outcome are stored as leased ones, and go on on their own.
 */
#ifndef DELIVERY_SETTLEMENT_H
#define DELIVERY_SETTLEMENT_H

#include "delivery/letter.h"
#include "delivery/parts.h"

/* All deliveries have an outcome, or it is time to detach those that have none. */
void settlement_of_entry(struct pipeline *pipeline, struct entry *entry);

/* One letter for the entry as a whole; its deliveries are not made. The cause's texts are copied.
 *  */
void settlement_bury(struct pipeline *pipeline, struct entry *entry,
                     const struct letter_cause *cause);

/* A leased delivery has an outcome. */
void settlement_of_delivery(struct pipeline *pipeline, struct delivery *delivery);

/* A delivery of the entry has ended. When all have, the entry is settled; otherwise it is detached
 * a while from now. Entries of which something waits to be written into its lane are settled in the
 * order in which they came here, so that a lane gets what waits for it in its order. */
void settlement_goes_on(struct pipeline *pipeline, struct entry *entry, bool waits);

/* What a delivery that waits makes of its lane. */
enum capacity_backlog settlement_backlog(struct pipeline *pipeline,
                                         const struct delivery *delivery);

/* Nothing of it is kept here: an entry stays pending in Redis, a lease runs out. */
void settlement_forget(struct pipeline *pipeline, struct entry *entry);

/* For settle_config and a timer; context is the pipeline. */
void settlement_put(void *context, struct settlement *settlement, struct settle_batch *batch);
void settlement_stored(void *context, struct settlement *settlement, bool ours);
void settlement_on_detach(void *context);

#endif
