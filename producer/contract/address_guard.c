#include "contract/address_guard.h"

#include <arpa/inet.h>
#include <endian.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "contract/address_guard_table.h"
#include "contract/parse.h"

/*
 * Ports from 1024 up where something listens that a POST could talk to. First the WHATWG Fetch
 * Standard's "bad ports" (https://fetch.spec.whatwg.org/#port-blocking), then stores and control
 * planes that are often without a password inside a network.
 */
static const uint16_t refused_ports[] = {
    1719, 1720, 1723,                                  /* H.323, PPTP */
    2049, 3659, 4045,  4190,                           /* NFS, Apple SASL, NFS locks, Sieve */
    5060, 5061, 6000,  6566,                           /* SIP, X11, SANE */
    6665, 6666, 6667,  6668,  6669, 6679, 6697, 10080, /* IRC, Amanda */
    2375, 2376, 2379,  10250,                          /* Docker, etcd, Kubernetes' kubelet */
    6379, 6380, 26379, 11211,                          /* Redis, its TLS and Sentinel; memcached */
    3306, 5432, 27017,                                 /* MySQL, PostgreSQL, MongoDB */
    8500, 9200,                                        /* Consul, Elasticsearch */
};

bool address_port_allowed(uint16_t port)
{
    if (port < 1024)
        return port == 80 || port == 443;
    for (size_t i = 0; i < sizeof(refused_ports) / sizeof(refused_ports[0]); i++) {
        if (port == refused_ports[i])
            return false;
    }
    return true;
}

/* --- rules --- */

static struct ip ip_of_bytes(const uint8_t bytes[16], bool is_ipv4)
{
    struct ip ip = {.is_ipv4 = is_ipv4};

    memcpy(&ip.high, bytes, 8);
    memcpy(&ip.low, bytes + 8, 8);
    ip.high = be64toh(ip.high);
    ip.low = be64toh(ip.low);
    return ip;
}

static struct bytes bytes_from(struct bytes text, size_t start)
{
    return (struct bytes){text.data + start, text.len - start};
}

/* Where c first stands in text, or -1. */
static ptrdiff_t bytes_find(struct bytes text, char c)
{
    const char *at = text.len > 0 ? memchr(text.data, c, text.len) : NULL;

    return at ? at - text.data : -1;
}

/*
 * Cuts "CIDR:ports" or "[CIDR]:ports". Without brackets a single colon parts the ports from an
 * IPv4 range, any other number of colons belongs to an address. -1: not of that form.
 */
static int cut_ports(struct bytes text, struct bytes *ret_cidr, struct bytes *ret_ports)
{
    bool brackets;
    ptrdiff_t end;
    struct bytes rest;

    if (text.len == 0)
        return -1;
    brackets = text.data[0] == '[';
    end = bytes_find(text, brackets ? ']' : ':');
    if (brackets && end < 0)
        return -1;
    if (end < 0 || (!brackets && bytes_find(bytes_from(text, (size_t)end + 1), ':') >= 0))
        end = (ptrdiff_t)text.len;
    *ret_cidr = (struct bytes){text.data + brackets, (size_t)end - brackets};
    rest = bytes_from(text, (size_t)end + (brackets ? 1 : 0));
    if (rest.len > 0 && rest.data[0] != ':')
        return -1;
    *ret_ports = rest;
    return 0;
}

static int parse_port(struct bytes text, uint16_t *ret_port)
{
    int64_t port;

    if (parse_int64(text, 1, 65535, &port))
        return -1;
    *ret_port = (uint16_t)port;
    return 0;
}

/* ":from" or ":from-to"; empty when there are none. */
static int parse_ports(struct bytes text, struct address_rule *rule)
{
    struct bytes from, to;
    ptrdiff_t dash;

    rule->has_ports = text.len > 0;
    if (!rule->has_ports)
        return 0;
    from = to = bytes_from(text, 1);
    dash = bytes_find(from, '-');
    if (dash >= 0) {
        to = bytes_from(from, (size_t)dash + 1);
        from.len = (size_t)dash;
    }
    if (parse_port(from, &rule->port_from) || parse_port(to, &rule->port_to))
        return -1;
    return rule->port_from <= rule->port_to ? 0 : -1;
}

