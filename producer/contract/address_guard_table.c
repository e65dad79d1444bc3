#include "contract/address_guard_table.h"

#include <stddef.h>

struct range {
    uint64_t high;
    uint64_t low;
    int len;
    enum address_class class;
};

#define A ADDRESS_BY_RULE
#define X ADDRESS_BY_EXACT_RULE
#define N ADDRESS_NEVER
#define IPV4(a, b, c, d) \
    .low = (uint64_t)(a) << 24 | (uint64_t)(b) << 16 | (uint64_t)(c) << 8 | (uint64_t)(d)
/* Four groups of an IPv6 address; the first four alone; all eight. */
#define GROUPS(a, b, c, d) \
    (uint64_t)(a) << 48 | (uint64_t)(b) << 32 | (uint64_t)(c) << 16 | (uint64_t)(d)
#define IPV6(a, b, c, d) .high = GROUPS(a, b, c, d), .low = 0
#define IPV6_FULL(a, b, c, d, e, f, g, h) .high = GROUPS(a, b, c, d), .low = GROUPS(e, f, g, h)

/*
 * The first row that covers an address decides, so exact addresses stand before their ranges.
 * "IANA" is the IANA IPv4 or IPv6 Special-Purpose Address Registry. What no row covers is public.
 */
static const struct range ipv4_ranges[] = {
    {IPV4(100, 100, 100, 200), 32, X}, /* Alibaba Cloud: instance metadata */
    {IPV4(168, 63, 129, 16), 32, X},   /* Azure: WireServer, inside public space */
    {IPV4(192, 0, 0, 192), 32, X},     /* Oracle Cloud Classic: instance metadata */
    {IPV4(255, 255, 255, 255), 32, N}, /* IANA, RFC 919: limited broadcast */
    {IPV4(0, 0, 0, 0), 8, N},          /* IANA, RFC 791: this host; 0.0.0.0 reaches loopback */
    {IPV4(10, 0, 0, 0), 8, A},         /* IANA, RFC 1918: private */
    {IPV4(100, 64, 0, 0), 10, A},      /* IANA, RFC 6598: carrier-grade NAT */
    {IPV4(127, 0, 0, 0), 8, A},        /* IANA, RFC 1122: loopback */
    {IPV4(169, 254, 0, 0), 16, X},     /* IANA, RFC 3927: link local; metadata of most clouds */
    {IPV4(172, 16, 0, 0), 12, A},      /* IANA, RFC 1918: private */
    {IPV4(192, 0, 0, 0), 24, A},       /* IANA, RFC 6890: IETF protocol assignments */
    {IPV4(192, 0, 2, 0), 24, A},       /* IANA, RFC 5737: documentation */
    {IPV4(192, 31, 196, 0), 24, A},    /* IANA, RFC 7535: AS112 */
    {IPV4(192, 52, 193, 0), 24, A},    /* IANA, RFC 7450: AMT */
    {IPV4(192, 88, 99, 0), 24, A},     /* IANA, RFC 7526: former 6to4 relays */
    {IPV4(192, 168, 0, 0), 16, A},     /* IANA, RFC 1918: private */
    {IPV4(192, 175, 48, 0), 24, A},    /* IANA, RFC 7534: AS112 */
    {IPV4(198, 18, 0, 0), 15, A},      /* IANA, RFC 2544: benchmarking, often used inside */
    {IPV4(198, 51, 100, 0), 24, A},    /* IANA, RFC 5737: documentation */
    {IPV4(203, 0, 113, 0), 24, A},     /* IANA, RFC 5737: documentation */
    {IPV4(224, 0, 0, 0), 4, N},        /* RFC 1112: multicast */
    {IPV4(240, 0, 0, 0), 4, A},        /* IANA, RFC 1112: reserved, used inside by some clouds */
};

