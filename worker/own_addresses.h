/*
 * Tells the address guard which addresses are our own: those of this machine's interfaces, and the
 * Redis we talk to.
 */
#ifndef WORKER_OWN_ADDRESSES_H
#define WORKER_OWN_ADDRESSES_H

#include "address_guard.h"
#include "redis_link.h"

void own_addresses_add_interfaces(struct address_guard *guard); /* all but loopback */
void own_addresses_add_redis(struct address_guard *guard, const struct redis_link *link);

#endif
