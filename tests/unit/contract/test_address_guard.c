#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/un.h>

#include <cmocka.h>

#include "base/backoff.h"
#include "contract/address_guard.h"

#define PORT 8080 /* one that the default port policy allows */

__extension__ typedef unsigned __int128 u128;

/* --- the policy once more, written down apart from the code under test --- */

/* P public, A by any rule, X by an exact rule, N never. Of the rows that cover an address the
 * smallest counts. */
struct row {
    const char *first, *last;
    char class;
};

static const struct row ipv4_rows[] = {
    {"0.0.0.0", "255.255.255.255", 'P'},         {"0.0.0.0", "0.255.255.255", 'N'},
    {"10.0.0.0", "10.255.255.255", 'A'},         {"100.64.0.0", "100.127.255.255", 'A'},
    {"100.100.100.200", "100.100.100.200", 'X'}, {"127.0.0.0", "127.255.255.255", 'A'},
    {"168.63.129.16", "168.63.129.16", 'X'},     {"169.254.0.0", "169.254.255.255", 'X'},
    {"169.254.169.254", "169.254.169.254", 'X'}, {"169.254.170.2", "169.254.170.2", 'X'},
    {"169.254.170.23", "169.254.170.23", 'X'},   {"172.16.0.0", "172.31.255.255", 'A'},
    {"192.0.0.0", "192.0.0.255", 'A'},           {"192.0.0.192", "192.0.0.192", 'X'},
    {"192.0.2.0", "192.0.2.255", 'A'},           {"192.31.196.0", "192.31.196.255", 'A'},
    {"192.52.193.0", "192.52.193.255", 'A'},     {"192.88.99.0", "192.88.99.255", 'A'},
    {"192.168.0.0", "192.168.255.255", 'A'},     {"192.175.48.0", "192.175.48.255", 'A'},
    {"198.18.0.0", "198.19.255.255", 'A'},       {"198.51.100.0", "198.51.100.255", 'A'},
    {"203.0.113.0", "203.0.113.255", 'A'},       {"224.0.0.0", "239.255.255.255", 'N'},
    {"240.0.0.0", "255.255.255.255", 'A'},       {"255.255.255.255", "255.255.255.255", 'N'},
};

static const struct row ipv6_rows[] = {
    {"::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", 'N'},
    {"::", "::", 'N'},
    {"::1", "::1", 'A'},
    {"::", "::ffff:ffff", 'N'},
    {"::ffff:0:0:0", "::ffff:0:ffff:ffff", 'N'},
    {"64:ff9b::", "64:ff9b::ffff:ffff", 'A'},
    {"64:ff9b:1::", "64:ff9b:1:ffff:ffff:ffff:ffff:ffff", 'A'},
    {"100::", "100::ffff:ffff:ffff:ffff", 'N'},
    {"100:0:0:1::", "100::1:ffff:ffff:ffff:ffff", 'N'},
    {"200::", "3ff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", 'N'},
    {"2000::", "3fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", 'P'},
    {"2001::", "2001:1ff:ffff:ffff:ffff:ffff:ffff:ffff", 'A'},
    {"2001::", "2001:0:ffff:ffff:ffff:ffff:ffff:ffff", 'A'},
    {"2001:1::1", "2001:1::3", 'A'},
    {"2001:2::", "2001:2:0:ffff:ffff:ffff:ffff:ffff", 'A'},
    {"2001:3::", "2001:3:ffff:ffff:ffff:ffff:ffff:ffff", 'A'},
    {"2001:4:112::", "2001:4:112:ffff:ffff:ffff:ffff:ffff", 'A'},
    {"2001:10::", "2001:3f:ffff:ffff:ffff:ffff:ffff:ffff", 'A'},
    {"2001:db8::", "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff", 'A'},
    {"2002::", "2002:ffff:ffff:ffff:ffff:ffff:ffff:ffff", 'N'},
    {"2620:4f:8000::", "2620:4f:8000:ffff:ffff:ffff:ffff:ffff", 'A'},
    {"3ffe::", "3ffe:ffff:ffff:ffff:ffff:ffff:ffff:ffff", 'A'},
    {"3fff::", "3fff:fff:ffff:ffff:ffff:ffff:ffff:ffff", 'A'},
    {"5f00::", "5f00:ffff:ffff:ffff:ffff:ffff:ffff:ffff", 'N'},
    {"fc00::", "fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", 'A'},
    {"fd00:ec2::23", "fd00:ec2::23", 'X'},
    {"fd00:ec2::254", "fd00:ec2::254", 'X'},
    {"fd20:ce::254", "fd20:ce::254", 'X'},
    {"fe80::", "febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff", 'X'},
    {"fec0::", "feff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", 'A'},
    {"ff00::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", 'N'},
};

