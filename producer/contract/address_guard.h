/*
 * Which socket addresses a webhook may reach. Pure: the table of special ranges (in
 * address_guard_table.c) judged on the final sockaddr and port, so that no spelling of a host, no
 * DNS answer and no redirect gets round it.
 *
 * Order: unwrap IPv4 inside IPv6 → never-allowed ranges → the operator's allow rules → default
 * deny table → allow. For IPv6 only 2000::/3 minus the table's rows is allowed by default.
 * Classes: A is opened by any allow rule that covers it; X only by a rule of full length (/32,
 * /128); N never.
 */
#ifndef CONTRACT_ADDRESS_GUARD_H
#define CONTRACT_ADDRESS_GUARD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "contract/bytes.h"

#define ADDRESS_RULES_MAX 64
#define ADDRESS_OWN_MAX 256

/*
 * An operator's "CIDR[:port[-port]]"; IPv6 with ports as "[fd00::/8]:8080-8090"; an address without
 * a length stands for itself alone. With ports a rule opens just these in its range, even ones that
 * the default port policy refuses; without, the default port policy applies.
 */
struct address_rule {
    uint8_t prefix[16]; /* IPv4 in the last four bytes with is_ipv4 */
    int prefix_len;     /* 0..32 or 0..128 */
    bool is_ipv4;
    bool has_ports; /* false: the default port policy applies */
    uint16_t port_from;
    uint16_t port_to;
};

struct address_guard {
    struct address_rule rules[ADDRESS_RULES_MAX];
    size_t rules_len;
    /* Those of our own interfaces and name servers, but loopback: class X, on every port. */
    struct sockaddr_storage own[ADDRESS_OWN_MAX];
    size_t own_len;
    /* Addresses and ports that are never allowed, whatever the rules say: our own Redis. One on
     * this machine is not, on that port, by any address of it. */
    struct sockaddr_storage never[8];
    size_t never_len;
};

/* 0, or -1 with *why set. */
int address_rule_parse(struct bytes text, struct address_rule *ret_rule, struct error_text *why);

/* May a webhook connect there? Only AF_INET and AF_INET6 can be allowed. */
bool address_guard_allows(const struct address_guard *guard, const struct sockaddr *address);

/* Why it does not, for operators, and which setting would open it, if one would. Not for owners of
 * hooks: it says what is inside. Returns why->text. */
const char *address_guard_refusal(const struct address_guard *guard, const struct sockaddr *address,
                                  struct error_text *why);

/* The default port policy: 80, 443 and >= 1024 minus ports that speak other protocols. */
bool address_port_allowed(uint16_t port);

#endif
