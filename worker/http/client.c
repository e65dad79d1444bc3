#include "http/client.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/log.h"
#include "http/client_internal.h"

#define POOLED_BODY_MAX 65536   /* a pooled transfer keeps no larger buffer */
#define POOLED_HEADERS_MAX 4096 /* nor more headers of its last answer */
#define PORTS 65536
#define SELF_TEST_MS 30000 /* nothing is connected, but a machine may be slow */

static void on_turn(void *context);
static void on_timeout(void *context);

static int on_curl_timer(CURLM *multi, long timeout_ms, void *context)
{
    struct http_client *client = context;
    (void)multi;
    if (timeout_ms < 0)
        loop_timer_disarm(&client->timer);
    else
        loop_timer_arm(&client->timer, timeout_ms);
    return 0;
}

static void finish(struct http_client *client);

static void act(struct http_client *client, curl_socket_t descriptor, int what)
{
    int running = 0;
    tls_allow(client);
    curl_multi_socket_action(client->multi, descriptor, what, &running);
    finish(client);
}

static void on_socket_ready(void *context, int descriptor, bool readable, bool writable)
{
    struct http_client *client = context;
    struct socket_info *info = &client->sockets[descriptor];
    int what = (readable ? CURL_CSELECT_IN : 0) | (writable ? CURL_CSELECT_OUT : 0);
    if (info->is_kept)
        loop_watch_rest(info->watch); /* closed by its peer, or that speaks unasked */
    else
        act(client, descriptor, what);
}

/* A connection that is kept stays watched: the next request on it is likely to come before anything
 * else, and two system calls are saved. */
static void end_watch(struct socket_info *info)
{
    info->is_kept = info->local_port != 0;
    if (info->watch != NULL && !info->is_kept)
        loop_watch_rest(info->watch);
}

/* What libcurl says about a descriptor concerns us twice: to wait for it, and, when a name is being
 * looked up, to know when that has ended. */
static int on_curl_socket(CURL *easy, curl_socket_t descriptor, int what, void *context,
                          void *unused)
{
    struct http_client *client = context;
    struct socket_info *info = client_socket(client, descriptor);
    struct http_transfer *transfer = NULL;
    (void)unused;
    if (info == NULL)
        return -1;
    /* Closing pooled connections, libcurl uses a handle of its own. */
    curl_easy_getinfo(easy, CURLINFO_PRIVATE, (char **)&transfer);
    if (what == CURL_POLL_REMOVE) {
        end_watch(info);
        if (transfer != NULL)
            lookup_unseen(transfer, descriptor);
        return 0;
    }
    if (transfer != NULL)
        lookup_seen(transfer, descriptor);
    if (info->watch == NULL)
        info->watch = loop_watch_new(client->loop, on_socket_ready, client);
    if (info->watch == NULL)
        return -1;
    info->is_kept = false;
    return loop_watch_set(info->watch, descriptor, (what & CURL_POLL_IN) != 0,
                          (what & CURL_POLL_OUT) != 0);
}

static int open_multi(struct http_client *client)
{
    int bad = 0;
    client->multi = curl_multi_init();
    if (client->multi == NULL)
        return -1;
    bad |= curl_multi_setopt(client->multi, CURLMOPT_SOCKETFUNCTION, on_curl_socket);
    bad |= curl_multi_setopt(client->multi, CURLMOPT_SOCKETDATA, client);
    bad |= curl_multi_setopt(client->multi, CURLMOPT_TIMERFUNCTION, on_curl_timer);
    bad |= curl_multi_setopt(client->multi, CURLMOPT_TIMERDATA, client);
    bad |= curl_multi_setopt(client->multi, CURLMOPT_PIPELINING, (long)CURLPIPE_NOTHING);
    bad |=
        curl_multi_setopt(client->multi, CURLMOPT_MAXCONNECTS, (long)client->config.max_transfers);
    return bad == 0 ? 0 : -1;
}