#define IPV4_ROWS (sizeof(ipv4_rows) / sizeof(ipv4_rows[0]))
#define IPV6_ROWS (sizeof(ipv6_rows) / sizeof(ipv6_rows[0]))

struct address {
    bool is_ipv4;
    u128 value;
};

static struct address address_of(const char *text)
{
    struct address address = {.is_ipv4 = strchr(text, ':') == NULL};
    uint8_t bytes[16];

    assert_int_equal(inet_pton(address.is_ipv4 ? AF_INET : AF_INET6, text, bytes), 1);
    for (size_t i = 0; i < (address.is_ipv4 ? 4 : 16); i++)
        address.value = address.value << 8 | bytes[i];
    return address;
}

/* prefix (its last four bytes zero) with an IPv4 address behind it. */
static struct address wrapped(const char *prefix, struct address ipv4)
{
    struct address address = address_of(prefix);

    address.value |= ipv4.value;
    return address;
}

static char class_of(struct address address)
{
    const struct row *rows = address.is_ipv4 ? ipv4_rows : ipv6_rows;
    size_t rows_len = address.is_ipv4 ? IPV4_ROWS : IPV6_ROWS;
    u128 smallest = ~(u128)0;
    char class = '?';

    for (size_t i = 0; i < rows_len; i++) {
        u128 first = address_of(rows[i].first).value;
        u128 last = address_of(rows[i].last).value;

        if (address.value >= first && address.value <= last && last - first <= smallest) {
            smallest = last - first;
            class = rows[i].class;
        }
    }
    assert_int_not_equal(class, '?');
    return class;
}

static bool is_mapped(struct address address)
{
    return !address.is_ipv4 && address.value >> 32 == 0xffff;
}

static bool is_between(struct address address, const char *first, const char *last)
{
    return address.value >= address_of(first).value && address.value <= address_of(last).value;
}

/* How may a test's rules cover an address? */
enum rules {
    RULES_NONE,
    RULES_WIDE, /* everything, by 0.0.0.0/0 and ::/0 */
    RULES_EXACT /* just that address */
};

static bool class_allows(char class, enum rules rules)
{
    return class == 'P' || (class == 'A' && rules != RULES_NONE) ||
           (class == 'X' && rules == RULES_EXACT);
}

static bool expected_allows(struct address address, enum rules rules)
{
    struct address inner = {true, address.value & 0xffffffff};
    enum rules inner_rules = rules == RULES_WIDE ? RULES_WIDE : RULES_NONE;
    uint32_t interface = (uint32_t)(address.value >> 32);

    if (is_mapped(address))
        return class_allows(class_of(inner), rules);
    if (!class_allows(class_of(address), rules))
        return false;
    if (address.is_ipv4)
        return true;
    if (is_between(address, "64:ff9b:1::", "64:ff9b:1:ffff:ffff:ffff:ffff:ffff"))
        return interface == 0 && class_allows(class_of(inner), inner_rules);
    if (is_between(address, "64:ff9b::", "64:ff9b::ffff:ffff") || interface == 0x5efe ||
        interface == 0x02005efe)
        return class_allows(class_of(inner), inner_rules);
    return true;
}

/* --- the code under test --- */

static struct sockaddr_storage sockaddr_of(struct address address, uint16_t port)
{
    struct sockaddr_storage storage = {.ss_family = AF_UNSPEC};
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(port)};
    struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)};

    in.sin_addr.s_addr = htonl((uint32_t)address.value);
    for (size_t i = 0; i < 16; i++)
        in6.sin6_addr.s6_addr[i] = (uint8_t)(address.value >> (8 * (15 - i)));
    if (address.is_ipv4)
        memcpy(&storage, &in, sizeof(in));
    else
        memcpy(&storage, &in6, sizeof(in6));
    return storage;
}

static bool allows(const struct address_guard *guard, struct address address, uint16_t port)
{
    struct sockaddr_storage storage = sockaddr_of(address, port);

    return address_guard_allows(guard, (const struct sockaddr *)&storage);
}

static bool allows_text(const struct address_guard *guard, const char *address, uint16_t port)
{
    return allows(guard, address_of(address), port);
}

static void add_rule(struct address_guard *guard, const char *text)
{
    struct error_text why;

    if (address_rule_parse(bytes_of(text), &guard->rules[guard->rules_len], &why))
        fail_msg("%s: %s", text, why.text);
    guard->rules_len++;
}

