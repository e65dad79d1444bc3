/*
 * The bare loop: POSTs the requests of a worker by libcurl's multi interface and an epoll set, and
 * does nothing else. What a delivery costs here is what it costs at the least with libcurl.
 *
 *     limit url=http://127.0.0.1:8000/ requests=N [endpoints=1] [connections=64] [body=600]
 *           [rate=0] [ca=FILE] [fresh=0]
 *
 * Request n goes to <url><n modulo endpoints>. With a rate, that many requests are started a
 * second, each at its time; without, the next one starts when one has ended. fresh=1 makes a
 * connection for each. Prints a line of JSON.
 */
#define _GNU_SOURCE /* epoll_pwait2 */
#include <curl/curl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "arguments.h"
#include "histogram.h"
#include "message.h"

#define EVENTS_MAX 256
#define CONNECTIONS_MAX 4096
#define TIMEOUT_MS 15000L
#define CONNECT_TIMEOUT_MS 5000L

enum header {
    HEADER_TYPE,
    HEADER_SIGNATURE,
    HEADER_AGENT,
    HEADER_ID,
    HEADER_TIMESTAMP,
    HEADER_EVENT,
    HEADER_ATTEMPT,
    HEADER_NO_EXPECT,
    HEADERS
};

struct limit {
    const char *url;
    const char *ca;
    int64_t requests;
    int64_t endpoints;
    int64_t rate; /* a second, 0 for as fast as it goes */
    size_t body_len;
    bool fresh;
    CURLM *multi;
    int epoll;
    int64_t timer_at_us; /* when libcurl wants to be called, -1 for not */
    int64_t started;
    int64_t ended;
    int64_t failed;
    int64_t began_us;
    struct transfer *idle; /* a list by next */
    /* Not on the stack: the project's compiler options would zero it at each turn. */
    struct epoll_event events[EVENTS_MAX];
};

struct transfer {
    struct limit *limit;
    struct transfer *next;
    CURL *easy;
    char url[256];
    char id[64];
    char timestamp[64];
    struct curl_slist headers[HEADERS];
    char body[MESSAGE_BODY_MAX];
};

static _Noreturn void fail(const char *what)
{
    fprintf(stderr, "limit: %s\n", what);
    exit(1);
}

static size_t on_body(char *data, size_t size, size_t count, void *context)
{
    (void)data;
    (void)context;
    return size * count;
}

static int on_timer(CURLM *multi, long timeout_ms, void *context)
{
    struct limit *limit = context;
    (void)multi;
    limit->timer_at_us = timeout_ms < 0 ? -1 : wall_now_us() + timeout_ms * 1000;
    return 0;
}

static int on_socket(CURL *easy, curl_socket_t descriptor, int what, void *context, void *known)
{
    struct limit *limit = context;
    struct epoll_event event = {.data.fd = descriptor};
    (void)easy;
    if (what == CURL_POLL_REMOVE) {
        (void)epoll_ctl(limit->epoll, EPOLL_CTL_DEL, descriptor, NULL);
        return 0;
    }
    event.events |= (what & CURL_POLL_IN) != 0 ? (uint32_t)EPOLLIN : 0;
    event.events |= (what & CURL_POLL_OUT) != 0 ? (uint32_t)EPOLLOUT : 0;
    (void)epoll_ctl(limit->epoll, known != NULL ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, descriptor,
                    &event);
    curl_multi_assign(limit->multi, descriptor, limit);
    return 0;
}

/* --- transfers --- */

static void link_headers(struct transfer *transfer)
{
    static char type[] = "Content-Type: application/json";
    static char signature[] = "Verification-Signature: " MESSAGE_SIGNATURE;
    static char agent[] = "User-Agent: Roomhook/0.1.0";
    static char event[] = "webhook-event: message.created";
    static char attempt[] = "webhook-attempt: 1";
    static char no_expect[] = "Expect:";
    char *const texts[HEADERS] = {type,  signature, agent,    transfer->id, transfer->timestamp,
                                  event, attempt,   no_expect};
    for (size_t i = 0; i < HEADERS; i++) {
        transfer->headers[i].data = texts[i];
        transfer->headers[i].next = i + 1 < HEADERS ? &transfer->headers[i + 1] : NULL;
    }
}

