#include "redis/link_io.h"

#include <arpa/inet.h>
#include <event2/bufferevent.h>
#include <event2/bufferevent_ssl.h>
#include <event2/dns.h>
#include <event2/event.h>
#include <event2/util.h>
#include <hiredis/hiredis.h>
#include <hiredis/sds.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

#include "redis/tls.h"

#define KEEPALIVE_IDLE_S 15
#define KEEPALIVE_INTERVAL_S 5
#define KEEPALIVE_PROBES 3
#define USER_TIMEOUT_MS 10000u

const char *redis_link_begin_unix(struct bufferevent *io, const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (!bytes_copy_text(bytes_of(path), address.sun_path, sizeof(address.sun_path)))
        return "the socket's path is too long";
    if (bufferevent_socket_connect(io, (struct sockaddr *)&address, sizeof(address)) != 0)
        return strerror(EVUTIL_SOCKET_ERROR());
    return NULL;
}

/* Literals are connected directly: a machine without resolv.conf has no name look-up to offer. */
static bool begin_literal(struct bufferevent *io, const char *host, uint16_t port)
{
    struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons(port)};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
    if (inet_pton(AF_INET, host, &v4.sin_addr) == 1)
        return bufferevent_socket_connect(io, (struct sockaddr *)&v4, sizeof(v4)) == 0;
    if (inet_pton(AF_INET6, host, &v6.sin6_addr) == 1)
        return bufferevent_socket_connect(io, (struct sockaddr *)&v6, sizeof(v6)) == 0;
    return false;
}

static bool is_literal(const char *host)
{
    unsigned char scratch[sizeof(struct in6_addr)];
    return inet_pton(AF_INET, host, scratch) == 1 || inet_pton(AF_INET6, host, scratch) == 1;
}

struct bufferevent *redis_link_open(struct loop *loop, struct ssl_ctx_st *tls,
                                    const struct redis_host *host)
{
    const int options = BEV_OPT_CLOSE_ON_FREE | BEV_OPT_DEFER_CALLBACKS;
    if (tls == NULL)
        return bufferevent_socket_new(loop_base(loop), -1, options);
    struct ssl_st *session = tls_session_new(tls, -1, host->name);
    if (session == NULL)
        return NULL;
    struct bufferevent *io = bufferevent_openssl_socket_new(loop_base(loop), -1, session,
                                                            BUFFEREVENT_SSL_CONNECTING, options);
    if (io == NULL)
        tls_session_free(session);
    return io;
}

const char *redis_link_begin(struct bufferevent *io, struct loop *loop,
                             const struct redis_host *host)
{
    if (is_literal(host->name))
        return begin_literal(io, host->name, host->port) ? NULL
                                                         : "the connect could not be started";
    struct evdns_base *dns = loop_dns(loop);
    if (dns == NULL)
        return "no name server is configured";
    if (bufferevent_socket_connect_hostname(io, dns, AF_UNSPEC, host->name, host->port) != 0)
        return "the connect could not be started";
    return NULL;
}

int redis_link_write(struct bufferevent *io, const struct redis_args *args)
{
    const char **argv = calloc(args->len, sizeof(*argv));
    size_t *lens = calloc(args->len, sizeof(*lens));
    sds command = NULL;
    int result = -1;
    for (size_t i = 0; argv != NULL && lens != NULL && i < args->len; i++) {
        argv[i] = redis_args_at(args, i).data;
        lens[i] = redis_args_at(args, i).len;
    }
    if (argv != NULL && lens != NULL &&
        redisFormatSdsCommandArgv(&command, (int)args->len, argv, lens) > 0)
        result = bufferevent_write(io, command, sdslen(command));
    if (command != NULL && bytes_equal_text(redis_args_at(args, 0), "AUTH"))
        explicit_bzero(command, sdslen(command)); /* the password */
    if (command != NULL)
        sdsfree(command);
    free(argv);
    free(lens);
    return result;
}

void redis_link_connected(struct bufferevent *io)
{
    int descriptor = bufferevent_getfd(io);
    static const struct {
        int level;
        int option;
        int value;
    } options[] = {
        {IPPROTO_TCP, TCP_NODELAY, 1},
        {SOL_SOCKET, SO_KEEPALIVE, 1},
        {IPPROTO_TCP, TCP_KEEPIDLE, KEEPALIVE_IDLE_S},
        {IPPROTO_TCP, TCP_KEEPINTVL, KEEPALIVE_INTERVAL_S},
        {IPPROTO_TCP, TCP_KEEPCNT, KEEPALIVE_PROBES},
        {IPPROTO_TCP, TCP_USER_TIMEOUT, USER_TIMEOUT_MS},
    };
    /* On a unix socket these fail and are not needed: ignoring. */
    for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++)
        (void)setsockopt(descriptor, options[i].level, options[i].option, &options[i].value,
                         sizeof(options[i].value));
    /* A server that just closes is an ordinary end from here on: replies carry their own lengths.
     * Before, it would hide what the handshake met. */
    if (bufferevent_openssl_get_ssl(io) != NULL)
        bufferevent_openssl_set_allow_dirty_shutdown(io, 1);
}

void redis_link_error(struct bufferevent *io, struct error_text *why)
{
    int dns_error = bufferevent_socket_get_dns_error(io);
    int socket_error = EVUTIL_SOCKET_ERROR();
    const struct ssl_st *session = bufferevent_openssl_get_ssl(io); /* NULL without TLS */
    if (dns_error != 0)
        error_text_set(why, "%s", evutil_gai_strerror(dns_error));
    else if ((session == NULL || !tls_error(session, bufferevent_get_openssl_error(io), why)) &&
             socket_error != 0)
        error_text_set(why, "%s", evutil_socket_error_to_string(socket_error));
}
