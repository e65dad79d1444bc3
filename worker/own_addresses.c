#include "own_addresses.h"

#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <string.h>

#include "log.h"

static size_t address_size(const struct sockaddr *address)
{
    if (address->sa_family == AF_INET)
        return sizeof(struct sockaddr_in);
    return address->sa_family == AF_INET6 ? sizeof(struct sockaddr_in6) : 0;
}

void own_addresses_add_interfaces(struct address_guard *guard)
{
    struct ifaddrs *list = NULL;
    if (getifaddrs(&list) != 0) {
        log_at(LOG_WARN, "interfaces_unknown",
               log_text("why",
                        "getifaddrs failed; the addresses of this machine are judged like others"));
        return;
    }
    for (const struct ifaddrs *item = list; item != NULL; item = item->ifa_next) {
        size_t size = item->ifa_addr == NULL ? 0 : address_size(item->ifa_addr);
        if (size > 0 && (item->ifa_flags & IFF_LOOPBACK) == 0 && guard->own_len < ADDRESS_OWN_MAX)
            memcpy(&guard->own[guard->own_len++], item->ifa_addr, size);
    }
    freeifaddrs(list);
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
