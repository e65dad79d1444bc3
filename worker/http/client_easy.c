#include <stdlib.h>
#include <string.h>

#include "http/client_internal.h"

#define KEEP_IDLE_CONNECTION_S 15L
#define KEEP_ANY_CONNECTION_S 300L
#define CA_CACHE_S 3600L
#define HAPPY_EYEBALLS_MS 200L
#define KEEP_NAME_S 15L

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
    bad |= proxy_set_policy(easy, config);
    if (config->cert != NULL) {
        bad |= curl_easy_setopt(easy, CURLOPT_SSLCERT, config->cert);
        bad |= curl_easy_setopt(easy, CURLOPT_SSLKEY, config->key);
        bad |= curl_easy_setopt(easy, CURLOPT_KEYPASSWD, ""); /* nobody is asked for one */
    }
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
    bad |= curl_easy_setopt(easy, CURLOPT_SSL_SESSIONID_CACHE, 0L); /* see tls_sessions.h */
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
    /* An answer may hold thousands of addresses, and libcurl caches all of them. */
    bad |= curl_easy_setopt(easy, CURLOPT_DNS_CACHE_TIMEOUT, KEEP_NAME_S);
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
    bad |= curl_easy_setopt(easy, CURLOPT_SSL_CTX_FUNCTION, on_ssl_context);
    bad |= curl_easy_setopt(easy, CURLOPT_SSL_CTX_DATA, transfer->client);
    bad |= curl_easy_setopt(easy, CURLOPT_RESOLVER_START_FUNCTION, on_lookup);
    bad |= curl_easy_setopt(easy, CURLOPT_RESOLVER_START_DATA, transfer);
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

/* The list lives in the transfer: libcurl reads it and never frees it. */
static struct curl_slist *link_headers(struct http_transfer *transfer)
{
    static char no_expect[] = "Expect:";
    size_t n = transfer->request.headers_len;
    for (size_t i = 0; i < n; i++)
        transfer->headers[i].data =
            transfer->request.header_text.data + transfer->request.header_at[i];
    transfer->headers[n].data = no_expect;
    for (size_t i = 0; i < n; i++)
        transfer->headers[i].next = &transfer->headers[i + 1];
    transfer->headers[n].next = NULL;
    return transfer->headers;
}

/* Connections and certificates are kept by the multi handle. */
static int renew_easy(struct http_transfer *transfer)
{
    bool renew = transfer->used && transfer->client->renews_handles;
    transfer->used = true;
    if (!renew)
        return 0;
    curl_easy_cleanup(transfer->easy);
    return transfer_init_easy(transfer);
}

/* One deadline over everything: what has passed of it is taken off. */
int transfer_set_timeouts(struct http_transfer *transfer, int64_t elapsed_ms)
{
    int64_t left = transfer->timeout_ms - elapsed_ms;
    int64_t connect = transfer->connect_timeout_ms < left ? transfer->connect_timeout_ms : left;
    unsigned bad = 0;
    if (left <= 0)
        return -1;
    bad |= curl_easy_setopt(transfer->easy, CURLOPT_TIMEOUT_MS, (long)left);
    bad |= curl_easy_setopt(transfer->easy, CURLOPT_CONNECTTIMEOUT_MS, (long)connect);
    return bad == 0 ? 0 : -1;
}

/* libcurl keeps the CA file's certificates; not those that it read before it changed. At least
 * for a second: reading them takes tens of milliseconds. */
static long ca_cache_s(const struct http_client *client)
{
    int64_t since_s = (loop_now_ms() - client->ca_changed_ms) / 1000;
    if (client->ca_changed_ms == 0 || since_s > CA_CACHE_S)
        return CA_CACHE_S;
    return since_s > 1 ? (long)since_s : 1;
}

static int set_request(struct http_transfer *transfer, bool fresh)
{
    CURL *easy = transfer->easy;
    struct bytes body = buffer_bytes(&transfer->request.body);
    const char *text = transfer->url->text;
    unsigned bad = 0;
    /* The parsed one is used; without its text libcurl would write it out again. */
    bad |= curl_easy_setopt(easy, CURLOPT_URL, text);
    bad |= curl_easy_setopt(easy, CURLOPT_CURLU, transfer->url->curl);
    bad |= curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)body.len);
    bad |= curl_easy_setopt(easy, CURLOPT_POSTFIELDS, body.data);
    bad |= curl_easy_setopt(easy, CURLOPT_HTTPHEADER, link_headers(transfer));
    if (transfer->client->ca_changed_ms != 0)
        bad |= curl_easy_setopt(easy, CURLOPT_CA_CACHE_TIMEOUT, ca_cache_s(transfer->client));
    bad |= curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, fresh ? 1L : 0L);
    return bad == 0 ? 0 : -1;
}

/* -1 when memory is short, which is no fault of the URL. */
static int set_url(struct http_transfer *transfer, const struct http_target *target)
{
    client_url_leave(transfer->url);
    transfer->url = client_url_get(transfer->client, target);
    if (transfer->url == NULL)
        return -1;
    transfer->bad_url =
        !transfer->url->agrees || (transfer->client->config.https_only && !target->url->https);
    return 0;
}

int transfer_prepare(struct http_transfer *transfer, const struct http_target *target)
{
    const struct url *url = target->url;
    if (renew_easy(transfer) != 0 || set_url(transfer, target) != 0)
        return -1;
    if (transfer->bad_url)
        return 0;
    *write_text(transfer->host, url->host, sizeof(transfer->host) - 1) = '\0';
    transfer->port = url->port;
    transfer->host_is_address = url->is_ipv4 || url->is_ipv6;
    transfer->timeout_ms = target->timeout_ms;
    transfer->connect_timeout_ms = target->connect_timeout_ms;
    if (transfer_set_timeouts(transfer, 0) != 0 || set_request(transfer, target->fresh) != 0)
        return -1;
    return proxy_choose_way(transfer, url);
}