/* "address/length", or an address alone, which stands for just itself. */
static int parse_cidr(struct bytes text, struct address_rule *rule)
{
    ptrdiff_t slash = bytes_find(text, '/');
    struct bytes address = text;
    char address_text[INET6_ADDRSTRLEN];
    int64_t len;

    if (slash >= 0)
        address.len = (size_t)slash;
    if (!bytes_copy_text(address, address_text, sizeof(address_text)))
        return -1;
    rule->is_ipv4 = inet_pton(AF_INET, address_text, rule->prefix + 12) == 1;
    if (!rule->is_ipv4 && inet_pton(AF_INET6, address_text, rule->prefix) != 1)
        return -1;
    len = rule->is_ipv4 ? 32 : 128;
    if (slash >= 0 && parse_int64(bytes_from(text, (size_t)slash + 1), 0, len, &len))
        return -1;
    rule->prefix_len = (int)len;
    return 0;
}

static bool has_bits_behind_prefix(const struct address_rule *rule)
{
    size_t from = (size_t)rule->prefix_len + (rule->is_ipv4 ? 96 : 0);

    for (size_t bit = from; bit < 128; bit++) {
        if (rule->prefix[bit / 8] >> (7 - bit % 8) & 1)
            return true;
    }
    return false;
}

int address_rule_parse(struct bytes text, struct address_rule *ret_rule, struct error_text *why)
{
    struct address_rule rule = {.is_ipv4 = false};
    struct bytes cidr, ports;
    struct ip ip, inner;
    char shown[64];

    bytes_printable(text, shown, sizeof(shown));
    if (cut_ports(text, &cidr, &ports) || parse_cidr(cidr, &rule) || parse_ports(ports, &rule)) {
        error_text_set(why,
                       "\"%s\" is not CIDR[:port[-port]], such as 10.0.0.0/8, "
                       "127.0.0.1/32:8000-8999 or [fd00::/8]:8080",
                       shown);
        return -1;
    }
    if (has_bits_behind_prefix(&rule)) {
        error_text_set(why, "\"%s\" has address bits set after its first %d", shown,
                       rule.prefix_len);
        return -1;
    }
    ip = ip_of_bytes(rule.prefix, rule.is_ipv4);
    if (address_mapped_ipv4(&ip, &inner)) {
        error_text_set(why, "\"%s\" is IPv4 inside IPv6: write it as an IPv4 range", shown);
        return -1;
    }
    *ret_rule = rule;
    return 0;
}

/* --- judging --- */

/* The address a connection would reach, and its port. False: not IPv4 or IPv6. */
static bool ip_of_sockaddr(const struct sockaddr *address, struct ip *ret_ip, uint16_t *ret_port)
{
    if (address->sa_family == AF_INET) {
        struct sockaddr_in in;

        memcpy(&in, address, sizeof(in));
        *ret_ip = (struct ip){true, 0, ntohl(in.sin_addr.s_addr)};
        *ret_port = ntohs(in.sin_port);
        return true;
    }
    if (address->sa_family == AF_INET6) {
        struct sockaddr_in6 in6;

        memcpy(&in6, address, sizeof(in6));
        *ret_ip = ip_of_bytes(in6.sin6_addr.s6_addr, false);
        (void)address_mapped_ipv4(ret_ip, ret_ip);
        *ret_port = ntohs(in6.sin6_port);
        return true;
    }
    return false;
}

static bool ip_equal(const struct ip *a, const struct ip *b)
{
    return a->is_ipv4 == b->is_ipv4 && a->high == b->high && a->low == b->low;
}

/* Is ip in the list? port 0 stands for any. */
static bool list_has(const struct sockaddr_storage *list, size_t list_len, const struct ip *ip,
                     uint16_t port)
{
    for (size_t i = 0; i < list_len; i++) {
        struct ip other;
        uint16_t other_port;

        if (ip_of_sockaddr((const struct sockaddr *)&list[i], &other, &other_port) &&
            ip_equal(ip, &other) && (port == 0 || port == other_port))
            return true;
    }
    return false;
}

/* Does some rule open ip and port? exact: only rules of full length count. */
static bool rule_opens(const struct address_guard *guard, const struct ip *ip, uint16_t port,
                       bool exact)
{
    for (size_t i = 0; i < guard->rules_len; i++) {
        const struct address_rule *rule = &guard->rules[i];
        struct ip prefix = ip_of_bytes(rule->prefix, rule->is_ipv4);

        if (exact && rule->prefix_len != (rule->is_ipv4 ? 32 : 128))
            continue;
        if (!address_has_prefix(ip, &prefix, rule->prefix_len))
            continue;
        if (rule->has_ports ? port >= rule->port_from && port <= rule->port_to
                            : address_port_allowed(port))
            return true;
    }
    return false;
}

/* What listens on one address of a machine may listen on all. */
static bool is_of_this_machine(const struct address_guard *guard, const struct ip *ip)
{
    bool is_loopback = ip->is_ipv4 ? ip->low >> 24 == 127 : ip->high == 0 && ip->low == 1;

    return is_loopback || list_has(guard->own, guard->own_len, ip, 0);
}

