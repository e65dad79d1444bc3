/*
 * A receiver of webhooks that is never the slowest part: several threads, an epoll set each, as
 * little parsing as will do, answers of a few bytes.
 *
 *     sink [port=0] [threads=1] [certificate=FILE key=FILE]
 *
 * It serves all of 127.0.0.0/8. The first line on stdout is {"port":N}; then each line on stdin is
 * a command, and each has one line as its answer. It ends with its stdin.
 *
 *     set FIRST LAST KIND [VALUE [MORE]]
 *                                   what these endpoints do, as sink_server.h explains: ok, close,
 *                                   slow MS, fail STATUS, hang, drip, trickle, quick, flip N MS,
 *                                   rare PERCENT MS, tail MS PERCENT, stall MS; {} is the answer
 *     report FIRST LAST             what came for these endpoints, as JSON
 *     forget                        forgets the latencies so far, and nothing else; {}
 *     listen PORT                   listens there too; {"port":N}
 */
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "arguments.h"
#include "contract/parse.h"
#include "sink_server.h"

#define WORDS_MAX 6

struct sink {
    struct sink_server *servers[SINK_THREADS_MAX];
    int servers_len;
    struct sink_behaviour behaviours[SINK_ENDPOINTS];
};

static _Noreturn void fail(const char *what)
{
    perror(what);
    exit(1);
}

static void lock_all(struct sink *sink)
{
    for (int i = 0; i < sink->servers_len; i++)
        pthread_mutex_lock(&sink->servers[i]->lock);
}

static void unlock_all(struct sink *sink)
{
    for (int i = 0; i < sink->servers_len; i++)
        pthread_mutex_unlock(&sink->servers[i]->lock);
}

/* --- what came --- */

struct totals {
    struct sink_endpoint sum;
    uint64_t endpoints; /* that something came for */
    uint64_t connections, open, busy, handshakes, resumed;
};

static void add_endpoint(struct totals *totals, const struct sink_endpoint *endpoint)
{
    struct sink_endpoint *sum = &totals->sum;
    if (endpoint == NULL || endpoint->requests == 0)
        return;
    totals->endpoints++;
    sum->requests += endpoint->requests;
    sum->in_time += endpoint->in_time;
    sum->answers += endpoint->answers;
    if (sum->first_us == 0 || endpoint->first_us < sum->first_us)
        sum->first_us = endpoint->first_us;
    if (endpoint->last_us > sum->last_us)
        sum->last_us = endpoint->last_us;
    histogram_merge(&sum->latency, &endpoint->latency);
}

static void add_server(struct totals *totals, const struct sink_server *server, int first, int last)
{
    totals->connections += server->connections;
    totals->open += server->open;
    totals->busy += server->busy;
    totals->handshakes += server->handshakes;
    totals->resumed += server->resumed;
    for (int i = first; i <= last; i++)
        add_endpoint(totals, server->endpoints[i]);
}

static void report(struct sink *sink, int first, int last)
{
    struct totals totals = {0};
    const struct sink_endpoint *sum = &totals.sum;
    lock_all(sink);
    for (int i = 0; i < sink->servers_len; i++)
        add_server(&totals, sink->servers[i], first, last);
    unlock_all(sink);
    printf("{\"requests\":%" PRIu64 ",\"in_time\":%" PRIu64 ",\"answers\":%" PRIu64
           ",\"endpoints\":%" PRIu64 ",\"first_us\":%" PRId64 ",\"last_us\":%" PRId64,
           sum->requests, sum->in_time, sum->answers, totals.endpoints, sum->first_us,
           sum->last_us);
    printf(",\"connections\":%" PRIu64 ",\"open\":%" PRIu64 ",\"busy\":%" PRIu64
           ",\"handshakes\":%" PRIu64 ",\"resumed\":%" PRIu64 ",\"latency_us\":",
           totals.connections, totals.open, totals.busy, totals.handshakes, totals.resumed);
    histogram_print(&sum->latency, stdout);
    printf("}\n");
}

/* --- commands --- */

static int number(const char *word, int max)
{
    int64_t value = -1;
    if (parse_int64(bytes_of(word), 0, max, &value) != 0)
        printf("{\"error\":\"not a number from 0 to %d\"}\n", max);
    return (int)value;
}

