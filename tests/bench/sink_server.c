#define _GNU_SOURCE /* accept4 */
#include "sink_server.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define EVENTS_MAX 256
#define BACKLOG 4096
#define DRIP_MS 1000

static const char ok_answer[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
static const char closing_answer[] =
    "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok";

#define TRICKLE_HEAD "HTTP/1.1 200 OK\r\nContent-Length: 60\r\n\r\n"
static const char trickle_answer[] =
    TRICKLE_HEAD "............................................................";

int64_t sink_now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

struct sink_server *sink_server_new(const struct sink_behaviour *behaviours, SSL_CTX *tls)
{
    struct sink_server *server = calloc(1, sizeof(*server));
    if (server == NULL)
        return NULL;
    server->behaviours = behaviours;
    server->tls = tls;
    server->random = (uint64_t)wall_now_us() | 1;
    TAILQ_INIT(&server->held);
    server->epoll = epoll_create1(EPOLL_CLOEXEC);
    if (server->epoll < 0 || pthread_mutex_init(&server->lock, NULL) != 0)
        return NULL;
    return server;
}

static int watch(struct sink_server *server, struct sink_source *source)
{
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = source};
    return epoll_ctl(server->epoll, EPOLL_CTL_ADD, source->descriptor, &event);
}

static int open_listener(int port)
{
    int one = 1;
    struct sockaddr_in address = {
        .sin_family = AF_INET,
        .sin_port = htons((uint16_t)port),
        .sin_addr.s_addr = htonl(INADDR_ANY),
    };
    int descriptor = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (descriptor < 0)
        return -1;
    /* Bound to the device, it serves 127.0.0.0/8 and nobody else. */
    if (setsockopt(descriptor, SOL_SOCKET, SO_BINDTODEVICE, "lo", sizeof("lo")) != 0 ||
        setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) != 0 ||
        setsockopt(descriptor, SOL_SOCKET, SO_REUSEPORT, &one, sizeof(one)) != 0 ||
        bind(descriptor, (struct sockaddr *)&address, sizeof(address)) != 0 ||
        listen(descriptor, BACKLOG) != 0) {
        close(descriptor);
        return -1;
    }
    return descriptor;
}

int sink_server_listen(struct sink_server *server, int port)
{
    struct sink_source *listener = calloc(1, sizeof(*listener));
    struct sockaddr_in address = {0};
    socklen_t len = sizeof(address);
    if (listener == NULL)
        return -1;
    listener->is_listener = true;
    listener->descriptor = open_listener(port);
    if (listener->descriptor < 0 || watch(server, listener) != 0 ||
        getsockname(listener->descriptor, (struct sockaddr *)&address, &len) != 0)
        return -1;
    return ntohs(address.sin_port);
}

void sink_server_forget(struct sink_server *server)
{
    for (size_t i = 0; i < SINK_ENDPOINTS; i++) {
        if (server->endpoints[i] == NULL)
            continue;
        server->endpoints[i]->latency = (struct histogram){0};
        server->endpoints[i]->in_time = 0;
    }
}

/* --- a connection --- */

static void drop(struct sink_server *server, struct sink_connection *connection)
{
    if (connection->is_held)
        TAILQ_REMOVE(&server->held, connection, held);
    server->busy -= connection->is_busy ? 1 : 0;
    server->open--;
    SSL_free(connection->ssl);
    close(connection->source.descriptor);
    free(connection);
}

static void hold(struct sink_server *server, struct sink_connection *connection, int64_t delay_ms)
{
    struct sink_connection *before = TAILQ_LAST(&server->held, sink_held);
    connection->due_ms = sink_now_ms() + delay_ms;
    connection->is_held = true;
    while (before != NULL && before->due_ms > connection->due_ms)
        before = TAILQ_PREV(before, sink_held, held);
    if (before != NULL)
        TAILQ_INSERT_AFTER(&server->held, before, connection, held);
    else
        TAILQ_INSERT_HEAD(&server->held, connection, held);
}

/* Writes len bytes of the answer; an answer is so short that a socket takes it whole. Returns -1
 * when the connection is to be dropped. */