/* Our own Redis, by whatever address of this machine when it runs here. */
static bool is_our_redis(const struct address_guard *guard, const struct ip *ip, uint16_t port)
{
    bool is_here = is_of_this_machine(guard, ip);

    for (size_t i = 0; i < guard->never_len; i++) {
        struct ip redis;
        uint16_t redis_port;

        if (!ip_of_sockaddr((const struct sockaddr *)&guard->never[i], &redis, &redis_port) ||
            redis_port != port)
            continue;
        if (ip_equal(ip, &redis) || (is_here && is_of_this_machine(guard, &redis)))
            return true;
    }
    return false;
}

static bool ip_is_allowed(const struct address_guard *guard, const struct ip *ip, uint16_t port)
{
    enum address_class class = address_class_of(ip);

    if (class == ADDRESS_NEVER || is_our_redis(guard, ip, port))
        return false;
    if (list_has(guard->own, guard->own_len, ip, 0))
        class = ADDRESS_BY_EXACT_RULE;
    if (rule_opens(guard, ip, port, class == ADDRESS_BY_EXACT_RULE))
        return true;
    return class == ADDRESS_PUBLIC && address_port_allowed(port);
}

bool address_guard_allows(const struct address_guard *guard, const struct sockaddr *address)
{
    struct ip ip, inner;
    uint16_t port;

    if (!ip_of_sockaddr(address, &ip, &port))
        return false;
    /* A zone names one of our own links; no webhook has business there. */
    if (address->sa_family == AF_INET6) {
        struct sockaddr_in6 in6;

        memcpy(&in6, address, sizeof(in6));
        if (in6.sin6_scope_id != 0)
            return false;
    }
    if (!ip_is_allowed(guard, &ip, port))
        return false;
    return !address_inner_ipv4(&ip, &inner) || ip_is_allowed(guard, &inner, port);
}

/* --- explaining --- */

static const char *ip_text(const struct ip *ip, char out[INET6_ADDRSTRLEN])
{
    uint8_t bytes[16];

    for (int i = 0; i < 8; i++) {
        bytes[i] = (uint8_t)(ip->high >> (56 - 8 * i));
        bytes[8 + i] = (uint8_t)(ip->low >> (56 - 8 * i));
    }
    if (!inet_ntop(ip->is_ipv4 ? AF_INET : AF_INET6, ip->is_ipv4 ? bytes + 12 : bytes, out,
                   INET6_ADDRSTRLEN))
        out[0] = '\0';
    return out;
}

static void explain_ip(const struct address_guard *guard, const struct ip *ip, uint16_t port,
                       struct error_text *why)
{
    enum address_class class = address_class_of(ip);
    char text[INET6_ADDRSTRLEN];
    char ports[8] = "";
    const char *what = "is not public";
    const char *left = ip->is_ipv4 ? "" : "[";
    const char *right = ip->is_ipv4 ? "" : "]";

    (void)ip_text(ip, text);
    if (is_our_redis(guard, ip, port)) {
        error_text_set(why, "%s port %u is this worker's Redis, and never reachable", text, port);
        return;
    }
    if (class == ADDRESS_NEVER) {
        error_text_set(why, "%s is no address of a receiver, and never reachable", text);
        return;
    }
    if (list_has(guard->own, guard->own_len, ip, 0))
        what = "is of this machine or of its name servers";
    else if (class == ADDRESS_BY_EXACT_RULE)
        what = "is link-local or of a metadata service";
    else if (class == ADDRESS_PUBLIC)
        what = "is public, but its port is none of a web server";
    if (!address_port_allowed(port))
        (void)snprintf(ports, sizeof(ports), ":%u", port);
    else
        left = right = "";
    error_text_set(why, "%s port %u %s; allow-address = %s%s%s%s would open it", text, port, what,
                   left, text, right, ports);
}

const char *address_guard_refusal(const struct address_guard *guard, const struct sockaddr *address,
                                  struct error_text *why)
{
    struct ip ip, inner;
    uint16_t port;

    if (!ip_of_sockaddr(address, &ip, &port))
        error_text_set(why, "it is no IP address");
    else if (!ip_is_allowed(guard, &ip, port))
        explain_ip(guard, &ip, port, why);
    else if (address_inner_ipv4(&ip, &inner) && !ip_is_allowed(guard, &inner, port))
        explain_ip(guard, &inner, port, why);
    else
        error_text_set(why, "it names a link of this machine");
    return why->text;
}
