/*
 * Sockets: accepts connections, reads one request from each, sends one answer, and closes. Nothing
 * a peer does holds a place for longer than the deadlines: how it dribbles, waits, or does not
 * read. When all places are taken the connection that has been sending its request for longest
 * makes room.
 */
#ifndef WEB_SERVER_H
#define WEB_SERVER_H

#include "base/http_request.h"
#include "base/loop.h"
#include "web/answer.h"
#include "web/fence.h"

#define SERVER_CONNECTIONS_MAX 512
#define SERVER_REQUEST_MS 10000 /* until the request is there */
#define SERVER_HANDLE_MS 60000  /* until it is answered */
#define SERVER_ANSWER_MS 15000  /* until the answer is read */

struct server;

/* A request and its answer. Lives until it is answered, also when its peer went away meanwhile. */
struct exchange {
    const struct http_request *request;
    struct connection *connection; /* the server's; NULL when the peer is gone */
};

/* A request that the fence admits. It is answered by exactly one server_answer, at any time. */
typedef void server_handle_fn(void *context, struct exchange *exchange);

struct server_config {
    const struct fence *fence;
    const char *listen; /* "127.0.0.1:8080", "[::1]:8080", or the path of a unix socket */
    server_handle_fn *handle;
    void (*answered)(void *context, int status); /* every answer, also those of the fence */
    void *context;
};

/* Listens. NULL with *why. */
struct server *server_new(struct loop *loop, const struct server_config *config,
                          struct error_text *why);
void server_free(struct server *server); /* NULL allowed; no exchange may be open */

/* Where it listens, "127.0.0.1:41234", when port 0 was given. */
const char *server_address(const struct server *server);

/* Sends the answer, which is released, and ends the exchange. */
void server_answer(struct exchange *exchange, struct answer *answer);

#endif