static bool read_behaviour(char **words, struct sink_behaviour *ret)
{
    static const struct {
        const char *name;
        int numbers;
    } kinds[] = {
        [SINK_OK] = {"ok", 0},           [SINK_CLOSE] = {"close", 0}, [SINK_SLOW] = {"slow", 1},
        [SINK_FAIL] = {"fail", 1},       [SINK_HANG] = {"hang", 0},   [SINK_DRIP] = {"drip", 0},
        [SINK_TRICKLE] = {"trickle", 0}, [SINK_QUICK] = {"quick", 0}, [SINK_FLIP] = {"flip", 2},
        [SINK_RARE] = {"rare", 2},       [SINK_TAIL] = {"tail", 2},   [SINK_STALL] = {"stall", 1},
    };
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        if (strcmp(words[0], kinds[i].name) != 0)
            continue;
        *ret = (struct sink_behaviour){.kind = (enum sink_kind)i};
        if (kinds[i].numbers > 0)
            ret->value = number(words[1], 3600000);
        if (kinds[i].numbers > 1 && ret->value >= 0)
            ret->more = number(words[2], 3600000);
        ret->until_ms = sink_now_ms() + ret->value;
        return ret->value >= 0 && ret->more >= 0;
    }
    printf("{\"error\":\"no such behaviour\"}\n");
    return false;
}

static void set(struct sink *sink, int first, int last, char **words)
{
    struct sink_behaviour behaviour;
    if (!read_behaviour(words, &behaviour))
        return;
    lock_all(sink);
    for (int i = first; i <= last; i++)
        sink->behaviours[i] = behaviour;
    unlock_all(sink);
    printf("{}\n");
}

static void forget(struct sink *sink)
{
    lock_all(sink);
    for (int i = 0; i < sink->servers_len; i++)
        sink_server_forget(sink->servers[i]);
    unlock_all(sink);
    printf("{}\n");
}

static int listen_all(struct sink *sink, int port)
{
    lock_all(sink);
    for (int i = 0; i < sink->servers_len && port >= 0; i++)
        port = sink_server_listen(sink->servers[i], port);
    unlock_all(sink);
    return port;
}

static void on_range(struct sink *sink, char **words)
{
    int first = number(words[1], SINK_ENDPOINTS - 1);
    int last = first < 0 ? -1 : number(words[2], SINK_ENDPOINTS - 1);
    if (last < 0)
        return;
    if (strcmp(words[0], "set") == 0)
        set(sink, first, last, words + 3);
    else
        report(sink, first, last);
}

static void on_command(struct sink *sink, char *line)
{
    static char none[] = "";
    char *words[WORDS_MAX] = {none, none, none, none, none, none};
    char *rest = line;
    line[strcspn(line, "\n")] = '\0';
    for (int i = 0; i < WORDS_MAX && rest != NULL; i++)
        words[i] = strsep(&rest, " ");
    if (strcmp(words[0], "set") == 0 || strcmp(words[0], "report") == 0)
        on_range(sink, words);
    else if (strcmp(words[0], "forget") == 0)
        forget(sink);
    else if (strcmp(words[0], "listen") == 0)
        printf("{\"port\":%d}\n", listen_all(sink, number(words[1], 65535)));
    else
        printf("{\"error\":\"no such command\"}\n");
    fflush(stdout);
}

/* --- start --- */

static SSL_CTX *make_tls(const char *certificate, const char *key)
{
    if (certificate[0] == '\0')
        return NULL;
    SSL_CTX *tls = SSL_CTX_new(TLS_server_method());
    if (tls == NULL || SSL_CTX_use_certificate_chain_file(tls, certificate) != 1 ||
        SSL_CTX_use_PrivateKey_file(tls, key, SSL_FILETYPE_PEM) != 1) {
        fprintf(stderr, "certificate %s or key %s cannot be used\n", certificate, key);
        exit(1);
    }
    return tls;
}

static void allow_many_descriptors(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &limit);
    }
}

int main(int argc, char **argv)
{
    static struct sink sink;
    struct arguments arguments;
    char *line = NULL;
    size_t size = 0;

    arguments_init(&arguments, argc, argv);
    int port = (int)arguments_number(&arguments, "port", 0, 0, 65535);
    int threads = (int)arguments_number(&arguments, "threads", 1, 1, SINK_THREADS_MAX);
    const char *certificate = arguments_text(&arguments, "certificate", "");
    const char *key = arguments_text(&arguments, "key", "");
    arguments_finish(&arguments);
    signal(SIGPIPE, SIG_IGN);
    allow_many_descriptors();

    SSL_CTX *tls = make_tls(certificate, key);
    for (; sink.servers_len < threads; sink.servers_len++) {
        sink.servers[sink.servers_len] = sink_server_new(sink.behaviours, tls);
        if (sink.servers[sink.servers_len] == NULL)
            fail("sink");
    }
    port = listen_all(&sink, port);
    if (port < 0)
        fail("listen");
    for (int i = 0; i < threads; i++) {
        if (sink_server_start(sink.servers[i]) != 0)
            fail("thread");
    }
    printf("{\"port\":%d}\n", port);
    fflush(stdout);
    while (getline(&line, &size, stdin) > 0)
        on_command(&sink, line);
    return 0;
}