static struct address_guard guard_for(struct address address, enum rules rules)
{
    struct address_guard guard = {.rules_len = 0};

    if (rules == RULES_WIDE) {
        add_rule(&guard, "0.0.0.0/0");
        add_rule(&guard, "::/0");
    } else if (rules == RULES_EXACT) {
        struct address_rule rule = {.is_ipv4 = address.is_ipv4 || is_mapped(address)};
        size_t from = rule.is_ipv4 ? 12 : 0;

        for (size_t i = from; i < 16; i++)
            rule.prefix[i] = (uint8_t)(address.value >> (8 * (15 - i)));
        rule.prefix_len = rule.is_ipv4 ? 32 : 128;
        guard.rules[guard.rules_len++] = rule;
    }
    return guard;
}

static void assert_as_expected(struct address address)
{
    for (int rules = RULES_NONE; rules <= RULES_EXACT; rules++) {
        struct address_guard guard = guard_for(address, (enum rules)rules);
        bool expected = expected_allows(address, (enum rules)rules);

        if (allows(&guard, address, PORT) != expected)
            fail_msg("%s %08x%08x:%08x%08x with rules %d: expected %d",
                     address.is_ipv4 ? "IPv4" : "IPv6", (unsigned)(address.value >> 96),
                     (unsigned)(address.value >> 64), (unsigned)(address.value >> 32),
                     (unsigned)address.value, rules, expected);
    }
}

/* An address as it is, and for IPv4 in every IPv6 form that carries it. */
static void assert_all_forms(struct address address)
{
    static const char *const prefixes[] = {
        "::ffff:0:0",                  /* mapped */
        "64:ff9b::",                   /* NAT64 */
        "64:ff9b:1::",                 /* local NAT64 */
        "64:ff9b:1:fffe::",            /* the same with a subnet */
        "64:ff9b:1:1:0:1::",           /* in a layout that cannot be read */
        "2a00:1450:4001:82f:0:5efe::", /* ISATAP in public space */
        "2a00:1450:4001:82f:200:5efe::",
        "fe80::5efe:0:0", /* and on the link */
        "::",             /* compatible */
        "::ffff:0:0:0",   /* translated */
    };

    assert_as_expected(address);
    for (size_t i = 0; address.is_ipv4 && i < sizeof(prefixes) / sizeof(prefixes[0]); i++)
        assert_as_expected(wrapped(prefixes[i], address));
}

static void every_row_is_judged_right_at_its_edges(void **unused)
{
    u128 ends[2] = {~(u128)0, 0xffffffff};

    (void)unused;
    for (size_t i = 0; i < IPV4_ROWS + IPV6_ROWS; i++) {
        const struct row *row = i < IPV4_ROWS ? &ipv4_rows[i] : &ipv6_rows[i - IPV4_ROWS];
        struct address first = address_of(row->first);
        struct address last = address_of(row->last);

        assert_all_forms(first);
        assert_all_forms(last);
        if (first.value > 0) {
            first.value--;
            assert_all_forms(first);
        }
        if (last.value < ends[last.is_ipv4]) {
            last.value++;
            assert_all_forms(last);
        }
    }
}

static void random_addresses_near_the_rows_are_judged_right(void **unused)
{
    uint64_t state = 20221104;

    (void)unused;
    for (int n = 0; n < 30000; n++) {
        uint64_t pick = backoff_random(&state) % (IPV4_ROWS + IPV6_ROWS);
        const struct row *row = pick < IPV4_ROWS ? &ipv4_rows[pick] : &ipv6_rows[pick - IPV4_ROWS];
        struct address address = address_of(row->first);
        u128 noise = (u128)backoff_random(&state) << 64 | backoff_random(&state);

        address.value ^= noise >> (backoff_random(&state) % 128);
        if (address.is_ipv4)
            address.value &= 0xffffffff;
        assert_as_expected(address);
    }
}

