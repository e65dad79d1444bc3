#include "admin/hook/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "contract/address_guard.h"

/* An address in any spelling that a resolver takes, or a name that means this machine. */
static bool is_address(const struct url *url, struct sockaddr_storage *ret_address)
{
    struct sockaddr_in ipv4 = {.sin_family = AF_INET, .sin_port = htons(url->port)};
    struct sockaddr_in6 ipv6 = {.sin6_family = AF_INET6, .sin6_port = htons(url->port)};
    size_t len = strlen(url->host);
    bool is_local = strcmp(url->host, "localhost") == 0 ||
                    (len > 10 && strcmp(url->host + len - 10, ".localhost") == 0);

    *ret_address = (struct sockaddr_storage){0};
    if (url->is_ipv6) {
        if (inet_pton(AF_INET6, url->host, &ipv6.sin6_addr) != 1)
            return false;
        memcpy(ret_address, &ipv6, sizeof(ipv6));
        return true;
    }
    if (is_local)
        ipv4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    else if (inet_aton(url->host, &ipv4.sin_addr) != 1)
        return false;
    memcpy(ret_address, &ipv4, sizeof(ipv4));
    return true;
}

enum hook_address hook_address_judge(const struct url *url, struct error_text *why)
{
    static const struct address_guard strict;
    struct sockaddr_storage address;

    if (is_address(url, &address)) {
        if (address_guard_allows(&strict, (struct sockaddr *)&address))
            return HOOK_ADDRESS_FINE;
        (void)address_guard_refusal(&strict, (struct sockaddr *)&address, why);
        return HOOK_ADDRESS_CLOSED;
    }
    if (address_port_allowed(url->port))
        return HOOK_ADDRESS_FINE;
    error_text_set(why, "port %u is none of a web server; an allow-address with it would open it",
                   (unsigned)url->port);
    return HOOK_ADDRESS_PORT;
}
