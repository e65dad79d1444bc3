/*
 * Any bytes as the URL of a hook, and what its name server answers: a URL, a newline, then
 * addresses of 17 bytes each ('4' or '6', and the address). The worker's client POSTs to it, under
 * the strict policy. connect and getaddrinfo are ours here: no socket may be connected to an
 * address or port that a second table, written down apart from the worker's, forbids. What both
 * allow must be tried.
 */
#define _GNU_SOURCE 1
#include "fuzz.h"

#include <arpa/inet.h>
#include <dlfcn.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "contract/parse.h"
#include "http/client.h"

#define TIMEOUT_MS 2000
#define ADDRESSES_MAX 4
#define RECORD 17

static void must(bool truth)
{
    if (!truth)
        abort();
}

/* --- the second table --- */

/* docs/threat-model.md, T1 and T5: IPv4 ranges, and all of IPv6 but 2000::/3 and what is in it. */
static const char *const forbidden4[] = {
    "0.0.0.0/8",       "10.0.0.0/8",     "100.64.0.0/10",  "127.0.0.0/8",     "168.63.129.16/32",
    "169.254.0.0/16",  "172.16.0.0/12",  "192.0.0.0/24",   "192.0.2.0/24",    "192.31.196.0/24",
    "192.52.193.0/24", "192.88.99.0/24", "192.168.0.0/16", "192.175.48.0/24", "198.18.0.0/15",
    "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4",    "240.0.0.0/4",
};
static const char *const forbidden6[] = {
    "2001::/23", "2001:db8::/32", "2002::/16", "2620:4f:8000::/48", "3ffe::/16", "3fff::/20",
};
static const uint16_t forbidden_ports[] = {
    1719, 1720, 1723, 2049, 2375, 2376, 2379, 3306, 3659, 4045, 5060,  5061,  5432,  6000,  6379,
    6380, 6566, 6665, 6666, 6667, 6668, 6669, 6697, 8500, 9200, 10080, 10250, 11211, 26379, 27017,
};

static bool is_inside(const unsigned char *address, const char *cidr, int family)
{
    char text[64];
    unsigned char prefix[16];
    const char *slash = strchr(cidr, '/');
    int64_t bits = 0;

    must(parse_int64(bytes_of(slash + 1), 0, 128, &bits) == 0);
    snprintf(text, sizeof(text), "%.*s", (int)(slash - cidr), cidr);
    must(inet_pton(family, text, prefix) == 1);
    for (int64_t i = 0; i < bits; i++) {
        if ((address[i / 8] ^ prefix[i / 8]) >> (7 - i % 8) & 1)
            return false;
    }
    return true;
}

static bool is_public4(const unsigned char *address)
{
    for (size_t i = 0; i < sizeof(forbidden4) / sizeof(forbidden4[0]); i++) {
        if (is_inside(address, forbidden4[i], AF_INET))
            return false;
    }
    return true;
}

static bool is_public6(const unsigned char *address)
{
    bool isatap =
        (address[8] & 0xfd) == 0 && address[9] == 0 && address[10] == 0x5e && address[11] == 0xfe;

    if (is_inside(address, "::ffff:0:0/96", AF_INET6))
        return is_public4(address + 12); /* the kernel refuses it on our sockets anyway */
    if (!is_inside(address, "2000::/3", AF_INET6) || (isatap && !is_public4(address + 12)))
        return false;
    for (size_t i = 0; i < sizeof(forbidden6) / sizeof(forbidden6[0]); i++) {
        if (is_inside(address, forbidden6[i], AF_INET6))
            return false;
    }
    return true;
}

static bool is_open_port(uint16_t port)
{
    for (size_t i = 0; i < sizeof(forbidden_ports) / sizeof(forbidden_ports[0]); i++) {
        if (port == forbidden_ports[i])
            return false;
    }
    return port == 80 || port == 443 || port >= 1024;
}

static bool is_permitted(const struct sockaddr *address)
{
    const struct sockaddr_in *v4 = (const struct sockaddr_in *)address;
    const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)address;

    if (address->sa_family == AF_INET)
        return is_open_port(ntohs(v4->sin_port)) &&
               is_public4((const unsigned char *)&v4->sin_addr);
    return address->sa_family == AF_INET6 && is_open_port(ntohs(v6->sin6_port)) &&
           v6->sin6_scope_id == 0 && is_public6(v6->sin6_addr.s6_addr);
}

/* --- the network --- */

/* What the name server says, and what was seen; libcurl looks names up in a thread of its own. */
static struct {
    unsigned char addresses[ADDRESSES_MAX][RECORD];
    size_t addresses_len;
    int looked_up;
    bool all_permitted; /* what the last look-up gave */
    int connects;
} network;

/* Visible, so that libcurl's calls come here and not to the C library. */
#define INSTEAD_OF_LIBC __attribute__((visibility("default")))

INSTEAD_OF_LIBC int connect(int descriptor, const struct sockaddr *address, socklen_t len)
{
    (void)descriptor;
    (void)len;
    must(is_permitted(address));
    network.connects++;
    errno = ECONNREFUSED;
    return -1;
}

static struct addrinfo *make_answer(const unsigned char *record, int type, uint16_t port)
{
    struct addrinfo *info = calloc(1, sizeof(*info) + sizeof(struct sockaddr_in6));
    struct sockaddr *address = (struct sockaddr *)(info + 1);
    bool is_v4 = record[0] == '4';

