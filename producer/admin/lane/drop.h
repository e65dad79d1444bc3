/*
 * Deliveries of a lane dropped by hand: each becomes a dead letter.
 */
#ifndef ADMIN_LANE_DROP_H
#define ADMIN_LANE_DROP_H

#include "admin/session.h"

/* Drops up to SESSION_BATCH deliveries; url is of the lane's hook, for the letters. *ret_dropped,
 * the caller's, has 1 for each that was dropped and 0 for one that a worker holds; it may be
 * shorter: then the rest is to be dropped by another call. False with the failure reported. */
bool lane_drop(struct session *session, const char *lane, const char *url, const struct bytes *ids,
               size_t ids_len, struct reply **ret_dropped);

#endif
