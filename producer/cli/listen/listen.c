/* listen: a receiver on this machine, for trying things: it shows what is POSTed to it. */
/* For accept4. */
#define _GNU_SOURCE 1
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/listen/show.h"
#include "cli/listen/verify.h"
#include "cli/terminal/interrupt.h"
#include "cli/terminal/progress.h"
#include "contract/parse.h"

#define PORT_DEFAULT 8000
#define ANSWER_DEFAULT 200
#define CONNECTIONS_MAX 64
#define SECRETS_MAX 8
#define READ_SIZE 65536
#define SILENCE_MAX_MS 30000 /* a connection that brings nothing for so long is closed */

static const struct flag_spec listen_specs[] = {
    {"port", "N", "port on 127.0.0.1; default 8000, 0 for any free one", false},
    {"secret", "whsec_...", "verify signatures with this secret", true},
    {"answer", "STATUS", "status to answer with; default 200", false},
    {NULL, NULL, NULL, false},
};

struct connection {
    int fd;
    struct buffer in;
    int64_t silent_since_ms;
    char from[32];
};

struct listener {
    struct cli *cli;
    int fd;
    int answer;
    struct hook_secret secrets[SECRETS_MAX];
    size_t secrets_len;
    struct connection connections[CONNECTIONS_MAX];
    size_t connections_len;
    struct interrupt interrupt;
    bool failed; /* reported */
};

/* --- answering --- */

static int64_t wall_clock_ms(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* A few bytes, which the empty buffer of a socket always takes. */
static void answer(const struct connection *connection, int status)
{
    bool may_have_body = status != 204 && status != 304;
    char text[128];

    int len =
        snprintf(text, sizeof(text), "HTTP/1.1 %d %s\r\n%sConnection: close\r\n\r\n", status,
                 status < 300 ? "OK" : "Refused", may_have_body ? "Content-Length: 0\r\n" : "");
    (void)send(connection->fd, text, (size_t)len, MSG_NOSIGNAL);
}

static void show(struct listener *listener, const struct connection *connection,
                 const struct http_request *request)
{
    struct shown_request shown = {.request = request,
                                  .from = connection->from,
                                  .at_ms = wall_clock_ms(),
                                  .answered = listener->answer,
                                  .is_verified = listener->secrets_len > 0};
    struct error_text why;

    if (shown.is_verified && !verify_request(request, listener->secrets, listener->secrets_len,
                                             shown.at_ms / 1000, &why))
        shown.faults = why.text;
    int result = listener->cli->json ? show_request_json(&shown) : show_request_text(&shown);
    if (result < 0)
        (void)cli_failed("out of memory");
    listener->failed |= result < 0 || fflush(stdout) != 0;
}

/* Looks at what came. False: the connection is done with. */
static bool look(struct listener *listener, const struct connection *connection)
{
    static const struct http_limits limits = {LISTEN_HEAD_MAX, LISTEN_BODY_MAX};
    struct http_request request;

    int status = http_request_read(buffer_bytes(&connection->in), &limits, &request);
    if (status == 0)
        return true;
    if (status == 200) {
        answer(connection, listener->answer);
        show(listener, connection, &request);
    } else {
        answer(connection, status);
        (void)cli_failed("what %s sent is no HTTP request that this can read: answered %d",
                         connection->from, status);
    }
    return false;
}

/* --- connections --- */

/* Reads what is there. False: the connection is done with. */
static bool serve(struct listener *listener, struct connection *connection)
{
    char bytes[READ_SIZE];

    ssize_t len = recv(connection->fd, bytes, sizeof(bytes), MSG_DONTWAIT);
    if (len < 0)
        return errno == EAGAIN || errno == EINTR;
    if (len == 0)
        return false;
    connection->silent_since_ms = progress_now_ms();
    buffer_append(&connection->in, bytes, (size_t)len);
    if (buffer_failed(&connection->in)) {
        (void)cli_failed("out of memory");
        return false;
    }
    return look(listener, connection);
}

static void accept_one(struct listener *listener)
{
    struct connection *connection = &listener->connections[listener->connections_len];
    struct sockaddr_in address = {0};
    socklen_t address_len = sizeof(address);
    char host[INET_ADDRSTRLEN];

    int fd = accept4(listener->fd, (struct sockaddr *)&address, &address_len, SOCK_CLOEXEC);
    if (fd < 0) /* it went away again */
        return;
    *connection = (struct connection){.fd = fd, .silent_since_ms = progress_now_ms()};
    (void)inet_ntop(AF_INET, &address.sin_addr, host, sizeof(host));
    (void)snprintf(connection->from, sizeof(connection->from), "%s:%u", host,
                   (unsigned)ntohs(address.sin_port));
    buffer_init(&connection->in, LISTEN_HEAD_MAX + LISTEN_BODY_MAX + READ_SIZE);
    listener->connections_len++;
}

static void close_connection(struct listener *listener, size_t i)
{
    (void)close(listener->connections[i].fd);
    buffer_release(&listener->connections[i].in);
    listener->connections[i] = listener->connections[--listener->connections_len];
}

/* From the last: one that is closed is replaced by the last. */
static void serve_all(struct listener *listener, const struct pollfd *fds)
{
    int64_t now_ms = progress_now_ms();

    for (size_t i = listener->connections_len; i-- > 0;) {
        struct connection *connection = &listener->connections[i];
        bool stays = fds[i].revents == 0 ? now_ms - connection->silent_since_ms < SILENCE_MAX_MS
                                         : serve(listener, connection);
        if (!stays)
            close_connection(listener, i);
    }
}

/* Until Ctrl-C, or until nobody reads what is shown. */
static void listen_on(struct listener *listener)
{
    struct pollfd fds[CONNECTIONS_MAX + 2];

    while (!listener->failed) {
        size_t len = listener->connections_len;
        bool has_room = len < CONNECTIONS_MAX;

        for (size_t i = 0; i < len; i++)
            fds[i] = (struct pollfd){.fd = listener->connections[i].fd, .events = POLLIN};
        fds[len] = (struct pollfd){.fd = has_room ? listener->fd : -1, .events = POLLIN};
        fds[len + 1] = (struct pollfd){.fd = listener->interrupt.fd, .events = POLLIN};
        if (poll(fds, len + 2, len > 0 ? SILENCE_MAX_MS : -1) < 0 && errno != EINTR)
            return;
        if (fds[len + 1].revents != 0)
            return;
        serve_all(listener, fds);
        if (fds[len].revents != 0)
            accept_one(listener);
    }
}

/* --- the command --- */

static int open_socket(struct listener *listener, uint16_t port)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(address);
    const int yes = 1;

    listener->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (listener->fd < 0 ||
        setsockopt(listener->fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes)) < 0 ||
        bind(listener->fd, (const struct sockaddr *)&address, len) < 0 ||
        listen(listener->fd, CONNECTIONS_MAX) < 0 ||
        getsockname(listener->fd, (struct sockaddr *)&address, &len) < 0)
        return cli_failed("cannot listen on 127.0.0.1:%u: %s", (unsigned)port, strerror(errno));
    port = ntohs(address.sin_port);
    (void)fprintf(stderr,
                  "listening on http://127.0.0.1:%u until Ctrl-C; workers reach it with "
                  "--allow-address 127.0.0.1/32:%u\n",
                  (unsigned)port, (unsigned)port);
    return CLI_DONE;
}

