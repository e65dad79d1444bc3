/*
 * Lanes that are due: whose hook is it, may it be sent to, how much of the lane is claimed. A lane
 * is visited when a look found it, when capacity says that it is its turn, and when it is too long.
 */
#ifndef DELIVERY_CLAIMS_H
#define DELIVERY_CLAIMS_H

#include "delivery/parts.h"

struct visits *claims_new(void); /* NULL: no memory */
void claims_free(struct visits *visits);

/* Capacity says that this many may be claimed of the lane; it gets its answer. */
void claims_want(struct pipeline *pipeline, struct capacity_lane *lane, size_t most);

/* Sends what is ready, behind what is to be settled. */
void claims_send(struct pipeline *pipeline);

size_t claims_probes_room(const struct pipeline *pipeline); /* how many more are begun */

/* For lanes_config, settle_config and registry_rules; context is the pipeline. */
void claims_lane_changed(void *context, struct bytes lane);
void claims_hook_changed(void *context, struct bytes lane);
void claims_due(void *context, const struct due_lane *lane);
void claims_claimed(void *context, const struct claimed_delivery *claimed);
void claims_answered(void *context, const struct lane_wish *wish, const struct lane_answer *answer);
void claims_overflow(void *context, const char *lane, int64_t count);

#endif