    must(info != NULL);
    if (is_v4) {
        *(struct sockaddr_in *)address =
            (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(port)};
        memcpy(&((struct sockaddr_in *)address)->sin_addr, record + 1, 4);
    } else {
        *(struct sockaddr_in6 *)address =
            (struct sockaddr_in6){.sin6_family = AF_INET6, .sin6_port = htons(port)};
        memcpy(&((struct sockaddr_in6 *)address)->sin6_addr, record + 1, 16);
    }
    info->ai_family = address->sa_family;
    info->ai_socktype = type;
    info->ai_addr = address;
    info->ai_addrlen = is_v4 ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6);
    network.all_permitted = network.all_permitted && is_permitted(address);
    return info;
}

INSTEAD_OF_LIBC int getaddrinfo(const char *name, const char *service, const struct addrinfo *hints,
                                struct addrinfo **ret_answer)
{
    struct addrinfo **end = ret_answer;
    uint64_t port = 0;

    (void)name;
    must(!service || parse_uint64(bytes_of(service), UINT16_MAX, &port) == 0);
    *ret_answer = NULL;
    network.looked_up++;
    network.all_permitted = true;
    for (size_t i = 0; i < network.addresses_len; i++) {
        int family = network.addresses[i][0] == '4' ? AF_INET : AF_INET6;

        if (hints && hints->ai_family != AF_UNSPEC && hints->ai_family != family)
            continue;
        *end = make_answer(network.addresses[i], hints ? hints->ai_socktype : SOCK_STREAM,
                           (uint16_t)port);
        end = &(*end)->ai_next;
    }
    return *ret_answer ? 0 : EAI_NONAME;
}

INSTEAD_OF_LIBC void freeaddrinfo(struct addrinfo *info)
{
    while (info) {
        struct addrinfo *next = info->ai_next;

        free(info);
        info = next;
    }
}

/* --- one attempt --- */

static struct loop *loop;
static struct http_client *client;
static struct attempt_result last;

static void set_up(void)
{
    static const struct address_guard strict;
    struct http_client_config config = {
        .guard = &strict,
        .ca_file = "/etc/ssl/certs/ca-certificates.crt",
        .max_transfers = 2,
        .max_per_address = 4,
        .max_response_bytes = 65536,
        .max_body_bytes = 65536,
    };
    struct error_text why;

    /* Nothing may leave this machine, should the names above not be the ones that libraries see. */
    must(dlsym(RTLD_DEFAULT, "connect") == (void *)(uintptr_t)connect);
    must(dlsym(RTLD_DEFAULT, "getaddrinfo") == (void *)(uintptr_t)getaddrinfo);
    loop = loop_new();
    client = loop ? http_client_new(loop, &config, &why) : NULL;
    must(client != NULL);
}

static void on_done(void *context, const struct http_result *result)
{
    (void)context;
    last = result->attempt;
    loop_stop(loop);
}

static void attempt(const char *text, const struct url *url)
{
    struct event event = {.message = BYTES("{\"roomId\":1}")};
    struct hook hook = {.format = HOOK_FORMAT_BARE};
    struct render_input input = {.event = &event, .hook = &hook, .event_id = BYTES("id")};
    struct http_target target = {
        .url_text = text, .url = url, .timeout_ms = TIMEOUT_MS, .connect_timeout_ms = TIMEOUT_MS};
    struct http_transfer *transfer = http_transfer_new(client);

    must(transfer && render(&input, http_transfer_request(transfer)) == 0);
    http_transfer_start(transfer, &target, on_done, NULL);
    must(loop_run(loop) == 0);
}

static void check(const char *text, const struct url *url)
{
    network.looked_up = 0;
    network.connects = 0;
    attempt(text, url);
    must(last.end == ATTEMPT_CONNECT || last.end == ATTEMPT_BLOCKED || last.end == ATTEMPT_DNS ||
         last.end == ATTEMPT_BAD_URL);
    /* A name of which one address is refused looks like a name that does not exist. */
    must((last.end == ATTEMPT_CONNECT) == (network.connects > 0) || last.end == ATTEMPT_BLOCKED ||
         (last.end == ATTEMPT_DNS && !network.all_permitted));
    if (network.looked_up > 0 && network.addresses_len > 0 && network.all_permitted)
        must(last.end == ATTEMPT_CONNECT);
}

/* The addresses behind the URL's newline. */
static void read_addresses(const uint8_t *data, size_t size)
{
    network.addresses_len = 0;
    for (; size >= RECORD && network.addresses_len < ADDRESSES_MAX;
         data += RECORD, size -= RECORD) {
        if (data[0] != '4' && data[0] != '6')
            return;
        memcpy(network.addresses[network.addresses_len++], data, RECORD);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint8_t *newline = size > 0 ? memchr(data, '\n', size) : NULL;
    struct bytes given = {(const char *)data, newline ? (size_t)(newline - data) : size};
    char text[URL_MAX + 1];
    struct url url;
    struct error_text why;

    if (!loop)
        set_up();
    if (url_parse(given, &url, &why) || !bytes_copy_text(given, text, sizeof(text)))
        return 0;
    read_addresses(newline ? newline + 1 : data, newline ? size - given.len - 1 : 0);
    check(text, &url);
    return 0;
}