static void well_known_addresses_without_rules(void **unused)
{
    static const struct {
        const char *address;
        bool allowed;
    } rows[] = {
        {"1.1.1.1", true},
        {"8.8.8.8", true},
        {"223.255.255.255", true},
        {"2606:4700:4700::1111", true},
        {"2a00:1450:4001:82f::200e", true},
        {"::ffff:8.8.8.8", true},
        {"127.0.0.1", false},
        {"0.0.0.0", false},
        {"10.1.2.3", false},
        {"169.254.169.254", false},
        {"100.100.100.200", false},
        {"168.63.129.16", false},
        {"224.0.0.251", false},
        {"::", false},
        {"::1", false},
        {"::ffff:127.0.0.1", false},
        {"::ffff:169.254.169.254", false},
        {"::127.0.0.1", false},
        {"::8.8.8.8", false},
        {"64:ff9b::8.8.8.8", false},
        {"64:ff9b::7f00:1", false},
        {"2002:7f00:1::", false},
        {"2001:0:4136:e378:8000:63bf:3fff:fdd2", false},
        {"fe80::a9fe:a9fe", false},
        {"fd00:ec2::254", false},
        {"ff02::1", false},
        {"4000::1", false},
        {"2a00::5efe:10.0.0.1", false},
        {"2a00::5efe:8.8.8.8", true},
    };
    struct address_guard guard = {.rules_len = 0};

    (void)unused;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (allows_text(&guard, rows[i].address, 443) != rows[i].allowed)
            fail_msg("%s", rows[i].address);
    }
}

static void nat64_needs_its_own_rule_and_an_inner_address_that_is_allowed(void **unused)
{
    struct address_guard guard = {.rules_len = 0};

    (void)unused;
    add_rule(&guard, "64:ff9b::/96");
    assert_true(allows_text(&guard, "64:ff9b::8.8.8.8", 443));
    assert_false(allows_text(&guard, "64:ff9b::10.0.0.1", 443));
    assert_false(allows_text(&guard, "64:ff9b::169.254.169.254", 443));
    add_rule(&guard, "10.0.0.0/8:8443");
    assert_true(allows_text(&guard, "64:ff9b::10.0.0.1", 8443));
    assert_false(allows_text(&guard, "64:ff9b::10.0.0.1", 443));
    assert_false(allows_text(&guard, "64:ff9b:1::8.8.8.8", 443));
}

/* --- ports --- */

static bool port_is_listed(uint16_t port)
{
    /* Fetch Standard "bad ports" from 1024 up, then those of databases and control planes. */
    static const uint16_t listed[] = {
        1719, 1720,  1723, 2049,  3659, 4045, 4190,  5060,  5061,  6000, 6566,
        6665, 6666,  6667, 6668,  6669, 6679, 6697,  10080, 2375,  2376, 6379,
        6380, 26379, 9200, 11211, 5432, 3306, 27017, 2379,  10250, 8500,
    };

    for (size_t i = 0; i < sizeof(listed) / sizeof(listed[0]); i++) {
        if (listed[i] == port)
            return true;
    }
    return false;
}

static void every_port_follows_the_default_policy(void **unused)
{
    struct address_guard guard = {.rules_len = 0};

    (void)unused;
    for (uint32_t port = 0; port <= 65535; port++) {
        bool expected =
            port == 80 || port == 443 || (port >= 1024 && !port_is_listed((uint16_t)port));

        assert_int_equal(address_port_allowed((uint16_t)port), expected);
        assert_int_equal(allows_text(&guard, "8.8.8.8", (uint16_t)port), expected);
        assert_int_equal(allows_text(&guard, "2606:4700::1", (uint16_t)port), expected);
    }
}

