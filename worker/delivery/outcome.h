/*
 * From outcomes to what settle sends: records of waiting deliveries and dead letters as arguments
 * of the scripts. Pure.
 */
#ifndef DELIVERY_OUTCOME_H
#define DELIVERY_OUTCOME_H

#include "delivery/delivery.h"

#define DEAD_RECORD_KEPT 4096 /* bytes kept of a record that cannot be read */

/* Who settles, and when: for dead letters and leases. */
struct outcome_stamp {
    const char *consumer;
    int64_t lease_ms; /* of a delivery parted from its entry */
    int64_t now_ms;   /* monotonic: an outcome may have waited for those beside it */
};

/* Makes entry->settlement of the outcomes of its deliveries: an acknowledgement when they leave
 * nothing behind. A delivery without an outcome becomes a leased record under its fence. -1: no
 * memory. */
int outcome_of_entry(struct entry *entry, const struct outcome_stamp *stamp);

/* Makes delivery->settlement of a leased delivery. -1: no memory. */
int outcome_of_delivery(struct delivery *delivery, const struct outcome_stamp *stamp);

/* Makes entry->settlement a dead letter of the whole entry. json and msgpack are what the entry had
 * (data NULL: absent). -1: no memory. */
int outcome_bury(struct entry *entry, enum dead_reason reason, const char *error, struct bytes json,
                 struct bytes msgpack, const struct outcome_stamp *stamp);

/* Appends what settle_retries.lua takes for a leased delivery whose record cannot be read: a dead
 * letter with what its id tells and the first bytes of the record. */
void outcome_of_unreadable(struct bytes delivery_id, struct bytes record, const char *error,
                           const struct outcome_stamp *stamp, struct redis_args *args);

#endif
