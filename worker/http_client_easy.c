#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "http_client_internal.h"

#define KEEP_IDLE_CONNECTION_S 15L
#define KEEP_ANY_CONNECTION_S 300L
#define CA_CACHE_S 3600L
#define HAPPY_EYEBALLS_MS 200L
#define SYN_RETRIES 3

struct socket_info *client_socket(struct http_client *client, curl_socket_t descriptor)
{
    if (descriptor < 0)
        return NULL;
    if ((size_t)descriptor >= client->sockets_cap) {
        size_t cap = ((size_t)descriptor + 1) * 2;
        struct socket_info *sockets = reallocarray(client->sockets, cap, sizeof(*sockets));
        if (sockets == NULL)
            return NULL;
        memset(sockets + client->sockets_cap, 0, (cap - client->sockets_cap) * sizeof(*sockets));
        client->sockets = sockets;
        client->sockets_cap = cap;
    }
    return &client->sockets[descriptor];
}

/* The guard: libcurl connects to exactly this address, whatever name or spelling led to it. One
 * refused address refuses all later ones of the transfer, so that a mixed DNS answer gains nothing.
 * */
static curl_socket_t on_open_socket(void *context, curlsocktype purpose,
                                    struct curl_sockaddr *address)
{
    struct http_transfer *transfer = context;
    int one = 1;
    int syn_retries = SYN_RETRIES;
    unsigned user_timeout_ms = 30000;
    (void)purpose;
    if (transfer->blocked ||
        !address_guard_allows(transfer->client->config.guard, &address->addr)) {
        transfer->blocked = true;
        return CURL_SOCKET_BAD;
    }
    int descriptor = socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
    if (descriptor < 0) {
        transfer->socket_errno = errno;
        return CURL_SOCKET_BAD;
    }
    /* The kernel refuses IPv4-mapped addresses on its own as well. */
    if (address->family == AF_INET6 &&
        setsockopt(descriptor, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof(one)) != 0) {
        transfer->socket_errno = errno;
        close(descriptor);
        return CURL_SOCKET_BAD;
    }
    /* Best effort: the transfer's deadline holds without them. */
    (void)setsockopt(descriptor, IPPROTO_TCP, TCP_SYNCNT, &syn_retries, sizeof(syn_retries));
    (void)setsockopt(descriptor, IPPROTO_TCP, TCP_USER_TIMEOUT, &user_timeout_ms,
                     sizeof(user_timeout_ms));
    if (transfer->opened_len < OPENED_MAX)
        transfer->opened[transfer->opened_len++] = descriptor;
    transfer->sockets++;
    return descriptor;
}

static int on_close_socket(void *context, curl_socket_t descriptor)
{
    struct http_client *client = context;
    if (descriptor >= 0 && (size_t)descriptor < client->sockets_cap) {
        loop_watch_free(client->sockets[descriptor].watch);
        client->sockets[descriptor] = (struct socket_info){0};
    }
    return close(descriptor);
}

static long local_port_of(int descriptor)
{
    struct sockaddr_storage address = {0};
    socklen_t len = sizeof(address);
    if (getsockname(descriptor, (struct sockaddr *)&address, &len) != 0)
        return -1;
    if (address.ss_family == AF_INET)
        return ntohs(((struct sockaddr_in *)&address)->sin_port);
    if (address.ss_family == AF_INET6)
        return ntohs(((struct sockaddr_in6 *)&address)->sin6_port);
    return -1;
}

/* Which of the sockets this transfer opened is the one it speaks on? Remember it by its port. */
static void remember_socket(struct http_transfer *transfer, int local_port)
{
    struct http_client *client = transfer->client;
    for (size_t i = 0; i < transfer->opened_len; i++) {
        int descriptor = transfer->opened[i];
        if (local_port_of(descriptor) != local_port)
            continue;
        struct socket_info *info = client_socket(client, descriptor);
        if (info != NULL) {
            info->local_port = local_port;
            client->descriptor_of_port[local_port] = descriptor;
        }
        return;
    }
}

