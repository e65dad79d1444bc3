#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "http/client_internal.h"

/* libcurl parses a URL again for each request that has it as text: what it parsed is kept. */

static bool is_same_ipv6(const char *bracketed, const char *ours)
{
    struct bytes inside = bytes_of(bracketed);
    struct in6_addr a;
    struct in6_addr b;
    char text[INET6_ADDRSTRLEN];
    if (inside.len < 2)
        return false;
    inside = (struct bytes){inside.data + 1, inside.len - 2};
    return bytes_copy_text(inside, text, sizeof(text)) && inet_pton(AF_INET6, text, &a) == 1 &&
           inet_pton(AF_INET6, ours, &b) == 1 && memcmp(&a, &b, sizeof(a)) == 0;
}

/* libcurl must read the URL as we did: same scheme, host and port, or it is not used. What is there
 * and cannot be got is a shortage of memory: -1. */
static int url_agrees(CURLU *parsed, const struct url *url, bool *ret_agrees)
{
    char *scheme = NULL;
    char *host = NULL;
    char *port = NULL;
    char expected[8];
    snprintf(expected, sizeof(expected), "%u", (unsigned)url->port);
    bool got = curl_url_get(parsed, CURLUPART_SCHEME, &scheme, 0) == CURLUE_OK &&
               curl_url_get(parsed, CURLUPART_HOST, &host, 0) == CURLUE_OK &&
               curl_url_get(parsed, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT) == CURLUE_OK;
    if (got)
        *ret_agrees =
            strcmp(scheme, url->https ? "https" : "http") == 0 && strcmp(port, expected) == 0 &&
            (url->is_ipv6 ? is_same_ipv6(host, url->host) : strcasecmp(host, url->host) == 0);
    curl_free(scheme);
    curl_free(host);
    curl_free(port);
    return got ? 0 : -1;
}

static void free_parsed(struct parsed_url *parsed)
{
    curl_url_cleanup(parsed->curl);
    free(parsed);
}

/* -1 when memory is short, which is no fault of the URL. */
static int parse(const struct http_target *target, struct parsed_url *parsed)
{
    CURLUcode code;
    parsed->curl = curl_url();
    if (parsed->curl == NULL)
        return -1;
    code = curl_url_set(parsed->curl, CURLUPART_URL, target->url_text, CURLU_DISALLOW_USER);
    if (code == CURLUE_OUT_OF_MEMORY)
        return -1;
    return code == CURLUE_OK ? url_agrees(parsed->curl, target->url, &parsed->agrees) : 0;
}

static struct parsed_url *new_parsed(const struct http_target *target)
{
    size_t size = strlen(target->url_text) + 1;
    struct parsed_url *parsed = calloc(1, sizeof(*parsed) + size);
    if (parsed == NULL)
        return NULL;
    memcpy(parsed->text, target->url_text, size);
    if (parse(target, parsed) != 0) {
        free_parsed(parsed);
        return NULL;
    }
    return parsed;
}

/* Of those in nobody's hands the one that was used longest ago makes way. False: there is none. */
static bool make_room(struct http_client *client)
{
    struct parsed_url *oldest = TAILQ_FIRST(&client->unused_urls);
    if (HASH_COUNT(client->urls) < PARSED_URLS_MAX)
        return true;
    if (oldest == NULL)
        return false;
    TAILQ_REMOVE(&client->unused_urls, oldest, unused);
    HASH_DEL(client->urls, oldest);
    free_parsed(oldest);
    return true;
}

struct parsed_url *client_url_get(struct http_client *client, const struct http_target *target)
{
    struct parsed_url *parsed = NULL;
    HASH_FIND_STR(client->urls, target->url_text, parsed);
    if (parsed != NULL) {
        if (parsed->users++ == 0)
            TAILQ_REMOVE(&client->unused_urls, parsed, unused);
        return parsed;
    }
    parsed = new_parsed(target);
    if (parsed == NULL)
        return NULL;
    parsed->client = client;
    parsed->users = 1;
    if (make_room(client)) {
        HASH_ADD_STR(client->urls, text, parsed);
        parsed->is_kept = parsed->hh.tbl != NULL;
    }
    return parsed;
}

void client_url_leave(struct parsed_url *parsed)
{
    if (parsed == NULL || --parsed->users > 0)
        return;
    if (parsed->is_kept)
        TAILQ_INSERT_TAIL(&parsed->client->unused_urls, parsed, unused);
    else
        free_parsed(parsed);
}

void client_url_init(struct http_client *client)
{
    client->urls = NULL;
    TAILQ_INIT(&client->unused_urls);
}

void client_url_free_all(struct http_client *client)
{
    struct parsed_url *parsed;
    struct parsed_url *next;
    HASH_ITER(hh, client->urls, parsed, next) {
        HASH_DEL(client->urls, parsed);
        free_parsed(parsed);
    }
    TAILQ_INIT(&client->unused_urls);
}
