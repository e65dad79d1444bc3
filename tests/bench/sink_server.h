/*
 * The sink's servers: each is a thread with an epoll set and listeners of its own; the kernel deals
 * connections out to them. Connections live and die on their thread.
 *
 * The path of a request ends in its endpoint's number: POST /17 is for endpoint 17, unless a header
 * x-endpoint names another, for endpoints that share a URL. What an
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

/* A quick answer is 200 after 2 to 50 ms, evenly spread. */
enum sink_kind {
    SINK_OK,      /* answer 200 at once */
    SINK_CLOSE,   /* and close the connection */
    SINK_SLOW,    /* answer 200 after value milliseconds */
    SINK_FAIL,    /* answer status value at once */
    SINK_HANG,    /* read, and never answer */
    SINK_DRIP,    /* answer, a byte of it every second */
    SINK_TRICKLE, /* the same, but the status at once */
    SINK_QUICK,   /* a quick answer */
    SINK_FLIP,    /* value quick answers on each thread, from then on 200 after more milliseconds */
    SINK_RARE,    /* value of 100 answers are 200 after more milliseconds, the others quick */
    SINK_TAIL,    /* 200 after a log-normal time: median value milliseconds, sigma more percent */
    SINK_STALL, /* for value milliseconds from when it is set nothing, then quick answers to all */
};

struct sink_behaviour {
    enum sink_kind kind;
    int value;
    int more;
    int64_t until_ms; /* of a stall */
};

#define SINK_IN_TIME_US 3000000

struct sink_endpoint {
    uint64_t requests; /* that have arrived as a whole */
    uint64_t in_time;  /* of these, at most SINK_IN_TIME_US after their event was sent */
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
    uint64_t random;  /* never 0 */
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

/* Of a clock of its own, as until_ms is. */
int64_t sink_now_ms(void);

int sink_server_start(struct sink_server *server);

/* Forgets the latencies of all endpoints. With the lock held. */
void sink_server_forget(struct sink_server *server);

/* How long an answer takes that is written as a whole: of all kinds but HANG, DRIP and TRICKLE. */
int64_t sink_delay_ms(struct sink_server *server, const struct sink_behaviour *behaviour,
                      const struct sink_endpoint *endpoint);

/* Reads the head of a request in connection->head: endpoint, sent_us, body_left. Returns the
 * length of the head, 0 when it is not complete, or -1 when it is no request. */
int sink_read_head(struct sink_connection *connection);

#endif
