/*
 * The sink's servers: each is a thread with an epoll set and listeners of its own; the kernel deals
 * connections out to them. Connections live and die on their thread.
 *
 * The path of a request ends in its endpoint's number: POST /17 is for endpoint 17. What an
 * endpoint does with requests is set by number, and what came is counted by number. Another thread
 * may read or change a server's fields while it holds its lock; the server holds it while it
 * handles events.
 */
#ifndef BENCH_SINK_SERVER_H
#define BENCH_SINK_SERVER_H

#include <openssl/ssl.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "histogram.h"

#define SINK_ENDPOINTS 65536
#define SINK_THREADS_MAX 16
#define SINK_HEAD_MAX 8192

enum sink_kind {
    SINK_OK,    /* answer 200 at once */
    SINK_CLOSE, /* and close the connection */
    SINK_SLOW,  /* answer 200 after value milliseconds */
    SINK_FAIL,  /* answer status value at once */
    SINK_HANG,  /* read, and never answer */
    SINK_DRIP,  /* answer, a byte of it every second */
};

struct sink_behaviour {
    enum sink_kind kind;
    int value;
};

struct sink_endpoint {
    uint64_t requests; /* that have arrived as a whole */
    uint64_t answers;  /* that were written as a whole */
    int64_t first_us;  /* when the first and the last request arrived; 0 before there is one */
    int64_t last_us;
    struct histogram latency; /* from the time its webhook-id tells to its arrival */
};

/* What an epoll set watches: a listener, or the first member of a connection. */
struct sink_source {
    int descriptor;
    bool is_listener;
};

struct sink_connection {
    struct sink_source source;
    SSL *ssl;           /* NULL without TLS */
    bool is_counted;    /* its handshake is */
    size_t head_len;    /* bytes in head */
    uint64_t body_left; /* bytes of the body that are yet to come */
    bool in_body;       /* the head is complete */
    unsigned endpoint;  /* of the request under way */
    int64_t sent_us;    /* when its event was sent, 0 when nothing tells */
    bool is_busy;       /* a request was read and is not answered */
    bool is_held;       /* it is in the list of those that wait for their time */
    int64_t due_ms;     /* when it is its turn there */
    const char *answer; /* of which answer_left bytes are to be written */
    size_t answer_left;
    TAILQ_ENTRY(sink_connection) held; /* ordered by due_ms */
    char head[SINK_HEAD_MAX];
};

struct sink_server {
    pthread_t thread;
    pthread_mutex_t lock;
    int epoll;
    SSL_CTX *tls; /* borrowed; NULL without TLS */
    uint64_t connections;
    uint64_t open; /* of these */
    uint64_t busy; /* requests that wait for their answer now */
    uint64_t handshakes;
    uint64_t resumed; /* of these */
    TAILQ_HEAD(sink_held, sink_connection) held;
    const struct sink_behaviour *behaviours;         /* SINK_ENDPOINTS, borrowed */
    struct sink_endpoint *endpoints[SINK_ENDPOINTS]; /* NULL until a request comes for it */
};

/* Makes it without a listener; NULL when the machine is short of something. It is never freed: the
 * sink ends with its process. */
struct sink_server *sink_server_new(const struct sink_behaviour *behaviours, SSL_CTX *tls);

/* Listens on all addresses of the loopback device. Port 0 takes any. Returns the port or -1 with
 * errno set. Before sink_server_start, or with the lock held. */
int sink_server_listen(struct sink_server *server, int port);

int sink_server_start(struct sink_server *server);

/* Forgets the latencies of all endpoints. With the lock held. */
void sink_server_forget(struct sink_server *server);

/* Reads the head of a request in connection->head: endpoint, sent_us, body_left. Returns the
 * length of the head, 0 when it is not complete, or -1 when it is no request. */
int sink_read_head(struct sink_connection *connection);

#endif
