#include <arpa/inet.h>
#include <string.h>

#include "http/client_internal.h"

#define ENCODED_PASSWORD_SIZE (3 * 512) /* of 511 bytes at most */

/*
 * Through a proxy libcurl connects to the proxy, and leaves it to the proxy to find the receiver's
 * address. What can be judged here, is: a host that is an address, and the addresses that a name
 * has for us. For the latter the transfer first runs without the proxy, and each address is judged
 * and then refused as if it could not be connected to. A name that only the proxy can look up, or
 * that has another address there, is the proxy's to judge.
 */

static const struct proxy_address *proxy_of(const struct http_client_config *config)
{
    return config->proxy != NULL && config->proxy->origin[0] != '\0' ? config->proxy : NULL;
}

static unsigned set_proxy(CURL *easy, const struct http_client_config *config)
{
    const struct proxy_address *proxy = proxy_of(config);
    unsigned bad = curl_easy_setopt(easy, CURLOPT_PROXY, proxy->origin);
    bad |= curl_easy_setopt(easy, CURLOPT_NOPROXY, "");
    return bad;
}

static unsigned set_no_proxy(CURL *easy)
{
    unsigned bad = curl_easy_setopt(easy, CURLOPT_PROXY, "");
    bad |= curl_easy_setopt(easy, CURLOPT_NOPROXY, "*");
    return bad;
}

/* Of the options for this, only here all versions of libcurl decode what they are given, once. */
static unsigned set_credentials(CURL *easy, const char *user, const char *password)
{
    char text[PROXY_USER_MAX + 1 + ENCODED_PASSWORD_SIZE];
    char *encoded = curl_easy_escape(easy, password, 0);
    unsigned bad;
    if (encoded == NULL)
        return CURLE_OUT_OF_MEMORY;
    snprintf(text, sizeof(text), "%s:%s", user, encoded);
    bad = curl_easy_setopt(easy, CURLOPT_PROXYAUTH, (long)CURLAUTH_BASIC);
    bad |= curl_easy_setopt(easy, CURLOPT_PROXYUSERPWD, text);
    explicit_bzero(text, sizeof(text));
    explicit_bzero(encoded, strlen(encoded));
    curl_free(encoded);
    return bad;
}

CURLcode proxy_set_policy(CURL *easy, const struct http_client_config *config)
{
    const struct proxy_address *proxy = proxy_of(config);
    unsigned bad = set_no_proxy(easy);
    if (proxy == NULL)
        return bad == 0 ? CURLE_OK : CURLE_FAILED_INIT;
    /* Its answer to CONNECT is none of the receiver's. */
    bad |= curl_easy_setopt(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
    bad |= curl_easy_setopt(easy, CURLOPT_HEADEROPT, (long)CURLHEADER_SEPARATE);
    bad |= curl_easy_setopt(easy, CURLOPT_PROXY_SSL_VERIFYPEER, 1L);
    bad |= curl_easy_setopt(easy, CURLOPT_PROXY_SSL_VERIFYHOST, 2L);
    bad |= curl_easy_setopt(easy, CURLOPT_PROXY_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    bad |= curl_easy_setopt(easy, CURLOPT_PROXY_CAINFO, config->ca_file);
    bad |= curl_easy_setopt(easy, CURLOPT_PROXY_CAPATH, NULL);
    if (proxy->user[0] != '\0')
        bad |= set_credentials(easy, proxy->user, config->proxy_password);
    return bad == 0 ? CURLE_OK : CURLE_FAILED_INIT;
}

static bool is_exception(const struct http_client_config *config, const struct url *url)
{
    for (size_t i = 0; i < config->no_proxy_len; i++) {
        if (proxy_exception_covers(&config->no_proxy[i], url))
            return true;
    }
    return false;
}

static bool address_is_allowed(struct http_transfer *transfer, const struct url *url)
{
    struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons(url->port)};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons(url->port)};
    if (url->is_ipv4 && inet_pton(AF_INET, url->host, &v4.sin_addr) == 1)
        return guard_allows(transfer, (const struct sockaddr *)&v4);
    return url->is_ipv6 && inet_pton(AF_INET6, url->host, &v6.sin6_addr) == 1 &&
           guard_allows(transfer, (const struct sockaddr *)&v6);
}

/* A transfer that goes on looks names up again only when libcurl has forgotten them. */
int proxy_choose_way(struct http_transfer *transfer, const struct url *url)
{
    const struct http_client_config *config = &transfer->client->config;
    CURL *easy = transfer->easy;
    transfer->way = WAY_DIRECT;
    if (proxy_of(config) == NULL)
        return 0;
    if (is_exception(config, url))
        return set_no_proxy(easy) == 0 ? 0 : -1;
    if (transfer->host_is_address) {
        transfer->way = WAY_PROXY;
        transfer->blocked = !address_is_allowed(transfer, url);
        return set_proxy(easy, config) == 0 ? 0 : -1;
    }
    transfer->way = WAY_JUDGED;
    return set_no_proxy(easy) == 0 ? 0 : -1;
}

static bool is_judged(const struct http_transfer *transfer, CURLcode code)
{
    return transfer->way == WAY_JUDGED && !transfer->blocked &&
           (code == CURLE_COULDNT_CONNECT || code == CURLE_COULDNT_RESOLVE_HOST);
}

bool proxy_goes_on(struct http_transfer *transfer, CURLcode code)
{
    int64_t elapsed_ms = loop_now_ms() - transfer->started_at_ms;
    if (!is_judged(transfer, code) || transfer_set_timeouts(transfer, elapsed_ms) != 0 ||
        set_proxy(transfer->easy, &transfer->client->config) != 0)
        return false;
    transfer->way = WAY_PROXY;
    transfer->error[0] = '\0';
    return true;
}

bool proxy_refused(const struct http_transfer *transfer)
{
    long status = 0;
    return transfer->way == WAY_PROXY && !transfer->asked &&
           curl_easy_getinfo(transfer->easy, CURLINFO_HTTP_CONNECTCODE, &status) == CURLE_OK &&
           status >= 300;
}