static const struct {
    const char *rule;
    const char *address;
    uint16_t port;
    bool allowed;
} rule_rows[] = {
    /* Without ports the default port policy stays. */
    {"127.0.0.0/8", "127.0.0.1", 80, true},
    {"127.0.0.0/8", "127.0.0.1", 18080, true},
    {"127.0.0.0/8", "127.255.255.255", 443, true},
    {"127.0.0.0/8", "127.0.0.1", 25, false},
    {"127.0.0.0/8", "127.0.0.1", 6379, false},
    {"127.0.0.0/8", "127.0.0.1", 0, false},
    {"127.0.0.0/8", "128.0.0.1", 25, false},
    {"127.0.0.0/8", "::ffff:127.0.0.1", 80, true},
    {"127.0.0.0/8", "::1", 80, false},
    /* With ports it is these and no others, listed ones too. */
    {"10.0.0.0/8:8000-8002", "10.0.0.1", 7999, false},
    {"10.0.0.0/8:8000-8002", "10.0.0.1", 8000, true},
    {"10.0.0.0/8:8000-8002", "10.0.0.1", 8002, true},
    {"10.0.0.0/8:8000-8002", "10.0.0.1", 8003, false},
    {"10.0.0.0/8:8000-8002", "11.0.0.1", 8003, true},
    {"10.0.0.0/8:25", "10.9.9.9", 25, true},
    {"10.0.0.0/8:25", "10.9.9.9", 443, false},
    {"10.0.0.0/8:1-65535", "10.9.9.9", 6379, true},
    {"10.0.0.0/8:1-65535", "10.9.9.9", 0, false},
    /* Public addresses: the rule adds to what is open anyway. */
    {"8.8.8.0/24:9200", "8.8.8.8", 9200, true},
    {"8.8.8.0/24:9200", "8.8.8.8", 443, true},
    {"8.8.8.0/24:9200", "8.8.9.8", 9200, false},
    {"0.0.0.0/0:81", "8.8.8.8", 81, true},
    /* Only a rule of full length opens class X, nothing opens class N. */
    {"169.254.0.0/16", "169.254.169.254", 80, false},
    {"169.254.169.254/31", "169.254.169.254", 80, false},
    {"169.254.169.254/32", "169.254.169.254", 80, true},
    {"169.254.169.254", "169.254.169.254", 80, true},
    {"169.254.169.254:81", "169.254.169.254", 80, false},
    {"169.254.169.254:81", "169.254.169.254", 81, true},
    {"100.64.0.0/10", "100.100.100.200", 80, false},
    {"100.64.0.0/10", "100.100.100.201", 80, true},
    {"0.0.0.0/32:80", "0.0.0.0", 80, false},
    {"224.0.0.1/32", "224.0.0.1", 80, false},
    {"255.255.255.255", "255.255.255.255", 80, false},
    {"::/128", "::", 80, false},
    {"ff02::1", "ff02::1", 80, false},
    {"2002:808:808::/48", "2002:808:808::1", 80, false},
    /* IPv6. */
    {"::1/128", "::1", 80, true},
    {"[::1]:6379", "::1", 6379, true},
    {"[fd00::/8]:8080-8090", "fd12::1", 8085, true},
    {"[fd00::/8]:8080-8090", "fd12::1", 443, false},
    {"[fd00::/8]", "fd12::1", 443, true},
    {"fd00::/8", "fd00:ec2::254", 80, false},
    {"fd00:ec2::254", "fd00:ec2::254", 80, true},
    {"fe80::/10", "fe80::1", 80, false},
    {"::/0", "fd12::1", 80, true},
    {"::/0", "10.0.0.1", 80, false},
    {"::/0", "::ffff:10.0.0.1", 80, false},
    {"0.0.0.0/0", "fd12::1", 80, false},
    {"2001:db8::/33", "2001:db8:7fff::1", 80, true},
    {"2001:db8::/33", "2001:db8:8000::1", 80, false},
    {"10.0.0.0/31", "10.0.0.1", 80, true},
    {"10.0.0.0/31", "10.0.0.2", 80, false},
};

static void rules_and_ports(void **unused)
{
    (void)unused;
    for (size_t i = 0; i < sizeof(rule_rows) / sizeof(rule_rows[0]); i++) {
        struct address_guard guard = {.rules_len = 0};

        add_rule(&guard, rule_rows[i].rule);
        if (allows_text(&guard, rule_rows[i].address, rule_rows[i].port) != rule_rows[i].allowed)
            fail_msg("row %zu: %s, %s port %d", i, rule_rows[i].rule, rule_rows[i].address,
                     rule_rows[i].port);
    }
}

static void any_of_several_rules_opens(void **unused)
{
    struct address_guard guard = {.rules_len = 0};

    (void)unused;
    for (size_t i = 0; i < ADDRESS_RULES_MAX - 1; i++)
        add_rule(&guard, "10.0.0.1/32:1");
    add_rule(&guard, "192.168.0.0/16:9");
    assert_true(allows_text(&guard, "192.168.3.4", 9));
    assert_true(allows_text(&guard, "10.0.0.1", 1));
    assert_false(allows_text(&guard, "10.0.0.1", 9));
}

/* --- our own addresses --- */

static void own_addresses_need_an_exact_rule(void **unused)
{
    struct address_guard guard = {.own_len = 3};

    (void)unused;
    guard.own[0] = sockaddr_of(address_of("10.0.0.5"), 0);
    guard.own[1] = sockaddr_of(address_of("93.184.216.34"), 99);
    guard.own[2] = sockaddr_of(address_of("2a00:1450::1"), 0);
    guard.own[3] = sockaddr_of(address_of("8.8.8.8"), 0); /* behind the list's end */
    add_rule(&guard, "10.0.0.0/8");
    add_rule(&guard, "93.184.216.0/24");
    assert_true(allows_text(&guard, "8.8.8.8", 443));
    assert_true(allows_text(&guard, "10.0.0.4", 443));
    assert_false(allows_text(&guard, "10.0.0.5", 443));
    assert_false(allows_text(&guard, "::ffff:10.0.0.5", 443));
    assert_false(allows_text(&guard, "93.184.216.34", 443));
    assert_true(allows_text(&guard, "93.184.216.35", 443));
    assert_false(allows_text(&guard, "2a00:1450::1", 443));
    assert_true(allows_text(&guard, "2a00:1450::2", 443));
    add_rule(&guard, "10.0.0.5/32:8443");
    assert_true(allows_text(&guard, "10.0.0.5", 8443));
    assert_false(allows_text(&guard, "10.0.0.5", 443));
    add_rule(&guard, "2a00:1450::1");
    assert_true(allows_text(&guard, "2a00:1450::1", 443));
}

