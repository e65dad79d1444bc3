#include "web/server.h"

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/listener.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "web/listen.h"

#define READ_AHEAD_MAX 65536
#define LINGER_MS 1000

static const char go_on[] = "HTTP/1.1 100 Continue\r\n\r\n";

enum connection_state {
    CONNECTION_READING,  /* its request */
    CONNECTION_HANDLING, /* it is being answered */
    CONNECTION_WRITING,  /* its answer */
    CONNECTION_LINGERING /* what it still sends is read and dropped, else the answer is lost */
};

struct connection {
    struct server *server;
    struct connection *older, *newer;
    struct bufferevent *io;
    struct loop_timer deadline;
    enum connection_state state;
    bool has_request; /* all of it was read */
    bool told_to_go_on;
    bool is_head;  /* its method is HEAD: the answer has no body */
    size_t looked; /* of what it sent, for the end of the head */
    struct buffer in;
    struct http_request request; /* of in */
    struct exchange *exchange;   /* while it is handled */
};

/* What an exchange needs when the connection is gone. */
struct exchange_owner {
    struct exchange exchange; /* first */
    struct http_request request;
    struct buffer in;
};

struct server {
    struct server_config config;
    struct loop *loop;
    struct evconnlistener *listener;
    char address[LISTEN_TEXT_SIZE];
    struct connection *oldest, *newest;
    size_t connections_len;
};

/* --- connections --- */

static void leave_list(struct connection *connection)
{
    struct server *server = connection->server;
    *(connection->older != NULL ? &connection->older->newer : &server->oldest) = connection->newer;
    *(connection->newer != NULL ? &connection->newer->older : &server->newest) = connection->older;
    server->connections_len--;
}

static void join_list(struct connection *connection)
{
    struct server *server = connection->server;
    connection->older = server->newest;
    *(server->newest != NULL ? &server->newest->newer : &server->oldest) = connection;
    server->newest = connection;
    server->connections_len++;
}

static void connection_free(struct connection *connection)
{
    if (connection->exchange != NULL)
        connection->exchange->connection = NULL;
    leave_list(connection);
    loop_timer_release(&connection->deadline);
    if (connection->io != NULL)
        bufferevent_free(connection->io);
    buffer_wipe(&connection->in); /* tokens, secrets of hooks */
    free(connection);
}

static void end_writing(struct connection *connection)
{
    if (connection->has_request) {
        connection_free(connection);
        return;
    }
    connection->state = CONNECTION_LINGERING;
    (void)shutdown(bufferevent_getfd(connection->io), SHUT_WR);
    bufferevent_enable(connection->io, EV_READ);
    loop_timer_arm(&connection->deadline, LINGER_MS);
}

/* Sends the answer, which is released. */
static void send_answer(struct connection *connection, struct answer *answer)
{
    struct server *server = connection->server;
    struct buffer head;
    buffer_init(&head, 4096);
    if (buffer_failed(&answer->body))
        answer_refuse(answer, 500, "internal", "out of memory");
    fence_put_head(&head, answer);
    bool has_body = !connection->is_head && answer->status != 204 && answer->body.len > 0;
    bool failed =
        buffer_failed(&head) || bufferevent_write(connection->io, head.data, head.len) != 0 ||
        (has_body && bufferevent_write(connection->io, answer->body.data, answer->body.len) != 0);
    server->config.answered(server->config.context, answer->status);
    buffer_release(&head);
    answer_release(answer);
    if (failed) {
        connection_free(connection);
        return;
    }
    connection->state = CONNECTION_WRITING;
    bufferevent_disable(connection->io, EV_READ);
    loop_timer_arm(&connection->deadline, SERVER_ANSWER_MS);
}

static void refuse_unread(struct connection *connection, int status)
{
    struct answer answer;
    answer_init(&answer);
    fence_refuse_unread(status, &answer);
    send_answer(connection, &answer);
}

/* --- handling --- */

/* The request's text moves to the exchange, which may outlive the connection. */
static void handle(struct connection *connection)
{
    struct server *server = connection->server;
    struct answer answer;
    answer_init(&answer);
    connection->has_request = true;
    connection->is_head = bytes_equal_text(connection->request.method, "HEAD");
    if (!fence_admit(server->config.fence, &connection->request, &answer)) {
        send_answer(connection, &answer);
        return;
    }
    struct exchange_owner *owner = calloc(1, sizeof(*owner));
    if (owner == NULL) {
        answer_refuse(&answer, 503, "busy", "out of memory");
        send_answer(connection, &answer);
        return;
    }
    owner->in = connection->in;
    owner->request = connection->request;
    owner->exchange = (struct exchange){&owner->request, connection};
    buffer_init(&connection->in, 0);
    connection->exchange = &owner->exchange;
    connection->state = CONNECTION_HANDLING;
    bufferevent_disable(connection->io, EV_READ);
    loop_timer_arm(&connection->deadline, SERVER_HANDLE_MS);
    server->config.handle(server->config.context, &owner->exchange);
}

void server_answer(struct exchange *exchange, struct answer *answer)
{
    struct exchange_owner *owner = (struct exchange_owner *)exchange;
    struct connection *connection = exchange->connection;
    if (connection != NULL) {
        connection->exchange = NULL;
        send_answer(connection, answer);
    } else {
        answer_release(answer);
    }
    buffer_wipe(&owner->in);
    free(owner);
}

/* --- reading --- */