static bool is_clean(struct http_client *client, int local_port)
{
    int descriptor = client->descriptor_of_port[local_port];
    char byte;
    if (descriptor == 0 || (size_t)descriptor >= client->sockets_cap ||
        client->sockets[descriptor].local_port != local_port)
        return false;
    ssize_t n = recv(descriptor, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    return n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
}

/* Bytes that wait on a pooled connection before we ask were not meant for us: libcurl 7.88 would
 * take them as the answer to this request. Such a connection, or a closed one, is not used. */
static int on_before_request(void *context, char *peer_ip, char *local_ip, int peer_port,
                             int local_port)
{
    struct http_transfer *transfer = context;
    (void)peer_ip;
    (void)local_ip;
    (void)peer_port;
    if (local_port <= 0 || local_port > 65535)
        return CURL_PREREQFUNC_ABORT;
    if (transfer->sockets > 0) {
        remember_socket(transfer, local_port);
        return CURL_PREREQFUNC_OK;
    }
    if (!is_clean(transfer->client, local_port)) {
        transfer->dirty = true;
        return CURL_PREREQFUNC_ABORT;
    }
    return CURL_PREREQFUNC_OK;
}

static size_t on_body(char *data, size_t size, size_t count, void *context)
{
    struct http_transfer *transfer = context;
    size_t len = size * count;
    size_t room = sizeof(transfer->response) - transfer->response_len;
    size_t kept = len < room ? len : room;
    memcpy(transfer->response + transfer->response_len, data, kept);
    transfer->response_len += kept;
    transfer->body_bytes += len;
    if (transfer->body_bytes > transfer->client->config.max_response_bytes ||
        ++transfer->body_pieces > RESPONSE_PIECES_MAX)
        return CURL_WRITEFUNC_ERROR;
    return len;
}

static size_t on_header(char *data, size_t size, size_t count, void *context)
{
    struct http_transfer *transfer = context;
    size_t len = size * count;
    /* Each informational answer (1xx) ahead of the final one is a new set of headers. */
    if (len >= 5 && memcmp(data, "HTTP/", 5) == 0) {
        transfer->header_bytes = 0;
        transfer->header_lines = 0;
        transfer->answers++;
    }
    transfer->header_bytes += len;
    transfer->header_lines++;
    if (transfer->header_bytes > RESPONSE_HEADER_BYTES_MAX ||
        transfer->header_lines > RESPONSE_HEADER_LINES_MAX ||
        transfer->answers > RESPONSE_ANSWERS_MAX)
        return 0;
    return len;
}

/* What a stranger's URL must not switch on stays off: see docs/architecture.md. */
static CURLcode set_policy(CURL *easy, const struct http_client_config *config)
{
    unsigned bad = 0;
    bad |=
        curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, config->https_only ? "https" : "http,https");
    bad |= curl_easy_setopt(easy, CURLOPT_REDIR_PROTOCOLS_STR, "https");
    bad |= curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
    bad |= curl_easy_setopt(easy, CURLOPT_MAXREDIRS, 0L);
    bad |= curl_easy_setopt(easy, CURLOPT_DISALLOW_USERNAME_IN_URL, 1L);
    bad |= curl_easy_setopt(easy, CURLOPT_PROXY, "");
    bad |= curl_easy_setopt(easy, CURLOPT_NOPROXY, "*");
    bad |= curl_easy_setopt(easy, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
    bad |= curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    bad |= curl_easy_setopt(easy, CURLOPT_HTTP09_ALLOWED, 0L);
    bad |= curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 1L);
    bad |= curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 2L);
    bad |= curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    bad |= curl_easy_setopt(easy, CURLOPT_CAINFO, config->ca_file);
    /* With a CA directory set libcurl 7.88 does not cache the store: 38 ms for each TLS connection.
     * */
    bad |= curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
    bad |= curl_easy_setopt(easy, CURLOPT_CA_CACHE_TIMEOUT, CA_CACHE_S);
    return bad == 0 ? CURLE_OK : CURLE_FAILED_INIT;
}

static CURLcode set_behaviour(CURL *easy)
{
    unsigned bad = 0;
    bad |= curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    /* Without it a slow name look-up that times out joins its thread and stops the loop. */
    bad |= curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
    bad |= curl_easy_setopt(easy, CURLOPT_HAPPY_EYEBALLS_TIMEOUT_MS, HAPPY_EYEBALLS_MS);
    bad |= curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, 16384L);
    bad |= curl_easy_setopt(easy, CURLOPT_MAXAGE_CONN, KEEP_IDLE_CONNECTION_S);
    bad |= curl_easy_setopt(easy, CURLOPT_MAXLIFETIME_CONN, KEEP_ANY_CONNECTION_S);
    bad |= curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
    bad |= curl_easy_setopt(easy, CURLOPT_TCP_NODELAY, 1L);
    bad |= curl_easy_setopt(easy, CURLOPT_POST, 1L);
    return bad == 0 ? CURLE_OK : CURLE_FAILED_INIT;
}

