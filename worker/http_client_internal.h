/*
 * What the files of http_client share. Transfers are in exactly one of: the idle list, the hands of
 * whoever took it, the starting list, the multi handle.
 */
#ifndef WORKER_HTTP_CLIENT_INTERNAL_H
#define WORKER_HTTP_CLIENT_INTERNAL_H

#include <curl/curl.h>
#include <sys/queue.h>

#include "http_client.h"

#define RESPONSE_HEADER_BYTES_MAX 16384
#define RESPONSE_HEADER_LINES_MAX 100
#define RESPONSE_ANSWERS_MAX 200 /* informational ones and the final one */
#define RESPONSE_PIECES_MAX \
    16384            /* calls of the body callback: a server that drips bytes costs CPU */
#define OPENED_MAX 8 /* sockets remembered of one transfer: addresses tried in turn */

/* What is known of a connected socket, by its descriptor. */
struct socket_info {
    struct loop_watch *watch;
    long local_port; /* 0 until a request was sent on it */
};

struct http_transfer {
    TAILQ_ENTRY(http_transfer) link;
    struct http_client *client;
    CURL *easy;
    CURLU *url;
    struct request request;
    struct curl_slist headers[REQUEST_HEADERS_MAX + 3];
    char error[CURL_ERROR_SIZE];
    char response[DEAD_RESPONSE_MAX];
    size_t response_len;
    size_t body_bytes; /* of the answer so far */
    size_t body_pieces;
    size_t header_bytes;
    size_t header_lines;
    size_t answers;
    int opened[OPENED_MAX];
    size_t opened_len;
    size_t sockets;   /* opened in all */
    int socket_errno; /* why we could not open one */
    bool blocked;     /* the guard refused an address */
    bool dirty;       /* the pooled connection was not clean */
    bool bad_url;
    bool used;    /* easy had a request before */
    bool started; /* given to libcurl: what it tells is about this request */
    bool in_multi;
    int64_t started_at_ms;
    http_done_fn *fn;
    void *context;
};

TAILQ_HEAD(transfer_list, http_transfer);

struct http_client {
    struct loop *loop;
    struct http_client_config config;
    CURLM *multi;
    struct transfer_list idle;
    struct transfer_list starting;
    struct transfer_list running;
    struct loop_timer timer;
    struct loop_turn turn;
    struct socket_info *sockets; /* by descriptor */
    size_t sockets_cap;
    int *descriptor_of_port; /* 65536 entries: local port -> descriptor, 0 none */
};

/* http_client_easy.c: the only maker of easy handles. */
int transfer_init_easy(struct http_transfer *transfer);
int transfer_prepare(struct http_transfer *transfer, const struct http_target *target);
struct socket_info *client_socket(struct http_client *client, curl_socket_t descriptor);

/* http_client_result.c */
void transfer_result(struct http_transfer *transfer, CURLcode code, struct http_result *ret_result);

#endif
