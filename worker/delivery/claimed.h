/*
 * A delivery that was claimed of its lane becomes an entry with that one delivery.
 */
#ifndef DELIVERY_CLAIMED_H
#define DELIVERY_CLAIMED_H

#include "delivery/parts.h"

/* What is known of it besides what Redis gave. */
struct claim_terms {
    struct hook_set *set; /* its hook's; NULL when it came with its event, or there is none */
    struct hook_slot *slot;
    bool is_probe;  /* its hook is open, and this one tries it */
    bool is_buried; /* it was only claimed to become a dead letter */
    enum dead_reason reason;
    const char *error;
    int64_t not_before_ms; /* its place at a hook with a rate, monotonic; 0: none */
};

void claimed_take(struct pipeline *pipeline, const struct claimed_delivery *claimed,
                  const struct claim_terms *terms);

#endif