static void own_redis_is_never_reached(void **unused)
{
    struct address_guard guard = {.never_len = 3};
    struct sockaddr_un un = {.sun_family = AF_UNIX};

    (void)unused;
    guard.never[0] = sockaddr_of(address_of("127.0.0.1"), 7000);
    guard.never[1] = sockaddr_of(address_of("::ffff:10.0.0.9"), 443);
    memcpy(&guard.never[2], &un, sizeof(un));
    add_rule(&guard, "127.0.0.1/32:1-65535");
    add_rule(&guard, "10.0.0.9");
    add_rule(&guard, "64:ff9b::/96");
    assert_false(allows_text(&guard, "127.0.0.1", 7000));
    assert_false(allows_text(&guard, "::ffff:127.0.0.1", 7000));
    assert_true(allows_text(&guard, "127.0.0.1", 7001));
    assert_false(allows_text(&guard, "10.0.0.9", 443));
    assert_false(allows_text(&guard, "64:ff9b::10.0.0.9", 443));
    assert_true(allows_text(&guard, "10.0.0.9", 80));
}

/* It may listen on all addresses of its machine. */
static void own_redis_is_never_reached_by_another_address(void **unused)
{
    static const char *const here[] = {"127.0.0.1", "127.0.0.2",        "127.255.255.255",
                                       "::1",       "::ffff:127.0.0.9", "93.184.215.2"};
    struct address_guard guard = {.never_len = 1, .own_len = 1};

    (void)unused;
    guard.own[0] = sockaddr_of(address_of("93.184.215.2"), 0);
    add_rule(&guard, "127.0.0.0/8:1-65535");
    add_rule(&guard, "[::1]:1-65535");
    add_rule(&guard, "93.184.215.2:1-65535");
    add_rule(&guard, "10.0.0.0/8:1-65535");
    for (size_t redis = 0; redis < sizeof(here) / sizeof(here[0]); redis++) {
        guard.never[0] = sockaddr_of(address_of(here[redis]), 7000);
        for (size_t i = 0; i < sizeof(here) / sizeof(here[0]); i++) {
            assert_false(allows_text(&guard, here[i], 7000));
            assert_true(allows_text(&guard, here[i], 7001));
        }
        assert_true(allows_text(&guard, "10.0.0.1", 7000));
    }
    guard.never[0] = sockaddr_of(address_of("10.0.0.9"), 7000); /* on another machine */
    assert_true(allows_text(&guard, "127.0.0.1", 7000));
    assert_true(allows_text(&guard, "10.0.0.8", 7000));
}

static void other_families_and_zones_are_refused(void **unused)
{
    struct address_guard guard = {.rules_len = 0};
    struct sockaddr_un un = {.sun_family = AF_UNIX, .sun_path = "/run/x"};
    struct sockaddr_storage unspecified = {.ss_family = AF_UNSPEC};
    struct sockaddr_storage storage = sockaddr_of(address_of("fe80::1"), 443);
    struct sockaddr_in6 in6;

    (void)unused;
    assert_false(address_guard_allows(&guard, (const struct sockaddr *)&un));
    assert_false(address_guard_allows(&guard, (const struct sockaddr *)&unspecified));
    add_rule(&guard, "fe80::1");
    memcpy(&in6, &storage, sizeof(in6));
    assert_true(address_guard_allows(&guard, (const struct sockaddr *)&in6));
    in6.sin6_scope_id = 2;
    assert_false(address_guard_allows(&guard, (const struct sockaddr *)&in6));
}

/* --- parsing --- */