/* What a worker sets and what costs something; not what it needs against strangers. */
static void set_options(struct transfer *transfer)
{
    const struct limit *limit = transfer->limit;
    CURL *easy = transfer->easy;
    unsigned bad = 0;
    bad |= curl_easy_setopt(easy, CURLOPT_PRIVATE, transfer);
    bad |= curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    bad |= curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    bad |= curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, 16384L);
    bad |= curl_easy_setopt(easy, CURLOPT_TCP_NODELAY, 1L);
    bad |= curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, TIMEOUT_MS);
    bad |= curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, CONNECT_TIMEOUT_MS);
    bad |= curl_easy_setopt(easy, CURLOPT_POST, 1L);
    bad |= curl_easy_setopt(easy, CURLOPT_HTTPHEADER, transfer->headers);
    bad |= curl_easy_setopt(easy, CURLOPT_POSTFIELDS, transfer->body);
    bad |= curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE, (long)limit->body_len);
    bad |= curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
    if (limit->fresh)
        bad |= curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, 1L);
    if (limit->ca[0] != '\0') {
        bad |= curl_easy_setopt(easy, CURLOPT_CAINFO, limit->ca);
        bad |= curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
    }
    if (bad != 0)
        fail("libcurl refuses an option");
}

static struct transfer *transfer_new(struct limit *limit)
{
    struct transfer *transfer = calloc(1, sizeof(*transfer));
    if (transfer == NULL)
        fail("out of memory");
    transfer->limit = limit;
    transfer->easy = curl_easy_init();
    if (transfer->easy == NULL)
        fail("out of memory");
    link_headers(transfer);
    set_options(transfer);
    return transfer;
}

static void start(struct limit *limit)
{
    struct transfer *transfer = limit->idle;
    int64_t number = limit->started++;
    int64_t now_us = wall_now_us();
    limit->idle = transfer->next;
    message_body(transfer->body, number % limit->endpoints, number, limit->body_len);
    snprintf(transfer->url, sizeof(transfer->url), "%s%" PRId64, limit->url,
             number % limit->endpoints);
    snprintf(transfer->id, sizeof(transfer->id), "webhook-id: %" PRId64 "-%" PRId64, now_us,
             number);
    snprintf(transfer->timestamp, sizeof(transfer->timestamp), "webhook-timestamp: %" PRId64,
             now_us / 1000000);
    if (curl_easy_setopt(transfer->easy, CURLOPT_URL, transfer->url) != CURLE_OK ||
        curl_multi_add_handle(limit->multi, transfer->easy) != CURLM_OK)
        fail("a transfer cannot be started");
}

static void finish(struct limit *limit)
{
    const CURLMsg *message;
    int left;
    while ((message = curl_multi_info_read(limit->multi, &left)) != NULL) {
        struct transfer *transfer = NULL;
        CURL *easy = message->easy_handle;
        CURLcode code = message->data.result;
        long status = 0;
        curl_easy_getinfo(easy, CURLINFO_PRIVATE, (char **)&transfer);
        curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
        curl_multi_remove_handle(limit->multi, easy);
        limit->failed += code != CURLE_OK || status != 200 ? 1 : 0;
        limit->ended++;
        transfer->next = limit->idle;
        limit->idle = transfer;
    }
}

/* --- the loop --- */

/* When the next request is due; INT64_MAX when none is to be started. */
static int64_t next_start_us(const struct limit *limit)
{
    if (limit->started == limit->requests || limit->idle == NULL)
        return INT64_MAX;
    return limit->rate == 0 ? 0 : limit->began_us + limit->started * 1000000 / limit->rate;
}

static void start_due(struct limit *limit)
{
    int64_t now_us = wall_now_us();
    while (next_start_us(limit) <= now_us)
        start(limit);
}

