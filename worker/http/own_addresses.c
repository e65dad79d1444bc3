#include "http/own_addresses.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/file_mark.h"
#include "base/log.h"

#define RESOLV_CONF "/etc/resolv.conf"

struct own_addresses {
    struct loop *loop;
    struct address_guard *guard;
    int changes; /* a netlink socket, -1: none */
    struct loop_watch *watch;
    bool told_full;
    struct file_mark name_servers;
};

static size_t address_size(const struct sockaddr *address)
{
    if (address->sa_family == AF_INET)
        return sizeof(struct sockaddr_in);
    return address->sa_family == AF_INET6 ? sizeof(struct sockaddr_in6) : 0;
}

static bool is_loopback(const struct sockaddr *address)
{
    struct sockaddr_in in;
    struct sockaddr_in6 in6;
    if (address->sa_family == AF_INET) {
        memcpy(&in, address, sizeof(in));
        return ntohl(in.sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
    }
    memcpy(&in6, address, sizeof(in6));
    return IN6_IS_ADDR_LOOPBACK(&in6.sin6_addr);
}

/* Loopback is not ours alone to close: operators open it by a rule, as a whole. */
static void add(struct own_addresses *own, const struct sockaddr *address)
{
    struct address_guard *guard = own->guard;
    if (address_size(address) == 0 || is_loopback(address))
        return;
    if (guard->own_len < ADDRESS_OWN_MAX) {
        memcpy(&guard->own[guard->own_len++], address, address_size(address));
        return;
    }
    if (!own->told_full)
        log_at(LOG_WARN, "many_addresses", log_int("guarded", ADDRESS_OWN_MAX),
               log_text("why", "this machine has more; the rest are judged like others"));
    own->told_full = true;
}

static void add_interfaces(struct own_addresses *own)
{
    struct ifaddrs *list = NULL;
    if (getifaddrs(&list) != 0) {
        log_at(LOG_WARN, "interfaces_unknown",
               log_text("why",
                        "getifaddrs failed; the addresses of this machine are judged like others"));
        return;
    }
    for (const struct ifaddrs *item = list; item != NULL; item = item->ifa_next) {
        if (item->ifa_addr != NULL)
            add(own, item->ifa_addr);
    }
    freeifaddrs(list);
}

/* "nameserver 192.0.2.1", or an IPv6 address that may have a zone behind it. */
static void add_name_server(struct own_addresses *own, char *line)
{
    struct sockaddr_in in = {.sin_family = AF_INET};
    struct sockaddr_in6 in6 = {.sin6_family = AF_INET6};
    char *rest = NULL;
    const char *word = strtok_r(line, " \t\r\n", &rest);
    if (word == NULL || strcmp(word, "nameserver") != 0)
        return;
    word = strtok_r(NULL, " \t\r\n%", &rest);
    if (word == NULL)
        return;
    if (inet_pton(AF_INET, word, &in.sin_addr) == 1)
        add(own, (const struct sockaddr *)&in);
    else if (inet_pton(AF_INET6, word, &in6.sin6_addr) == 1)
        add(own, (const struct sockaddr *)&in6);
}

static void add_name_servers(struct own_addresses *own)
{
    char line[512];
    FILE *file = fopen(RESOLV_CONF, "re");
    if (file == NULL)
        return; /* then nobody is asked but this machine itself */
    while (fgets(line, sizeof(line), file) != NULL)
        add_name_server(own, line);
    (void)fclose(file);
}

static void look(struct own_addresses *own)
{
    (void)file_mark_changed(&own->name_servers, RESOLV_CONF); /* first: a change is seen again */
    own->guard->own_len = 0;
    add_interfaces(own);
    add_name_servers(own);
}

/* What changed is not read from the messages: some may have been lost. */
static void on_change(void *context, int descriptor, bool readable, bool writable)
{
    struct own_addresses *own = context;
    char message[8192];
    (void)readable;
    (void)writable;
    while (recv(descriptor, message, sizeof(message), MSG_DONTWAIT) > 0)
        ;
    look(own);
}

static int watch_changes(struct own_addresses *own)
{
    struct sockaddr_nl address = {.nl_family = AF_NETLINK,
                                  .nl_groups = RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR};
    own->changes = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);
    own->watch = loop_watch_new(own->loop, on_change, own);
    if (own->changes < 0 || own->watch == NULL ||
        bind(own->changes, (const struct sockaddr *)&address, sizeof(address)) != 0)
        return -1;
    return loop_watch_set(own->watch, own->changes, true, false);
}

struct own_addresses *own_addresses_new(struct loop *loop, struct address_guard *guard)
{
    struct own_addresses *own = calloc(1, sizeof(*own));
    if (own == NULL)
        return NULL;
    own->loop = loop;
    own->guard = guard;
    own->changes = -1;
    /* First watch, then look: what changes between is seen twice and not missed. */
    if (watch_changes(own) != 0)
        log_at(LOG_WARN, "address_changes_unknown",
               log_text("why", "no netlink socket; addresses this machine gets later are judged "
                               "like others until a restart"));
    look(own);
    return own;
}

void own_addresses_look(struct own_addresses *own)
{
    if (file_mark_changed(&own->name_servers, RESOLV_CONF))
        look(own);
}

void own_addresses_free(struct own_addresses *own)
{
    if (own == NULL)
        return;
    loop_watch_free(own->watch);
    if (own->changes >= 0)
        close(own->changes);
    free(own);
}

void own_addresses_add_redis(struct address_guard *guard, const struct redis_link *link)
{
    struct sockaddr_storage address;
    const size_t max = sizeof(guard->never) / sizeof(guard->never[0]);
    if (redis_link_peer(link, &address) != 0)
        return;
    for (size_t i = 0; i < guard->never_len; i++) {
        if (memcmp(&guard->never[i], &address, sizeof(address)) == 0)
            return;
    }
    /* After many moves of Redis the oldest address makes way. */
    if (guard->never_len == max)
        memmove(&guard->never[0], &guard->never[1], (max - 1) * sizeof(guard->never[0]));
    else
        guard->never_len++;
    guard->never[guard->never_len - 1] = address;
}