static void parse_fills_the_rule(void **unused)
{
    static const struct {
        const char *text;
        const char *prefix;
        int prefix_len;
        bool has_ports;
        uint16_t from, to;
    } rows[] = {
        {"10.0.0.0/8", "10.0.0.0", 8, false, 0, 0},
        {"0.0.0.0/0", "0.0.0.0", 0, false, 0, 0},
        {"192.168.1.1", "192.168.1.1", 32, false, 0, 0},
        {"192.168.1.1:8080", "192.168.1.1", 32, true, 8080, 8080},
        {"192.168.1.0/24:1-65535", "192.168.1.0", 24, true, 1, 65535},
        {"::/0", "::", 0, false, 0, 0},
        {"fd00::1:8080", "fd00::1:8080", 128, false, 0, 0},
        {"FD00::/8", "fd00::", 8, false, 0, 0},
        {"[fd00::/8]", "fd00::", 8, false, 0, 0},
        {"[fd00::/8]:9", "fd00::", 8, true, 9, 9},
        {"[::1]:6379-6380", "::1", 128, true, 6379, 6380},
        {"64:ff9b::192.0.2.0/120", "64:ff9b::c000:200", 120, false, 0, 0},
    };

    (void)unused;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct address address = address_of(rows[i].prefix);
        struct address_rule rule;
        struct error_text why;

        assert_int_equal(address_rule_parse(bytes_of(rows[i].text), &rule, &why), 0);
        assert_int_equal(rule.is_ipv4, address.is_ipv4);
        assert_int_equal(rule.prefix_len, rows[i].prefix_len);
        for (size_t n = 0; n < 16; n++)
            assert_int_equal(rule.prefix[n], (uint8_t)(address.value >> (8 * (15 - n))));
        assert_int_equal(rule.has_ports, rows[i].has_ports);
        if (rule.has_ports) {
            assert_int_equal(rule.port_from, rows[i].from);
            assert_int_equal(rule.port_to, rows[i].to);
        }
    }
}

static const char *const not_rules[] = {
    "",
    " ",
    "/",
    ":",
    "[",
    "]",
    "[]",
    "[]:1",
    "10",
    "10.0.0.0/",
    "/8",
    "10.0.0.0/33",
    "10.0.0.0/-1",
    "10.0.0.0/+8",
    "10.0.0.0/08x",
    "10.0.0.0/8 ",
    " 10.0.0.0/8",
    "10.0.0/8",
    "10.0.0.0.0/8",
    "010.0.0.0/8",
    "0x0a.0.0.0/8",
    "256.0.0.0/8",
    "10.0.0.0/8:",
    "10.0.0.0/8:0",
    "10.0.0.0/8:65536",
    "10.0.0.0/8:-",
    "10.0.0.0/8:1-",
    "10.0.0.0/8:-1",
    "10.0.0.0/8:2-1",
    "10.0.0.0/8:1-2-3",
    "10.0.0.0/8:http",
    "10.0.0.0/8:1:2",
    "fd00::/129",
    "fd00::/8:8080",
    "[fd00::/8",
    "fd00::/8]",
    "[fd00::/8]8080",
    "[fd00::/8]:",
    "[[::1]]:1",
    "fe80::1%eth0",
    "fe80::1%1/128",
    "localhost",
    "example.com/8",
    "10.0.0.0/8,::1/128",
    "1111:2222:3333:4444:5555:6666:7777:8888:9999",
    "12345::",
    /* bits behind the prefix: a slip worth telling */
    "10.0.0.1/8",
    "0.0.0.1/0",
    "192.168.1.0/23",
    "fd00::1/8",
    "::1/127",
    "8000::/0",
    /* IPv4 inside IPv6 */
    "::ffff:10.0.0.0/104",
    "::ffff:0:0/96",
    "::ffff:127.0.0.1",
    "0000:0000:0000:0000:0000:ffff:192.168.100.228extra-long-text-beyond-any-address",
};

static void parse_refuses_what_is_not_a_rule(void **unused)
{
    static const char nul[] = "10.0.0.0\0/8";
    struct error_text why;
    struct address_rule rule = {.prefix_len = -7};

    (void)unused;
    for (size_t i = 0; i < sizeof(not_rules) / sizeof(not_rules[0]); i++) {
        why.text[0] = '\0';
        if (address_rule_parse(bytes_of(not_rules[i]), &rule, &why) != -1)
            fail_msg("\"%s\" was taken", not_rules[i]);
        assert_true(strlen(why.text) > 20);
    }
    assert_int_equal(address_rule_parse((struct bytes){nul, sizeof(nul) - 1}, &rule, &why), -1);
    assert_int_equal(address_rule_parse((struct bytes){NULL, 0}, &rule, &why), -1);
    assert_int_equal(rule.prefix_len, -7); /* untouched */
}

static void parse_error_names_the_problem(void **unused)
{
    static const struct {
        const char *text;
        const char *told;
    } rows[] = {
        {"10.0.0.1/8", "\"10.0.0.1/8\" has address bits set after its first 8"},
        {"::ffff:10.0.0.1", "\"::ffff:10.0.0.1\" is IPv4 inside IPv6: write it as an IPv4 range"},
        {"a\nb", "\"a?b\" is not CIDR[:port[-port]]"},
    };

    (void)unused;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct address_rule rule;
        struct error_text why;

        assert_int_equal(address_rule_parse(bytes_of(rows[i].text), &rule, &why), -1);
        assert_memory_equal(why.text, rows[i].told, strlen(rows[i].told));
    }
}

