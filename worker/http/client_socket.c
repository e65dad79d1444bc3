#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "http/client_internal.h"

#define SYN_RETRIES 3
#define USER_TIMEOUT_MS 30000u

struct socket_info *client_socket(struct http_client *client, curl_socket_t descriptor)
{
    if (descriptor < 0)
        return NULL;
    if ((size_t)descriptor >= client->sockets_cap) {
        size_t cap = ((size_t)descriptor + 1) * 2;
        struct socket_info *sockets = reallocarray(client->sockets, cap, sizeof(*sockets));
        if (sockets == NULL)
            return NULL;
        memset(sockets + client->sockets_cap, 0, (cap - client->sockets_cap) * sizeof(*sockets));
        client->sockets = sockets;
        client->sockets_cap = cap;
    }
    return &client->sockets[descriptor];
}

static int open_socket(const struct curl_sockaddr *address)
{
    int one = 1;
    int syn_retries = SYN_RETRIES;
    unsigned user_timeout_ms = USER_TIMEOUT_MS;
    int descriptor = socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
    if (descriptor < 0)
        return -1;
    /* The kernel refuses IPv4-mapped addresses on its own as well. */
    if (address->family == AF_INET6 &&
        setsockopt(descriptor, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof(one)) != 0) {
        int error = errno;
        close(descriptor);
        errno = error;
        return -1;
    }
    /* Best effort: the transfer's deadline holds without them. */
    (void)setsockopt(descriptor, IPPROTO_TCP, TCP_SYNCNT, &syn_retries, sizeof(syn_retries));
    (void)setsockopt(descriptor, IPPROTO_TCP, TCP_USER_TIMEOUT, &user_timeout_ms,
                     sizeof(user_timeout_ms));
    return descriptor;
}

void transfer_leave_destination(struct http_transfer *transfer)
{
    destinations_leave(&transfer->client->destinations, transfer->destination);
    transfer->destination = NULL;
}

/* False: too many fly there. A transfer that tries several addresses counts at the last one. */
static bool enter_destination(struct http_transfer *transfer, const struct sockaddr *address)
{
    struct http_client *client = transfer->client;
    char name[DESTINATION_NAME_SIZE];
    transfer_leave_destination(transfer);
    transfer->destination =
        destinations_enter(&client->destinations, address, client->config.max_per_address);
    if (transfer->led_to != NULL)
        transfer->led_to(transfer->context, destination_name(address, name));
    transfer->crowded = transfer->destination == NULL;
    return !transfer->crowded;
}

/* The log is for operators; what owners of hooks get to see says only that it is blocked. */
bool guard_allows(struct http_transfer *transfer, const struct sockaddr *address)
{
    const struct address_guard *guard = transfer->client->config.guard;
    struct error_text why;
    if (address_guard_allows(guard, address))
        return true;
    transfer->blocked = true;
    if (transfer->fn != NULL) /* else it is the self-test */
        log_at(LOG_INFO, "blocked", log_text("host", transfer->host),
               log_text("why", address_guard_refusal(guard, address, &why)));
    return false;
}

/* The guard: libcurl connects to exactly this address, whatever name or spelling led to it. One
 * refused address refuses all later ones of the transfer, so that a mixed DNS answer gains nothing.
 * A name with hundreds of addresses does not make us try them all. */
curl_socket_t on_open_socket(void *context, curlsocktype purpose, struct curl_sockaddr *address)
{
    struct http_transfer *transfer = context;
    (void)purpose;
    lookup_end(transfer, true);
    if (transfer->way != WAY_PROXY &&
        (transfer->blocked || !guard_allows(transfer, &address->addr)))
        return CURL_SOCKET_BAD;
    if (transfer->way == WAY_JUDGED || transfer->opened_len == OPENED_MAX ||
        (transfer->way == WAY_DIRECT && !enter_destination(transfer, &address->addr)))
        return CURL_SOCKET_BAD;
    int descriptor = open_socket(address);
    if (descriptor < 0) {
        transfer->socket_errno = errno;
        return CURL_SOCKET_BAD;
    }
    transfer->tried_ipv6 = transfer->tried_ipv6 || address->family == AF_INET6;
    transfer->opened[transfer->opened_len++] = descriptor;
    return descriptor;
}