static void init_lists(struct http_client *client)
{
    TAILQ_INIT(&client->idle);
    TAILQ_INIT(&client->starting);
    TAILQ_INIT(&client->running);
    TAILQ_INIT(&client->waiting);
    client_url_init(client);
}

static int init_loop(struct http_client *client)
{
    if (loop_timer_init(client->loop, &client->timer, on_timeout, client) != 0 ||
        loop_timer_init(client->loop, &client->waiting_timer, on_turn, client) != 0 ||
        loop_timer_init(client->loop, &client->strays_timer, on_strays_check, client) != 0)
        return -1;
    return loop_turn_init(client->loop, &client->turn, on_turn, client);
}

void http_client_look(struct http_client *client)
{
    if (!file_mark_changed(&client->ca_file, client->config.ca_file))
        return;
    client->ca_changed_ms = loop_now_ms();
    tls_sessions_forget_all(client->sessions);
    log_at(LOG_INFO, "ca_file_changed", log_text("file", client->config.ca_file));
}

struct http_client *http_client_new(struct loop *loop, const struct http_client_config *config,
                                    struct error_text *why)
{
    struct http_client *client = calloc(1, sizeof(*client));
    uint64_t seed = 0;
    error_text_set(why, "the HTTP client could not be set up: out of memory or randomness");
    if (client == NULL)
        return NULL;
    client->loop = loop;
    client->renews_handles = curl_version_info(CURLVERSION_NOW)->version_num < REUSABLE_SINCE;
    client->config = *config;
    (void)file_mark_changed(&client->ca_file, config->ca_file);
    init_lists(client);
    client->descriptor_of_port = calloc(PORTS, sizeof(*client->descriptor_of_port));
    client->sessions = tls_sessions_new();
    if (client->descriptor_of_port == NULL || client->sessions == NULL ||
        curl_global_init(CURL_GLOBAL_ALL) != CURLE_OK || tls_init() != 0 ||
        getrandom(&seed, sizeof(seed), 0) != sizeof(seed) || init_loop(client) != 0 ||
        open_multi(client) != 0) {
        http_client_free(client);
        return NULL;
    }
    lookups_init(&client->lookups, seed);
    return client;
}

static void transfer_free(struct http_transfer *transfer)
{
    if (transfer->easy != NULL)
        curl_easy_cleanup(transfer->easy);
    client_url_leave(transfer->url);
    request_release(&transfer->request);
    free(transfer);
}

void transfer_move(struct http_transfer *transfer, struct transfer_list *list)
{
    struct http_client *client = transfer->client;
    if (transfer->list == &client->running)
        curl_multi_remove_handle(client->multi, transfer->easy);
    if (transfer->list != NULL)
        TAILQ_REMOVE(transfer->list, transfer, link);
    transfer->list = list;
    if (list == &client->idle) {
        TAILQ_INSERT_HEAD(list, transfer, link);
        client_url_leave(transfer->url);
        transfer->url = NULL;
    } else if (list != NULL) {
        TAILQ_INSERT_TAIL(list, transfer, link);
    }
}

static void free_list(struct transfer_list *list)
{
    while (!TAILQ_EMPTY(list)) {
        struct http_transfer *transfer = TAILQ_FIRST(list);
        transfer_move(transfer, NULL);
        transfer_leave_destination(transfer);
        transfer_free(transfer);
    }
}

void http_client_free(struct http_client *client)
{
    if (client == NULL)
        return;
    free_list(&client->starting);
    free_list(&client->running);
    free_list(&client->waiting);
    free_list(&client->idle);
    if (client->multi != NULL)
        curl_multi_cleanup(client->multi);
    tls_sessions_free(client->sessions);
    client_url_free_all(client);
    for (size_t i = 0; i < client->sockets_cap; i++)
        loop_watch_free(client->sockets[i].watch);
    loop_timer_release(&client->timer);
    loop_timer_release(&client->waiting_timer);
    loop_timer_release(&client->strays_timer);
    loop_turn_release(&client->turn);
    free(client->sockets);
    free(client->descriptor_of_port);
    free(client);
}