/* Only with 80 zero bits before it is it one. */
static void what_looks_like_mapped_ipv4_is_judged_as_ipv6(void **state)
{
    static const struct address_guard guard;

    (void)state;
    assert_true(allows_text(&guard, "::ffff:8.8.8.8", 443));
    assert_false(allows_text(&guard, "fd00::ffff:8.8.8.8", 443));
    assert_false(allows_text(&guard, "2002::ffff:8.8.8.8", 443));
    assert_true(allows_text(&guard, "2600::ffff:10.0.0.1", 443));
}

static void an_own_address_is_all_of_its_bits(void **state)
{
    struct address_guard guard = {.own_len = 1};

    (void)state;
    guard.own[0] = sockaddr_of(address_of("2600::1"), 0);
    assert_false(allows_text(&guard, "2600::1", 443));
    assert_true(allows_text(&guard, "2600:0:0:1::1", 443));
}

/* Each refusal that names a setting: that setting opens it, after at most two more. */
static void a_refusal_says_what_opens_it(void **unused)
{
    static const struct {
        const char *address;
        uint16_t port;
        const char *says;
    } refused[] = {
        {"10.0.0.1", 80, "10.0.0.1 port 80 is not public; allow-address = 10.0.0.1 would open it"},
        {"10.0.0.1", 25, "allow-address = 10.0.0.1:25 would"},
        {"fd00::1", 443, "allow-address = fd00::1 would"},
        {"fd00::1", 6379, "allow-address = [fd00::1]:6379 would"},
        {"127.0.0.1", 8080, "is not public"},
        {"169.254.169.254", 80, "metadata"},
        {"93.184.216.34", 25, "is public, but its port is none of a web server"},
        {"93.184.216.35", 80, "of this machine or of its name servers"},
        {"64:ff9b::a00:1", 80, "allow-address = "},
        {"0.0.0.0", 80, "never reachable"},
        {"93.184.216.36", 443, "is this worker's Redis"},
    };

    (void)unused;
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        struct address_guard guard = {.own_len = 1, .never_len = 1};
        struct sockaddr_storage storage =
            sockaddr_of(address_of(refused[i].address), refused[i].port);
        const struct sockaddr *address = (const struct sockaddr *)&storage;
        struct error_text why;
        guard.own[0] = sockaddr_of(address_of("93.184.216.35"), 0);
        guard.never[0] = sockaddr_of(address_of("93.184.216.36"), 443);
        assert_false(address_guard_allows(&guard, address));
        assert_non_null(strstr(address_guard_refusal(&guard, address, &why), refused[i].says));
        bool is_final = strstr(why.text, "never reachable") != NULL;
        for (int tries = 0; !is_final && !address_guard_allows(&guard, address); tries++) {
            const char *rule = strstr(address_guard_refusal(&guard, address, &why), "= ");
            struct error_text wrong;
            assert_true(rule != NULL && tries < 3);
            assert_int_equal(address_rule_parse((struct bytes){rule + 2, strcspn(rule + 2, " ")},
                                                &guard.rules[guard.rules_len++], &wrong),
                             0);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_row_is_judged_right_at_its_edges),
        cmocka_unit_test(a_refusal_says_what_opens_it),
        cmocka_unit_test(random_addresses_near_the_rows_are_judged_right),
        cmocka_unit_test(well_known_addresses_without_rules),
        cmocka_unit_test(nat64_needs_its_own_rule_and_an_inner_address_that_is_allowed),
        cmocka_unit_test(every_port_follows_the_default_policy),
        cmocka_unit_test(rules_and_ports),
        cmocka_unit_test(any_of_several_rules_opens),
        cmocka_unit_test(own_addresses_need_an_exact_rule),
        cmocka_unit_test(own_redis_is_never_reached),
        cmocka_unit_test(own_redis_is_never_reached_by_another_address),
        cmocka_unit_test(what_looks_like_mapped_ipv4_is_judged_as_ipv6),
        cmocka_unit_test(an_own_address_is_all_of_its_bits),
        cmocka_unit_test(other_families_and_zones_are_refused),
        cmocka_unit_test(parse_fills_the_rule),
        cmocka_unit_test(parse_refuses_what_is_not_a_rule),
        cmocka_unit_test(parse_error_names_the_problem),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