/* Here every address is covered: what is new outside the one public range is refused. */
static const struct range ipv6_ranges[] = {
    {IPV6_FULL(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x23), 128, X},  /* AWS: EKS pod identity */
    {IPV6_FULL(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254), 128, X}, /* AWS: instance metadata */
    {IPV6_FULL(0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254), 128, X},  /* Google Cloud: metadata */
    {IPV6_FULL(0, 0, 0, 0, 0, 0, 0, 1), 128, A},              /* IANA, RFC 4291: loopback */

    {IPV6(0x64, 0xff9b, 0, 0), 96, A},      /* IANA, RFC 6052: NAT64; inner address judged too */
    {IPV6(0x64, 0xff9b, 1, 0), 48, A},      /* IANA, RFC 8215: local NAT64; the same */
    {IPV6(0x2001, 0, 0, 0), 23, A},         /* IANA, RFC 2928: IETF assignments with Teredo */
    {IPV6(0x2001, 0xdb8, 0, 0), 32, A},     /* IANA, RFC 3849: documentation */
    {IPV6(0x2002, 0, 0, 0), 16, N},         /* IANA, RFC 3056: 6to4, carries an IPv4 address */
    {IPV6(0x2620, 0x4f, 0x8000, 0), 48, A}, /* IANA, RFC 7534: AS112 */
    {IPV6(0x3ffe, 0, 0, 0), 16, A},         /* RFC 3701: former 6bone */
    {IPV6(0x3fff, 0, 0, 0), 20, A},         /* IANA, RFC 9637: documentation */
    {IPV6(0xfc00, 0, 0, 0), 7, A},          /* IANA, RFC 4193: unique local */
    {IPV6(0xfe80, 0, 0, 0), 10, X},         /* IANA, RFC 4291: link local */
    {IPV6(0xfec0, 0, 0, 0), 10, A},         /* RFC 3879: former site local */

    {IPV6(0x2000, 0, 0, 0), 3, ADDRESS_PUBLIC}, /* IANA, RFC 4291: global unicast */

    /* The rest is not assigned (RFC 4291). By name: unspecified and IPv4-compatible ::/96,
     * IPv4-translated ::ffff:0:0:0/96 (RFC 2765), discard 100::/64 (RFC 6666), dummy
     * 100:0:0:1::/64 (RFC 9780), NSAP 200::/7 (RFC 4048), segment routing 5f00::/16 (RFC 9602),
     * multicast ff00::/8. */
    {IPV6(0, 0, 0, 0), 0, N},
};

static bool same_bits(uint64_t a, uint64_t b, int len)
{
    return len <= 0 || (a ^ b) >> (64 - (len < 64 ? len : 64)) == 0;
}

bool address_has_prefix(const struct ip *ip, const struct ip *prefix, int len)
{
    int bits = prefix->is_ipv4 ? 96 + len : len;

    return ip->is_ipv4 == prefix->is_ipv4 && same_bits(ip->high, prefix->high, bits) &&
           same_bits(ip->low, prefix->low, bits - 64);
}

static enum address_class class_in(const struct range *ranges, size_t ranges_len,
                                   const struct ip *ip)
{
    for (size_t i = 0; i < ranges_len; i++) {
        struct ip prefix = {ip->is_ipv4, ranges[i].high, ranges[i].low};

        if (address_has_prefix(ip, &prefix, ranges[i].len))
            return ranges[i].class;
    }
    return ADDRESS_PUBLIC;
}

enum address_class address_class_of(const struct ip *ip)
{
    if (ip->is_ipv4)
        return class_in(ipv4_ranges, sizeof(ipv4_ranges) / sizeof(ipv4_ranges[0]), ip);
    return class_in(ipv6_ranges, sizeof(ipv6_ranges) / sizeof(ipv6_ranges[0]), ip);
}

bool address_mapped_ipv4(const struct ip *ip, struct ip *ret_ipv4)
{
    if (ip->is_ipv4 || ip->high != 0 || ip->low >> 32 != 0xffff)
        return false;
    *ret_ipv4 = (struct ip){true, 0, ip->low & UINT32_MAX};
    return true;
}

bool address_inner_ipv4(const struct ip *ip, struct ip *ret_inner)
{
    bool nat64 = ip->high == (GROUPS(0x64, 0xff9b, 0, 0)) && ip->low >> 32 == 0;
    bool local_nat64 = ip->high >> 16 == (GROUPS(0, 0x64, 0xff9b, 1));
    uint64_t interface = ip->low >> 32; /* ISATAP, RFC 5214 §6.1: 0:5efe or 200:5efe */
    bool isatap = interface == 0x5efe || interface == 0x02005efe;

    if (ip->is_ipv4 || !(nat64 || local_nat64 || isatap))
        return false;
    *ret_inner = (struct ip){true, 0, ip->low & UINT32_MAX};
    /* RFC 6052 §2.2 has six layouts, and the prefix does not tell which one a local gateway uses.
     * With bits 64 to 95 zero the others hold only addresses that end in zeros or start with them,
     * so the last 32 bits are judged; everything else is refused. */
    if (local_nat64 && interface != 0)
        ret_inner->low = 0;
    return true;
}