bool http_client_is_idle(const struct http_client *client)
{
    return TAILQ_EMPTY(&client->starting) && TAILQ_EMPTY(&client->running) &&
           TAILQ_EMPTY(&client->waiting);
}

static struct http_transfer *make_transfer(struct http_client *client)
{
    struct http_transfer *transfer = calloc(1, sizeof(*transfer));
    if (transfer == NULL)
        return NULL;
    transfer->client = client;
    request_init(&transfer->request, client->config.max_body_bytes);
    if (transfer_init_easy(transfer) != 0) {
        transfer_free(transfer);
        return NULL;
    }
    return transfer;
}

struct http_transfer *http_transfer_new(struct http_client *client)
{
    struct http_transfer *transfer = TAILQ_FIRST(&client->idle);
    if (transfer == NULL)
        return make_transfer(client);
    transfer_move(transfer, NULL);
    return transfer;
}

struct request *http_transfer_request(struct http_transfer *transfer)
{
    return &transfer->request;
}

void http_transfer_drop(struct http_transfer *transfer)
{
    if (transfer->request.body.cap > POOLED_BODY_MAX || transfer->spoilt) {
        transfer_move(transfer, NULL);
        transfer_free(transfer);
        return;
    }
    request_clear(&transfer->request); /* the pool keeps no credentials */
    transfer_move(transfer, &transfer->client->idle);
}

static void forget_last_answer(struct http_transfer *transfer)
{
    transfer->error[0] = '\0';
    transfer->response_len = 0;
    transfer->body_bytes = 0;
    transfer->body_pieces = 0;
    transfer->header_bytes = 0;
    transfer->header_lines = 0;
    transfer->all_header_bytes = 0;
    transfer->all_header_lines = 0;
    transfer->answers = 0;
    transfer->not_http = false;
    transfer->opened_len = 0;
    transfer->tried_ipv6 = false;
    transfer->socket_errno = 0;
    transfer->blocked = false;
    transfer->dirty = false;
    transfer->asked = false;
    transfer->bad_url = false;
    transfer->no_lookup = false;
    transfer->crowded = false;
    transfer->started = false;
}

void http_transfer_start(struct http_transfer *transfer, const struct http_target *target,
                         http_done_fn *fn, void *context)
{
    struct http_client *client = transfer->client;
    forget_last_answer(transfer);
    transfer->is_final = false;
    transfer->status_came = target->status_came;
    transfer->led_to = target->led_to;
    transfer->owner = lookups_owner(&client->lookups, target->owner);
    transfer->fn = fn;
    transfer->context = context;
    transfer->started_at_ms = loop_now_ms();
    transfer->started = transfer_prepare(transfer, target) == 0;
    transfer_move(transfer, &client->starting);
    loop_turn_arm(&client->turn);
}

void http_transfer_cancel(struct http_transfer *transfer)
{
    /* What libcurl holds of a half-read answer goes with the handle. */
    transfer->spoilt = transfer->list == &transfer->client->running;
    transfer_move(transfer, NULL);
    lookup_end(transfer, false);
    transfer_leave_destination(transfer);
    http_transfer_drop(transfer);
}

void http_transfer_cut(struct http_transfer *transfer, struct http_result *ret_result)
{
    transfer_result(transfer, CURLE_OPERATION_TIMEDOUT, ret_result);
    http_transfer_cancel(transfer);
}

static void answer(struct http_transfer *transfer, CURLcode code)
{
    char peer[TLS_PEER_SIZE];
    struct http_result result;
    transfer_move(transfer, NULL);
    transfer_leave_destination(transfer);
    transfer->spoilt = code != CURLE_OK || transfer->all_header_bytes > POOLED_HEADERS_MAX;
    transfer_result(transfer, code, &result);
    /* A session may be what it does not take, or of a certificate that has been replaced. */
    if (result.attempt.end == ATTEMPT_TLS)
        tls_sessions_forget(transfer->client->sessions, tls_peer(transfer, peer));
    transfer->fn(transfer->context, &result);
    http_transfer_drop(transfer);
}