static void wait_for_events(struct limit *limit)
{
    struct epoll_event *events = limit->events;
    int64_t until_us = next_start_us(limit);
    int running;
    if (limit->timer_at_us >= 0 && limit->timer_at_us < until_us)
        until_us = limit->timer_at_us;
    int64_t left_us = until_us - wall_now_us();
    if (until_us == INT64_MAX || left_us > 1000000)
        left_us = 1000000;
    struct timespec left = {.tv_nsec = left_us > 0 ? left_us * 1000 % 1000000000 : 0,
                            .tv_sec = left_us > 0 ? left_us / 1000000 : 0};
    int n = epoll_pwait2(limit->epoll, events, EVENTS_MAX, &left, NULL);
    for (int i = 0; i < n; i++) {
        int what = ((events[i].events & EPOLLOUT) != 0 ? CURL_CSELECT_OUT : 0) |
                   ((events[i].events & ~(uint32_t)EPOLLOUT) != 0 ? CURL_CSELECT_IN : 0);
        curl_multi_socket_action(limit->multi, events[i].data.fd, what, &running);
    }
    if (limit->timer_at_us >= 0 && limit->timer_at_us <= wall_now_us()) {
        limit->timer_at_us = -1;
        curl_multi_socket_action(limit->multi, CURL_SOCKET_TIMEOUT, 0, &running);
    }
}

static void run(struct limit *limit, int64_t connections)
{
    limit->epoll = epoll_create1(EPOLL_CLOEXEC);
    limit->multi = curl_multi_init();
    limit->timer_at_us = -1;
    if (limit->epoll < 0 || limit->multi == NULL)
        fail("out of memory");
    curl_multi_setopt(limit->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
    curl_multi_setopt(limit->multi, CURLMOPT_SOCKETDATA, limit);
    curl_multi_setopt(limit->multi, CURLMOPT_TIMERFUNCTION, on_timer);
    curl_multi_setopt(limit->multi, CURLMOPT_TIMERDATA, limit);
    curl_multi_setopt(limit->multi, CURLMOPT_PIPELINING, (long)CURLPIPE_NOTHING);
    curl_multi_setopt(limit->multi, CURLMOPT_MAXCONNECTS, (long)connections);
    for (int64_t i = 0; i < connections; i++) {
        struct transfer *transfer = transfer_new(limit);
        transfer->next = limit->idle;
        limit->idle = transfer;
    }
    limit->began_us = wall_now_us();
    while (limit->ended < limit->requests) {
        start_due(limit);
        wait_for_events(limit);
        finish(limit);
    }
}

static void release(struct limit *limit)
{
    while (limit->idle != NULL) {
        struct transfer *transfer = limit->idle;
        limit->idle = transfer->next;
        curl_easy_cleanup(transfer->easy);
        free(transfer);
    }
    curl_multi_cleanup(limit->multi);
    close(limit->epoll);
    curl_global_cleanup();
}

static int64_t us_of(struct timeval time)
{
    return (int64_t)time.tv_sec * 1000000 + time.tv_usec;
}

int main(int argc, char **argv)
{
    struct limit limit = {0};
    struct arguments arguments;
    struct rusage usage;

    arguments_init(&arguments, argc, argv);
    limit.url = arguments_text(&arguments, "url", NULL);
    limit.requests = arguments_number(&arguments, "requests", 1, 1, INT64_C(1000000000));
    limit.endpoints = arguments_number(&arguments, "endpoints", 1, 1, 65536);
    limit.rate = arguments_number(&arguments, "rate", 0, 0, 1000000);
    limit.body_len =
        (size_t)arguments_number(&arguments, "body", 600, MESSAGE_BODY_MIN, MESSAGE_BODY_MAX);
    limit.ca = arguments_text(&arguments, "ca", "");
    limit.fresh = arguments_number(&arguments, "fresh", 0, 0, 1) == 1;
    int64_t connections = arguments_number(&arguments, "connections", 64, 1, CONNECTIONS_MAX);
    arguments_finish(&arguments);
    signal(SIGPIPE, SIG_IGN);
    if (curl_global_init(CURL_GLOBAL_ALL) != CURLE_OK)
        fail("libcurl cannot be used");

    run(&limit, connections);
    int64_t took_us = wall_now_us() - limit.began_us;
    getrusage(RUSAGE_SELF, &usage);
    printf("{\"requests\":%" PRId64 ",\"failed\":%" PRId64 ",\"took_us\":%" PRId64
           ",\"user_us\":%" PRId64 ",\"system_us\":%" PRId64 "}\n",
           limit.requests, limit.failed, took_us, us_of(usage.ru_utime), us_of(usage.ru_stime));
    release(&limit);
    return limit.failed == 0 ? 0 : 1;
}
