/*
 * The many ways to write an IPv4 address: 127.0.0.1 is also 127.1, 2130706433, 0x7f.1 and
 * 0177.0.0.1 to resolvers, libcurl and browsers. Pure.
 */
#ifndef CONTRACT_IPV4_SPELLING_H
#define CONTRACT_IPV4_SPELLING_H

#include <stdint.h>

#include "contract/bytes.h"

enum ipv4_spelling {
    IPV4_NONE,    /* a name: its last label is not a number */
    IPV4_ADDRESS, /* *ret_address is it, as a number */
    IPV4_BROKEN   /* its last label is a number, but it is no address: parsers differ about it */
};

/* host is in lower case and holds no empty label. */
enum ipv4_spelling ipv4_spelling_of(struct bytes host, uint32_t *ret_address);

#endif