static void begin(struct http_transfer *transfer)
{
    struct http_client *client = transfer->client;
    if (transfer->started && !transfer->bad_url && !transfer->no_lookup && !transfer->blocked &&
        curl_multi_add_handle(client->multi, transfer->easy) == CURLM_OK) {
        transfer_move(transfer, &client->running);
        return;
    }
    transfer->started = transfer->no_lookup || transfer->blocked;
    answer(transfer, CURLE_OUT_OF_MEMORY);
}

/* Adding handles belongs here and not in http_transfer_start: that may be called from a done_fn,
 * inside the walk over finished transfers. */
static void on_turn(void *context)
{
    struct http_client *client = context;
    struct http_transfer *transfer;
    size_t here = 0;
    lookup_release(client);
    TAILQ_FOREACH(transfer, &client->starting, link)
        here++;
    /* What a done_fn starts meanwhile goes with the next turn. */
    for (; here > 0 && !TAILQ_EMPTY(&client->starting); here--)
        begin(TAILQ_FIRST(&client->starting));
    act(client, CURL_SOCKET_TIMEOUT, 0);
}

static void on_timeout(void *context)
{
    act(context, CURL_SOCKET_TIMEOUT, 0);
}

static void finish(struct http_client *client)
{
    int left = 0;
    for (;;) {
        const CURLMsg *message = curl_multi_info_read(client->multi, &left);
        if (message == NULL)
            return;
        if (message->msg != CURLMSG_DONE)
            continue;
        CURLcode code = message->data.result; /* message is gone once the handle is removed */
        struct http_transfer *transfer = NULL;
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&transfer);
        if (transfer->no_lookup) {
            lookup_wait(transfer);
            continue;
        }
        transfer_move(transfer, NULL);
        lookup_end(transfer, false);
        if (proxy_goes_on(transfer, code)) {
            transfer_move(transfer, &client->starting);
            loop_turn_arm(&client->turn);
            continue;
        }
        answer(transfer, code);
    }
}

/* Asks for addresses that an empty policy forbids, without the loop: the guard must have refused.
 * */
int http_client_self_test(struct http_client *client, struct error_text *why)
{
    static const char *const forbidden[] = {"http://127.0.0.1:9/", "http://169.254.169.254:9/",
                                            "http://[::1]:9/"};
    static const struct address_guard strict;
    struct http_client tested = *client;
    int result = 0;
    tested.config.guard = &strict;
    tested.config.proxy = NULL;
    tested.config.https_only = false;
    client_url_init(&tested);
    struct http_transfer *transfer = make_transfer(&tested);
    for (size_t i = 0; transfer != NULL && i < sizeof(forbidden) / sizeof(forbidden[0]); i++) {
        struct url url;
        struct http_target target = {.url_text = forbidden[i],
                                     .url = &url,
                                     .timeout_ms = SELF_TEST_MS,
                                     .connect_timeout_ms = SELF_TEST_MS};
        forget_last_answer(transfer);
        transfer->request.headers_len = 0;
        if (url_parse(bytes_of(forbidden[i]), &url, why) != 0 ||
            transfer_prepare(transfer, &target) != 0 || transfer->bad_url ||
            curl_easy_perform(transfer->easy) == CURLE_OK || !transfer->blocked) {
            error_text_set(why,
                           "the address guard did not refuse %s: this libcurl (%s) cannot be used",
                           forbidden[i], curl_version());
            result = -1;
            break;
        }
    }
    if (transfer == NULL) {
        error_text_set(why, "the self-test could not be run: out of memory");
        return -1;
    }
    transfer_free(transfer);
    client_url_free_all(&tested);
    return result;
}
