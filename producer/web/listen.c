#include "web/listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "contract/parse.h"

#define BACKLOG 512

union address {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
    struct sockaddr_un local;
};

/* "127.0.0.1:8080" or "[::1]:8080". */
static int parse_ip(const char *text, union address *ret_address, socklen_t *ret_len)
{
    const char *colon = strrchr(text, ':');
    char host[INET6_ADDRSTRLEN];
    union address address = {.any = {0}};
    uint64_t port;

    if (colon == NULL || parse_uint64(bytes_of(colon + 1), UINT16_MAX, &port) < 0)
        return -1;
    struct bytes name = {text, (size_t)(colon - text)};
    bool is_bracketed = name.len > 2 && text[0] == '[' && colon[-1] == ']';
    if (is_bracketed)
        name = (struct bytes){text + 1, name.len - 2};
    if (!bytes_copy_text(name, host, sizeof(host)))
        return -1;
    if (is_bracketed && inet_pton(AF_INET6, host, &address.v6.sin6_addr) == 1) {
        address.v6.sin6_family = AF_INET6;
        address.v6.sin6_port = htons((uint16_t)port);
        *ret_len = sizeof(address.v6);
    } else if (!is_bracketed && inet_pton(AF_INET, host, &address.v4.sin_addr) == 1) {
        address.v4.sin_family = AF_INET;
        address.v4.sin_port = htons((uint16_t)port);
        *ret_len = sizeof(address.v4);
    } else {
        return -1;
    }
    *ret_address = address;
    return 0;
}

bool listen_is_valid(const char *address)
{
    union address parsed;
    socklen_t len;

    return address[0] == '/' || parse_ip(address, &parsed, &len) == 0;
}

bool listen_is_public(const char *address)
{
    union address parsed;
    socklen_t len;

    if (address[0] == '/' || parse_ip(address, &parsed, &len) < 0)
        return false;
    if (parsed.any.sa_family == AF_INET6)
        return !IN6_IS_ADDR_LOOPBACK(&parsed.v6.sin6_addr);
    return (ntohl(parsed.v4.sin_addr.s_addr) >> 24) != 127;
}

/* A socket that a service left behind would keep its successor from binding. */
static void remove_stale(const union address *address)
{
    struct stat file;
    int fd;

    if (lstat(address->local.sun_path, &file) != 0 || !S_ISSOCK(file.st_mode))
        return;
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return;
    if (connect(fd, &address->any, sizeof(address->local)) != 0 && errno == ECONNREFUSED)
        (void)unlink(address->local.sun_path);
    (void)close(fd);
}

static void describe(int fd, const char *text, char out[LISTEN_TEXT_SIZE])
{
    union address address;
    socklen_t len = sizeof(address);
    char host[INET6_ADDRSTRLEN] = "";

    (void)snprintf(out, LISTEN_TEXT_SIZE, "%s", text);
    if (getsockname(fd, &address.any, &len) != 0 || address.any.sa_family == AF_UNIX)
        return;
    bool is_v6 = address.any.sa_family == AF_INET6;
    (void)inet_ntop(address.any.sa_family,
                    is_v6 ? (const void *)&address.v6.sin6_addr : &address.v4.sin_addr, host,
                    sizeof(host));
    (void)snprintf(out, LISTEN_TEXT_SIZE, is_v6 ? "[%s]:%u" : "%s:%u", host,
                   (unsigned)ntohs(is_v6 ? address.v6.sin6_port : address.v4.sin_port));
}

int listen_open(const char *address, char ret_text[LISTEN_TEXT_SIZE], struct error_text *why)
{
    union address bound = {.any = {0}};
    socklen_t len = sizeof(bound.local);
    const int yes = 1;

    if (address[0] == '/') {
        bound.local.sun_family = AF_UNIX;
        if (!bytes_copy_text(bytes_of(address), bound.local.sun_path,
                             sizeof(bound.local.sun_path))) {
            error_text_set(why, "--listen: the path of a socket has at most %zu bytes",
                           sizeof(bound.local.sun_path) - 1);
            return -1;
        }
        remove_stale(&bound);
    } else if (parse_ip(address, &bound, &len) < 0) {
        error_text_set(why, "--listen is like 127.0.0.1:8080, [::1]:8080, or a path");
        return -1;
    }
    int fd = socket(bound.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0 ||
        (address[0] != '/' && setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes)) < 0) ||
        bind(fd, &bound.any, len) < 0 || listen(fd, BACKLOG) < 0) {
        error_text_set(why, "cannot listen on %.100s: %s", address, strerror(errno));
        if (fd >= 0)
            (void)close(fd);
        return -1;
    }
    describe(fd, address, ret_text);
    return fd;
}
