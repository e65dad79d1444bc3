#define _GNU_SOURCE 1
#include "local_http.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <unistd.h>

#define BODY_MAX 131072
#define TIMEOUT_MS 2000

struct connection {
    TAILQ_ENTRY(connection) link;
    struct local_http *local;
    struct loop_watch *watch;
    int descriptor;
    char data[LOCAL_HTTP_REQUEST_MAX];
    size_t len;
};

struct local_http {
    struct loop *loop;
    struct address_guard guard;
    struct http_client *client;
    struct loop_watch *listener;
    TAILQ_HEAD(, connection) connections;
    char url[64];
    struct url parsed;
    struct local_post post;
    struct bytes answer;
    bool keep;
};

static void must(bool truth, const char *what)
{
    if (truth)
        return;
    perror(what);
    abort();
}

static void connection_close(struct connection *connection)
{
    TAILQ_REMOVE(&connection->local->connections, connection, link);
    loop_watch_free(connection->watch);
    close(connection->descriptor);
    free(connection);
}

/* How long the request at the start of data is; 0 while it is not whole. */
static size_t whole_request(const char *data, size_t len)
{
    static const char length[] = "\r\nContent-Length: ";
    const char *end = memmem(data, len, "\r\n\r\n", 4);
    const char *line = end ? memmem(data, (size_t)(end - data), length, sizeof(length) - 1) : NULL;
    size_t body = 0;

    if (!line)
        return 0;
    for (line += sizeof(length) - 1; *line >= '0' && *line <= '9'; line++)
        body = body * 10 + (size_t)(*line - '0');
    body += (size_t)(end - data) + 4;
    return body <= len ? body : 0;
}

static void answer(struct connection *connection, size_t request_len)
{
    struct local_http *local = connection->local;
    struct local_post *post = &local->post;

    memcpy(post->request, connection->data, request_len);
    post->request_len = request_len;
    post->requests++;
    connection->len = 0;
    /* The client may be gone already: ignoring. */
    (void)!send(connection->descriptor, local->answer.data, local->answer.len,
                MSG_NOSIGNAL | MSG_DONTWAIT);
    if (!local->keep)
        shutdown(connection->descriptor, SHUT_WR);
}

static void on_readable(void *context, int descriptor, bool readable, bool writable)
{
    struct connection *connection = context;
    ssize_t got = recv(descriptor, connection->data + connection->len,
                       sizeof(connection->data) - connection->len, MSG_DONTWAIT);
    size_t request_len;

    (void)readable;
    (void)writable;
    if (got <= 0) {
        connection_close(connection);
        return;
    }
    connection->len += (size_t)got;
    request_len = whole_request(connection->data, connection->len);
    if (request_len > 0)
        answer(connection, request_len);
}

static void on_connection(void *context, int descriptor, bool readable, bool writable)
{
    struct local_http *local = context;
    struct connection *connection = calloc(1, sizeof(*connection));

    (void)readable;
    (void)writable;
    must(connection != NULL, "calloc");
    connection->local = local;
    connection->descriptor = accept4(descriptor, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    must(connection->descriptor >= 0, "accept");
    connection->watch = loop_watch_new(local->loop, on_readable, connection);
    must(connection->watch &&
             loop_watch_set(connection->watch, connection->descriptor, true, false) == 0,
         "loop_watch");
    TAILQ_INSERT_TAIL(&local->connections, connection, link);
}

static void listen_on_loopback(struct local_http *local)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t len = sizeof(address);
    int descriptor = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    must(descriptor >= 0 && bind(descriptor, (struct sockaddr *)&address, len) == 0 &&
             listen(descriptor, 64) == 0 &&
             getsockname(descriptor, (struct sockaddr *)&address, &len) == 0,
         "listen");
    local->listener = loop_watch_new(local->loop, on_connection, local);
    must(local->listener && loop_watch_set(local->listener, descriptor, true, false) == 0,
         "loop_watch");
    snprintf(local->url, sizeof(local->url), "http://127.0.0.1:%u/hook",
             (unsigned)ntohs(address.sin_port));
}

static struct local_http *local_http_new(void)
{
    struct local_http *local = calloc(1, sizeof(*local));
    struct http_client_config config = {
        .ca_file = "/etc/ssl/certs/ca-certificates.crt",
        .max_transfers = 4,
        .max_per_address = 4,
        .max_response_bytes = 65536,
        .max_body_bytes = BODY_MAX,
    };
    struct error_text why = {""};
    char rule[64];

    must(local != NULL, "calloc");
    TAILQ_INIT(&local->connections);
    local->loop = loop_new();
    must(local->loop != NULL, "loop_new");
    listen_on_loopback(local);
    must(url_parse(bytes_of(local->url), &local->parsed, &why) == 0, why.text);
    snprintf(rule, sizeof(rule), "127.0.0.1:%u", (unsigned)local->parsed.port);
    must(address_rule_parse(bytes_of(rule), &local->guard.rules[0], &why) == 0, why.text);
    local->guard.rules_len = 1;
    config.guard = &local->guard;
    local->client = http_client_new(local->loop, &config, &why);
    must(local->client != NULL, why.text);
    return local;
}

struct local_http *local_http_get(void)
{
    static struct local_http *local;

    if (!local)
        local = local_http_new();
    return local;
}

const char *local_http_url(struct local_http *local)
{
    return local->url;
}

static void on_done(void *context, const struct http_result *result)
{
    struct local_http *local = context;
    struct local_post *post = &local->post;

    post->calls++;
    post->result = *result;
    memcpy(post->response, result->response.data, result->response.len);
    post->result.response.data = post->response;
    loop_stop(local->loop);
}

const struct local_post *local_http_post(struct local_http *local, const struct render_input *input,
                                         struct bytes answer, bool keep)
{
    struct http_target target = {
        .url_text = local->url,
        .url = &local->parsed,
        .timeout_ms = TIMEOUT_MS,
        .connect_timeout_ms = TIMEOUT_MS,
    };
    struct http_transfer *transfer = http_transfer_new(local->client);

    must(transfer != NULL, "http_transfer_new");
    local->answer = answer;
    local->keep = keep;
    local->post.requests = 0;
    local->post.calls = 0;
    local->post.request_len = 0;
    must(render(input, http_transfer_request(transfer)) == 0, "render");
    http_transfer_start(transfer, &target, on_done, local);
    must(loop_run(local->loop) == 0 && local->post.calls > 0, "loop_run");
    return &local->post;
}