static int read_secrets(const struct cli *cli, struct listener *listener)
{
    struct error_text why;
    const char *text;

    while ((text = flags_value_at(&cli->flags, "secret", listener->secrets_len))) {
        if (listener->secrets_len == SECRETS_MAX)
            return cli_usage(cli, "--secret is given more than %d times", SECRETS_MAX);
        if (hook_secret_parse(bytes_of(text), &listener->secrets[listener->secrets_len], &why) < 0)
            return cli_usage(cli, "--%s", why.text);
        listener->secrets_len++;
    }
    return CLI_DONE;
}

static int read_number(const struct cli *cli, const char *flag, int64_t min, int64_t max,
                       int64_t *value)
{
    const char *given = flags_value(&cli->flags, flag);

    if (given && parse_int64(bytes_of(given), min, max, value) < 0)
        return cli_usage(cli, "--%s is a number from %" PRId64 " to %" PRId64, flag, min, max);
    return CLI_DONE;
}

static int run_with(struct listener *listener)
{
    struct cli *cli = listener->cli;
    int64_t port = PORT_DEFAULT;
    int64_t status = ANSWER_DEFAULT;

    if (read_number(cli, "port", 0, UINT16_MAX, &port) != CLI_DONE ||
        read_number(cli, "answer", 200, 599, &status) != CLI_DONE ||
        read_secrets(cli, listener) != CLI_DONE)
        return CLI_USAGE;
    listener->answer = (int)status;
    if (interrupt_open(&listener->interrupt) < 0)
        return cli_failed("cannot watch for signals");
    int result = open_socket(listener, (uint16_t)port);
    if (result == CLI_DONE)
        listen_on(listener);
    while (listener->connections_len > 0)
        close_connection(listener, 0);
    (void)close(listener->fd);
    interrupt_close(&listener->interrupt);
    return listener->failed ? CLI_FAILED : result;
}

static int run_listen(struct cli *cli)
{
    struct listener *listener = calloc(1, sizeof(*listener));

    if (!listener)
        return cli_failed("out of memory");
    listener->cli = cli;
    int result = run_with(listener);
    explicit_bzero(listener->secrets, sizeof(listener->secrets));
    free(listener);
    return result;
}

const struct command command_listen = {
    .name = "listen",
    .operands = "",
    .summary = "Receives webhooks on this machine and prints them, for testing.",
    .details =
        "Each request is printed, and answered as --answer says. With --secret its signature is\n"
        "verified (Standard Webhooks) and the result printed; the answer is the same.\n",
    .flags = listen_specs,
    .run = run_listen,
    .without_redis = true,
};
