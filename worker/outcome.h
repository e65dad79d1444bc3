/*
 * From outcomes to what settle sends: records of waiting deliveries and dead letters as arguments
 * of the scripts. Pure.
 */
#ifndef WORKER_OUTCOME_H
#define WORKER_OUTCOME_H

#include "delivery.h"

#define DEAD_DOCUMENT_KEPT 4096 /* bytes kept of a document that is too large */

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

#endif