static int write_answer(struct sink_server *server, struct sink_connection *connection, size_t len)
{
    ssize_t written =
        connection->ssl != NULL
            ? SSL_write(connection->ssl, connection->answer, (int)len)
            : send(connection->source.descriptor, connection->answer, len, MSG_NOSIGNAL);
    if (written != (ssize_t)len)
        return -1;
    connection->answer += len;
    connection->answer_left -= len;
    if (connection->answer_left > 0) {
        hold(server, connection, DRIP_MS);
        return 0;
    }
    connection->is_busy = false;
    server->busy--;
    server->endpoints[connection->endpoint]->answers++;
    return connection->answer == closing_answer + sizeof(closing_answer) - 1 ? -1 : 0;
}

static void choose_answer(struct sink_connection *connection, const char *text)
{
    connection->answer = text;
    connection->answer_left = strlen(text);
}

static const char *failure(int status)
{
    switch (status) {
    case 410:
        return "HTTP/1.1 410 Gone\r\nContent-Length: 0\r\n\r\n";
    case 429:
        return "HTTP/1.1 429 Too Many Requests\r\nContent-Length: 0\r\n\r\n";
    case 503:
        return "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n";
    default:
        return "HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n";
    }
}

/* What it answers, at once. */
static const char *answer_of(const struct sink_behaviour *behaviour)
{
    switch (behaviour->kind) {
    case SINK_FAIL:
        return failure(behaviour->value);
    case SINK_CLOSE:
        return closing_answer;
    case SINK_TRICKLE:
        return trickle_answer;
    default:
        return ok_answer;
    }
}

static int behave(struct sink_server *server, struct sink_connection *connection)
{
    const struct sink_behaviour *behaviour = &server->behaviours[connection->endpoint];
    choose_answer(connection, answer_of(behaviour));
    switch (behaviour->kind) {
    case SINK_HANG:
        return 0;
    case SINK_DRIP:
        return write_answer(server, connection, 1);
    case SINK_TRICKLE:
        return write_answer(server, connection, sizeof(TRICKLE_HEAD) - 1);
    default:
        break;
    }
    int64_t delay_ms = sink_delay_ms(server, behaviour, server->endpoints[connection->endpoint]);
    if (delay_ms == 0)
        return write_answer(server, connection, connection->answer_left);
    hold(server, connection, delay_ms);
    return 0;
}

static int on_request(struct sink_server *server, struct sink_connection *connection)
{
    struct sink_endpoint **endpoint = &server->endpoints[connection->endpoint];
    int64_t now_us = wall_now_us();
    if (*endpoint == NULL)
        *endpoint = calloc(1, sizeof(**endpoint));
    if (*endpoint == NULL)
        return -1;
    (*endpoint)->requests++;
    if ((*endpoint)->first_us == 0)
        (*endpoint)->first_us = now_us;
    (*endpoint)->last_us = now_us;
    if (connection->sent_us > 0) {
        histogram_add(&(*endpoint)->latency, now_us - connection->sent_us);
        (*endpoint)->in_time += now_us - connection->sent_us <= SINK_IN_TIME_US ? 1 : 0;
    }
    connection->in_body = false;
    connection->is_busy = true;
    server->busy++;
    return behave(server, connection);
}

/* Takes len bytes that were read behind head_len. One request at a time: what comes before the last
 * one is answered is no client of ours. */
static int take(struct sink_server *server, struct sink_connection *connection, size_t len)
{
    if (connection->is_busy)
        return -1;
    if (!connection->in_body) {
        connection->head_len += len;
        int head = sink_read_head(connection);
        if (head <= 0)
            return head;
        len = connection->head_len - (size_t)head;
        connection->head_len = 0;
        connection->in_body = true;
    }
    if (len > connection->body_left)
        return -1;
    connection->body_left -= len;
    return connection->body_left == 0 ? on_request(server, connection) : 0;
}

static void count_handshake(struct sink_server *server, struct sink_connection *connection)
{
    if (connection->is_counted || !SSL_is_init_finished(connection->ssl))
        return;
    connection->is_counted = true;
    server->handshakes++;
    server->resumed += SSL_session_reused(connection->ssl) ? 1 : 0;
}