static CURLcode set_callbacks(struct http_transfer *transfer)
{
    CURL *easy = transfer->easy;
    unsigned bad = 0;
    bad |= curl_easy_setopt(easy, CURLOPT_PRIVATE, transfer);
    bad |= curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, transfer->error);
    bad |= curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, on_open_socket);
    bad |= curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, transfer);
    bad |= curl_easy_setopt(easy, CURLOPT_CLOSESOCKETFUNCTION, on_close_socket);
    /* Connections outlive transfers: this callback must not be given one. */
    bad |= curl_easy_setopt(easy, CURLOPT_CLOSESOCKETDATA, transfer->client);
    bad |= curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, on_before_request);
    bad |= curl_easy_setopt(easy, CURLOPT_PREREQDATA, transfer);
    bad |= curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
    bad |= curl_easy_setopt(easy, CURLOPT_WRITEDATA, transfer);
    bad |= curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
    bad |= curl_easy_setopt(easy, CURLOPT_HEADERDATA, transfer);
    return bad == 0 ? CURLE_OK : CURLE_FAILED_INIT;
}

int transfer_init_easy(struct http_transfer *transfer)
{
    transfer->easy = curl_easy_init();
    if (transfer->easy == NULL)
        return -1;
    if (set_policy(transfer->easy, &transfer->client->config) != CURLE_OK ||
        set_behaviour(transfer->easy) != CURLE_OK || set_callbacks(transfer) != CURLE_OK)
        return -1;
    return 0;
}

/* libcurl must read the URL as we did: same scheme, host and port, or it is not used. */
static bool url_agrees(CURLU *parsed, const struct url *url)
{
    char *scheme = NULL;
    char *host = NULL;
    char *port = NULL;
    char expected[8];
    snprintf(expected, sizeof(expected), "%u", (unsigned)url->port);
    bool agrees = curl_url_get(parsed, CURLUPART_SCHEME, &scheme, 0) == CURLUE_OK &&
                  curl_url_get(parsed, CURLUPART_HOST, &host, 0) == CURLUE_OK &&
                  curl_url_get(parsed, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT) == CURLUE_OK;
    if (agrees) {
        size_t len = strlen(host);
        const char *bare = url->is_ipv6 && len >= 2 ? host + 1 : host;
        size_t bare_len = url->is_ipv6 && len >= 2 ? len - 2 : len;
        agrees = strcmp(scheme, url->https ? "https" : "http") == 0 &&
                 strcmp(port, expected) == 0 &&
                 (url->is_ipv6 ||
                  (strlen(url->host) == bare_len && strncasecmp(bare, url->host, bare_len) == 0));
    }
    curl_free(scheme);
    curl_free(host);
    curl_free(port);
    return agrees;
}

/* The list lives in the transfer: libcurl reads it and never frees it. */
static struct curl_slist *link_headers(struct http_transfer *transfer)
{
    static char no_expect[] = "Expect:";
    static char no_accept[] = "Accept:";
    size_t n = transfer->request.headers_len;
    for (size_t i = 0; i < n; i++)
        transfer->headers[i].data =
            transfer->request.header_text.data + transfer->request.header_at[i];
    transfer->headers[n].data = no_expect;
    transfer->headers[n + 1].data = no_accept;
    for (size_t i = 0; i <= n; i++)
        transfer->headers[i].next = &transfer->headers[i + 1];
    transfer->headers[n + 1].next = NULL;
    return transfer->headers;
}

/*
 * libcurl before 8.1.0 remembers in a handle the last header of the answer before, and has freed it
 * by the next: an answer whose first header line begins with a blank is written there (curl
 * #11101). So each request gets a handle of its own from it; connections and certificates are kept
 * by the multi handle.
 */
static int renew_easy(struct http_transfer *transfer)
{
    bool renew = transfer->used && curl_version_info(CURLVERSION_NOW)->version_num < 0x080100;
    transfer->used = true;
    if (!renew)
        return 0;
    curl_easy_cleanup(transfer->easy);
    return transfer_init_easy(transfer);
}

int transfer_prepare(struct http_transfer *transfer, const struct http_target *target)
{
    struct bytes body = buffer_bytes(&transfer->request.body);
    unsigned bad = 0;
    if (renew_easy(transfer) != 0)
        return -1;
    CURL *easy = transfer->easy;
    curl_url_cleanup(transfer->url);
    transfer->url = curl_url();
    if (transfer->url == NULL)
        return -1;
    transfer->bad_url = curl_url_set(transfer->url, CURLUPART_URL, target->url_text,
                                     CURLU_DISALLOW_USER) != CURLUE_OK ||
                        !url_agrees(transfer->url, target->url) ||
                        (transfer->client->config.https_only && !target->url->https);
    if (transfer->bad_url)
        return 0;
    bad |= curl_easy_setopt(easy, CURLOPT_CURLU, transfer->url);
    bad |= curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)body.len);
    bad |= curl_easy_setopt(easy, CURLOPT_POSTFIELDS, body.data);
    bad |= curl_easy_setopt(easy, CURLOPT_HTTPHEADER, link_headers(transfer));
    bad |= curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)target->timeout_ms);
    bad |= curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)target->connect_timeout_ms);
    bad |= curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, target->fresh ? 1L : 0L);
    return bad == 0 ? 0 : -1;
}
