/*
 * The special address ranges of address_guard.h's policy, as data. Pure.
 */
#ifndef CONTRACT_ADDRESS_GUARD_TABLE_H
#define CONTRACT_ADDRESS_GUARD_TABLE_H

#include <stdbool.h>
#include <stdint.h>

/* An address as one number. An IPv4 address is the low 32 bits. */
struct ip {
    bool is_ipv4;
    uint64_t high; /* 0 for IPv4 */
    uint64_t low;
};

enum address_class {
    ADDRESS_PUBLIC,        /* allowed without a rule */
    ADDRESS_BY_RULE,       /* class A: any rule that covers it opens it */
    ADDRESS_BY_EXACT_RULE, /* class X: only a rule of full length does */
    ADDRESS_NEVER          /* class N */
};

/* The class of the range an address lies in. IPv4-mapped IPv6 must have been unwrapped before. */
enum address_class address_class_of(const struct ip *ip);

/* Does ip carry an IPv4 address that a gateway would forward to (NAT64, ISATAP)? Then *ret_inner is
 * it, or 0.0.0.0, which is never allowed, when the layout is one that cannot be read. */
bool address_inner_ipv4(const struct ip *ip, struct ip *ret_inner);

/* Is ip IPv4-mapped, ::ffff:a.b.c.d? Then *ret_ipv4 is what the kernel would connect to. */
bool address_mapped_ipv4(const struct ip *ip, struct ip *ret_ipv4);

/* Are the first len bits the same? Both of one family. */
bool address_has_prefix(const struct ip *ip, const struct ip *prefix, int len);

#endif
