/*
 * Tells the address guard which addresses are our own: those of this machine's interfaces, those of
 * the name servers it asks, and the Redis we talk to. The first two are looked at again whenever
 * the kernel says that an address came or went, and when the file with the name servers changed.
 */
#ifndef HTTP_OWN_ADDRESSES_H
#define HTTP_OWN_ADDRESSES_H

#include "base/loop.h"
#include "contract/address_guard.h"
#include "redis/link.h"

struct own_addresses;

/* Tells the guard, which must outlive this, at once. NULL: out of memory. What cannot be found out
 * is logged. */
struct own_addresses *own_addresses_new(struct loop *loop, struct address_guard *guard);
void own_addresses_free(struct own_addresses *own); /* NULL allowed */

/* To be called now and then: looks whether other name servers are asked. */
void own_addresses_look(struct own_addresses *own);

void own_addresses_add_redis(struct address_guard *guard, const struct redis_link *link);

#endif
