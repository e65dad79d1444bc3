/*
 * Any bytes as the URL of a hook. What is accepted, libcurl must take apart in the same way: else
 * the request would go elsewhere than to the host that was judged.
 */
#include "fuzz.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "contract/url.h"

static void must(bool truth)
{
    if (!truth)
        abort();
}

static char *part_of(CURLU *handle, CURLUPart part)
{
    char *text = NULL;

    return curl_url_get(handle, part, &text, CURLU_DEFAULT_PORT) == CURLUE_OK ? text : NULL;
}

/* An IPv6 address in either of its spellings, ours without brackets. */
static bool is_same_ipv6(const char *ours, const char *bracketed)
{
    struct bytes inside = {bracketed + 1, strlen(bracketed) - 2};
    char theirs[INET6_ADDRSTRLEN];
    struct in6_addr a;
    struct in6_addr b;

    return bracketed[0] == '[' && bytes_copy_text(inside, theirs, sizeof(theirs)) &&
           inet_pton(AF_INET6, ours, &a) == 1 && inet_pton(AF_INET6, theirs, &b) == 1 &&
           memcmp(&a, &b, sizeof(a)) == 0;
}

static void must_be_same_host(const struct url *url, const char *host)
{
    if (url->is_ipv6)
        must(is_same_ipv6(url->host, host));
    else
        must(bytes_equal_nocase(bytes_of(host), bytes_of(url->host)));
}

static void check_with_curl(const char *text, const struct url *url)
{
    CURLU *handle = curl_url();
    char *scheme;
    char *host;
    char *port;
    char number[8];

    must(handle && curl_url_set(handle, CURLUPART_URL, text, CURLU_DISALLOW_USER) == CURLUE_OK);
    scheme = part_of(handle, CURLUPART_SCHEME);
    host = part_of(handle, CURLUPART_HOST);
    port = part_of(handle, CURLUPART_PORT);
    snprintf(number, sizeof(number), "%u", (unsigned)url->port);
    must(scheme && strcmp(scheme, url->https ? "https" : "http") == 0);
    must(port && strcmp(port, number) == 0);
    must(host != NULL);
    must_be_same_host(url, host);
    must(!part_of(handle, CURLUPART_USER) && !part_of(handle, CURLUPART_PASSWORD) &&
         !part_of(handle, CURLUPART_ZONEID) && !part_of(handle, CURLUPART_FRAGMENT));
    curl_free(scheme);
    curl_free(host);
    curl_free(port);
    curl_url_cleanup(handle);
}

static void check_accepted(const char *text, const struct url *url)
{
    char origin[URL_ORIGIN_SIZE];
    char again[URL_ORIGIN_SIZE];
    struct url parsed;
    struct error_text why;

    url_origin(url, origin);
    must(url_parse(bytes_of(origin), &parsed, &why) == 0);
    must(strcmp(url_origin(&parsed, again), origin) == 0);
    check_with_curl(text, url);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct url url;
    struct error_text why = {""};
    char text[URL_MAX + 1];

    if (url_parse((struct bytes){(const char *)data, size}, &url, &why)) {
        must(why.text[0] != '\0' && bytes_is_utf8(bytes_of(why.text)));
        return 0;
    }
    must(bytes_copy_text((struct bytes){(const char *)data, size}, text, sizeof(text)));
    check_accepted(text, &url);
    return 0;
}