int on_close_socket(void *context, curl_socket_t descriptor)
{
    struct http_client *client = context;
    if (descriptor >= 0 && (size_t)descriptor < client->sockets_cap) {
        loop_watch_free(client->sockets[descriptor].watch);
        client->sockets[descriptor] = (struct socket_info){0};
    }
    return close(descriptor);
}

static int local_port_of(int descriptor)
{
    struct sockaddr_storage address = {0};
    socklen_t len = sizeof(address);
    if (getsockname(descriptor, (struct sockaddr *)&address, &len) != 0)
        return -1;
    if (address.ss_family == AF_INET)
        return ntohs(((struct sockaddr_in *)&address)->sin_port);
    if (address.ss_family == AF_INET6)
        return ntohs(((struct sockaddr_in6 *)&address)->sin6_port);
    return -1;
}

/* Which of the sockets this transfer opened is the one it speaks on? Remember it by its port. */
static void remember_socket(struct http_transfer *transfer, int local_port,
                            const struct sockaddr_in6 *peer)
{
    struct http_client *client = transfer->client;
    for (size_t i = 0; i < transfer->opened_len; i++) {
        int descriptor = transfer->opened[i];
        if (local_port_of(descriptor) != local_port)
            continue;
        struct socket_info *info = client_socket(client, descriptor);
        if (info != NULL) {
            info->local_port = local_port;
            info->peer = *peer;
            client->descriptor_of_port[local_port] = descriptor;
        }
        return;
    }
}

static bool is_same_peer(const struct sockaddr_in6 *a, const struct sockaddr_in6 *b)
{
    return a->sin6_port == b->sin6_port &&
           memcmp(&a->sin6_addr, &b->sin6_addr, sizeof(a->sin6_addr)) == 0;
}

/* Connections to different peers may share a local port. The port leads to the latest of them; the
 * others cannot be looked at, so they count as not clean. */
static bool is_clean(struct http_client *client, int local_port, const struct sockaddr_in6 *peer)
{
    int descriptor = client->descriptor_of_port[local_port];
    const struct socket_info *info;
    char byte;
    if (descriptor == 0)
        return false;
    info = &client->sockets[descriptor];
    if (info->local_port != local_port || !is_same_peer(&info->peer, peer))
        return false;
    ssize_t n = recv(descriptor, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    return n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
}

/* IPv4 in its mapped form, which the guard sees through. */
static int read_peer(const char *ip, int port, struct sockaddr_in6 *ret_peer)
{
    struct sockaddr_in6 peer = {.sin6_family = AF_INET6, .sin6_port = htons((uint16_t)port)};
    if (inet_pton(AF_INET, ip, &peer.sin6_addr.s6_addr[12]) == 1)
        memset(&peer.sin6_addr.s6_addr[10], 0xff, 2);
    else if (inet_pton(AF_INET6, ip, &peer.sin6_addr) != 1)
        return -1;
    *ret_peer = peer;
    return 0;
}

/*
 * Before each request, on fresh and on pooled connections: the address is judged again, since what
 * is allowed may have changed while the connection was kept.
 *
 * Bytes that wait on a pooled connection before we ask were not meant for us: libcurl 7.88 would
 * take them as the answer to this request. Such a connection, or a closed one, is not used. On a
 * fresh one they may be session tickets of TLS.
 */
int on_before_request(void *context, char *peer_ip, char *local_ip, int peer_port, int local_port)
{
    struct http_transfer *transfer = context;
    struct sockaddr_in6 peer;
    (void)local_ip;
    if (local_port <= 0 || local_port > 65535 || read_peer(peer_ip, peer_port, &peer) != 0)
        return CURL_PREREQFUNC_ABORT;
    if (transfer->way != WAY_PROXY &&
        (!guard_allows(transfer, (const struct sockaddr *)&peer) ||
         !enter_destination(transfer, (const struct sockaddr *)&peer)))
        return CURL_PREREQFUNC_ABORT;
    if (transfer->opened_len > 0) {
        remember_socket(transfer, local_port, &peer);
    } else if (!is_clean(transfer->client, local_port, &peer)) {
        transfer->dirty = true;
        return CURL_PREREQFUNC_ABORT;
    }
    transfer->asked = true;
    return CURL_PREREQFUNC_OK;
}