/* Bytes read, 0 when there are none now, -1 at the end of the connection. */
static ssize_t read_some(struct sink_server *server, struct sink_connection *connection, char *at,
                         size_t size)
{
    if (connection->ssl == NULL) {
        ssize_t len = recv(connection->source.descriptor, at, size, 0);
        if (len == 0 || (len < 0 && errno != EAGAIN && errno != EINTR))
            return -1;
        return len < 0 ? 0 : len;
    }
    int len = SSL_read(connection->ssl, at, (int)size);
    count_handshake(server, connection);
    if (len > 0)
        return len;
    return SSL_get_error(connection->ssl, len) == SSL_ERROR_WANT_READ ? 0 : -1;
}

static void on_readable(struct sink_server *server, struct sink_connection *connection)
{
    for (;;) {
        /* A body is counted and not kept. */
        size_t at = connection->in_body ? 0 : connection->head_len;
        size_t room = sizeof(connection->head) - at;
        ssize_t len = read_some(server, connection, connection->head + at, room);
        if (len < 0 || (len > 0 && take(server, connection, (size_t)len) != 0)) {
            drop(server, connection);
            return;
        }
        /* TLS may hold back what the socket no longer shows. */
        if (len == 0 || (connection->ssl == NULL && (size_t)len < room))
            return;
    }
}

static void on_held(struct sink_server *server, struct sink_connection *connection)
{
    enum sink_kind kind = server->behaviours[connection->endpoint].kind;
    bool drips = kind == SINK_DRIP || kind == SINK_TRICKLE;
    TAILQ_REMOVE(&server->held, connection, held);
    connection->is_held = false;
    if (write_answer(server, connection, drips ? 1 : connection->answer_left) != 0)
        drop(server, connection);
}

/* --- the thread --- */

static struct sink_connection *connection_new(struct sink_server *server, int descriptor)
{
    struct sink_connection *connection = malloc(sizeof(*connection));
    if (connection == NULL)
        return NULL;
    memset(connection, 0, offsetof(struct sink_connection, head));
    connection->source.descriptor = descriptor;
    if (server->tls == NULL)
        return connection;
    connection->ssl = SSL_new(server->tls);
    if (connection->ssl == NULL || SSL_set_fd(connection->ssl, descriptor) != 1) {
        SSL_free(connection->ssl);
        free(connection);
        return NULL;
    }
    SSL_set_accept_state(connection->ssl);
    return connection;
}

static void on_acceptable(struct sink_server *server, const struct sink_source *listener)
{
    int one = 1;
    for (;;) {
        int descriptor = accept4(listener->descriptor, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (descriptor < 0)
            return;
        (void)setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
        struct sink_connection *connection = connection_new(server, descriptor);
        if (connection == NULL || watch(server, &connection->source) != 0) {
            free(connection);
            close(descriptor);
            continue;
        }
        server->connections++;
        server->open++;
    }
}

static int wait_ms(struct sink_server *server)
{
    const struct sink_connection *first = TAILQ_FIRST(&server->held);
    if (first == NULL)
        return -1;
    int64_t left = first->due_ms - sink_now_ms();
    return left > 0 ? (int)left : 0;
}

static void *run(void *context)
{
    struct sink_server *server = context;
    struct epoll_event events[EVENTS_MAX];
    int timeout_ms = -1;
    for (;;) {
        int n = epoll_wait(server->epoll, events, EVENTS_MAX, timeout_ms);
        pthread_mutex_lock(&server->lock);
        for (int i = 0; i < n; i++) {
            struct sink_source *source = events[i].data.ptr;
            if (source->is_listener)
                on_acceptable(server, source);
            else
                on_readable(server, (struct sink_connection *)source);
        }
        while (!TAILQ_EMPTY(&server->held) && wait_ms(server) == 0)
            on_held(server, TAILQ_FIRST(&server->held));
        timeout_ms = wait_ms(server);
        pthread_mutex_unlock(&server->lock);
    }
    return NULL;
}

int sink_server_start(struct sink_server *server)
{
    return pthread_create(&server->thread, NULL, run, server) == 0 ? 0 : -1;
}
