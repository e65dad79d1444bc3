/*
 * An operator's rule, a newline, and an address as 16 bytes with 2 of a port. Whatever the rule is,
 * some addresses stay out of reach, and no way of writing an address changes the answer.
 */
#include "fuzz.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "contract/address_guard.h"

#define ADDRESS_SIZE 18

static void must(bool truth)
{
    if (!truth)
        abort();
}

static bool allows_ipv4(const struct address_guard *guard, const uint8_t ip[4], uint16_t port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};

    memcpy(&address.sin_addr, ip, 4);
    return address_guard_allows(guard, (const struct sockaddr *)&address);
}

static bool allows_ipv6(const struct address_guard *guard, const uint8_t ip[16], uint16_t port)
{
    struct sockaddr_in6 address = {.sin6_family = AF_INET6, .sin6_port = htons(port)};

    memcpy(&address.sin6_addr, ip, 16);
    return address_guard_allows(guard, (const struct sockaddr *)&address);
}

/* The last four bytes as an IPv4 address, bare and in the IPv6 forms that carry it. */
static void check_ipv4(const struct address_guard *guard, const uint8_t ip[4], uint16_t port)
{
    uint8_t mapped[16] = {[10] = 0xff, [11] = 0xff};
    uint8_t nat64[16] = {[1] = 0x64, [2] = 0xff, [3] = 0x9b};
    uint8_t compatible[16] = {0};
    bool allowed = allows_ipv4(guard, ip, port);

    memcpy(mapped + 12, ip, 4);
    memcpy(nat64 + 12, ip, 4);
    memcpy(compatible + 12, ip, 4);
    must(allows_ipv6(guard, mapped, port) == allowed);
    must(allowed || !allows_ipv6(guard, nat64, port));
    must(!allows_ipv6(guard, compatible, port) || (ip[0] == 0 && ip[3] == 1)); /* ::1 */
    if (allowed) {
        must(port != 0 && ip[0] != 0 && (ip[0] & 0xf0) != 0xe0);
        must(memcmp(ip, "\xff\xff\xff\xff", 4) != 0);
        must(ip[0] != 169 || ip[1] != 254 || guard->rules[0].prefix_len == 32);
    }
}

static void check_ipv6(const struct address_guard *guard, const uint8_t ip[16], uint16_t port)
{
    if (!allows_ipv6(guard, ip, port))
        return;
    must(port != 0 && ip[0] != 0xff);
    must(ip[0] != 0x20 || ip[1] != 0x02);
    must(ip[0] != 0xfe || (ip[1] & 0xc0) != 0x80 || guard->rules[0].prefix_len == 128);
}

static void check_rule(const struct address_rule *rule)
{
    must(rule->prefix_len >= 0 && rule->prefix_len <= (rule->is_ipv4 ? 32 : 128));
    if (rule->has_ports)
        must(rule->port_from >= 1 && rule->port_from <= rule->port_to);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint8_t *newline = size > 0 ? memchr(data, '\n', size) : NULL;
    struct bytes text = {(const char *)data, newline ? (size_t)(newline - data) : size};
    struct address_guard guard = {.rules_len = 1};
    struct address_guard closed = {.rules_len = 0};
    struct error_text why = {""};
    const uint8_t *ip = newline ? newline + 1 : NULL;
    uint16_t port;

    if (address_rule_parse(text, &guard.rules[0], &why)) {
        must(why.text[0] != '\0' && bytes_is_utf8(bytes_of(why.text)));
        return 0;
    }
    check_rule(&guard.rules[0]);
    if (size - text.len != 1 + ADDRESS_SIZE)
        return 0;
    port = (uint16_t)(ip[16] << 8 | ip[17]);
    check_ipv4(&guard, ip + 12, port);
    check_ipv6(&guard, ip, port);
    /* A rule only opens. */
    must(!allows_ipv4(&closed, ip + 12, port) || allows_ipv4(&guard, ip + 12, port));
    must(!allows_ipv6(&closed, ip, port) || allows_ipv6(&guard, ip, port));
    return 0;
}
