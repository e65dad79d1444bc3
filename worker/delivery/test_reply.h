/*
 * Test events (contract/test_event.h): the outcome of the one attempt is written into a key, and
 * leaves nothing behind.
 */
#ifndef DELIVERY_TEST_REPLY_H
#define DELIVERY_TEST_REPLY_H

#include "delivery/parts.h"

/* Sends the reply, while the delivery is still as its attempt left it. Returns the outcome to go on
 * with: one that leaves nothing behind. */
enum outcome test_reply(struct pipeline *pipeline, const struct delivery *delivery,
                        enum outcome outcome);

/* Of a test event; false of any other. */
bool test_is_too_old(const struct pipeline *pipeline, const struct delivery *delivery);

#endif