/* The body is there, or all that is still to come. */
static void look_for_body(struct connection *connection)
{
    struct http_request *request = &connection->request;
    bool is_whole = connection->in.len - request->head_len >= request->body_len;
    if (is_whole) {
        request->body = (struct bytes){connection->in.data + request->head_len, request->body_len};
        handle(connection);
    } else if (!connection->told_to_go_on &&
               bytes_equal_nocase(http_request_header(request, "Expect"), BYTES("100-continue"))) {
        connection->told_to_go_on = true;
        (void)bufferevent_write(connection->io, go_on, sizeof(go_on) - 1);
    }
}

/* A head is read again only when its body is whole: what points into it may have moved. */
static bool lacks_body(const struct connection *connection)
{
    const struct http_request *request = &connection->request;
    return request->head_len > 0 && connection->in.len - request->head_len < request->body_len;
}

static void look(struct connection *connection)
{
    if (lacks_body(connection))
        return;
    int status = http_request_read_head(buffer_bytes(&connection->in), connection->looked,
                                        &fence_limits, &connection->request);
    if (status == 200)
        look_for_body(connection);
    else if (status != 0)
        refuse_unread(connection, status);
    else
        connection->looked = connection->in.len;
}

static void on_read(struct bufferevent *io, void *context)
{
    struct connection *connection = context;
    struct evbuffer *input = bufferevent_get_input(io);
    size_t len = evbuffer_get_length(input);
    if (connection->state != CONNECTION_READING) {
        (void)evbuffer_drain(input, len);
        return;
    }
    size_t room = connection->in.max - connection->in.len;
    if (len > room) /* more than a request can have: what is behind it is not read */
        len = room;
    char *at = buffer_extend(&connection->in, len);
    if (at == NULL || evbuffer_remove(input, at, len) != (int)len) {
        connection_free(connection);
        return;
    }
    look(connection);
}

static void on_written(struct bufferevent *io, void *context)
{
    struct connection *connection = context;
    /* The first call comes when the socket can be written to, whatever was written. */
    if (connection->state == CONNECTION_WRITING &&
        evbuffer_get_length(bufferevent_get_output(io)) == 0)
        end_writing(connection);
}

static void on_event(struct bufferevent *io, short what, void *context)
{
    (void)io;
    (void)what;
    connection_free(context);
}

static void on_deadline(void *context)
{
    struct connection *connection = context;
    struct answer answer;
    if (connection->state == CONNECTION_READING && connection->in.len > 0) {
        refuse_unread(connection, 408);
    } else if (connection->state == CONNECTION_HANDLING) {
        answer_init(&answer);
        answer_refuse(&answer, 504, "timeout", "Redis did not answer in time");
        connection->exchange->connection = NULL;
        connection->exchange = NULL;
        send_answer(connection, &answer);
    } else {
        connection_free(connection);
    }
}

/* --- accepting --- */

/* The connection that has been sending its request for longest goes. False: all are handled. */
static bool make_room(struct server *server)
{
    for (struct connection *one = server->oldest; one != NULL; one = one->newer) {
        if (one->state == CONNECTION_READING || one->state == CONNECTION_LINGERING) {
            connection_free(one);
            return true;
        }
    }
    return false;
}

static void on_accept(struct evconnlistener *listener, evutil_socket_t fd, struct sockaddr *address,
                      int address_len, void *context)
{
    struct server *server = context;
    (void)listener;
    (void)address;
    (void)address_len;
    bool has_room = server->connections_len < SERVER_CONNECTIONS_MAX || make_room(server);
    struct connection *connection = has_room ? calloc(1, sizeof(*connection)) : NULL;
    if (connection == NULL) {
        (void)close(fd);
        return;
    }
    connection->server = server;
    buffer_init(&connection->in, FENCE_HEAD_MAX + FENCE_BODY_MAX);
    join_list(connection);
    connection->io = bufferevent_socket_new(loop_base(server->loop), fd,
                                            BEV_OPT_CLOSE_ON_FREE | BEV_OPT_DEFER_CALLBACKS);
    if (connection->io == NULL)
        (void)close(fd);
    if (connection->io == NULL ||
        loop_timer_init(server->loop, &connection->deadline, on_deadline, connection) != 0) {
        connection_free(connection);
        return;
    }
    bufferevent_setcb(connection->io, on_read, on_written, on_event, connection);
    bufferevent_setwatermark(connection->io, EV_READ, 0, READ_AHEAD_MAX);
    loop_timer_arm(&connection->deadline, SERVER_REQUEST_MS);
    if (bufferevent_enable(connection->io, EV_READ | EV_WRITE) != 0)
        connection_free(connection);
}

/* Descriptors are short: one that is idle makes room. */
static void on_accept_error(struct evconnlistener *listener, void *context)
{
    (void)listener;
    if (!make_room(context))
        log_at(LOG_WARN, "accept_failed", log_text("why", "no descriptor is free"));
}

struct server *server_new(struct loop *loop, const struct server_config *config,
                          struct error_text *why)
{
    struct server *server = calloc(1, sizeof(*server));
    error_text_set(why, "out of memory");
    if (server == NULL)
        return NULL;
    server->config = *config;
    server->loop = loop;
    int fd = listen_open(config->listen, server->address, why);
    if (fd >= 0)
        server->listener = evconnlistener_new(loop_base(loop), on_accept, server,
                                              LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC, 0, fd);
    if (server->listener == NULL) {
        if (fd >= 0)
            (void)close(fd);
        free(server);
        return NULL;
    }
    evconnlistener_set_error_cb(server->listener, on_accept_error);
    return server;
}

void server_free(struct server *server)
{
    if (server == NULL)
        return;
    evconnlistener_free(server->listener);
    while (server->oldest != NULL)
        connection_free(server->oldest);
    if (server->config.listen[0] == '/')
        (void)unlink(server->config.listen);
    free(server);
}

const char *server_address(const struct server *server)
{
    return server->address;
}
