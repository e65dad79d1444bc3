#include "contract/proxy.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#define SCHEME_END "://"

static bool is_user_char(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '.' ||
           c == '_' || c == '-' || c == '~' || c == '+';
}

/* Moves *text behind "user@", if that is there. */
static int take_user(struct bytes *text, char user[PROXY_USER_MAX + 1], struct error_text *why)
{
    const char *at = text->len == 0 ? NULL : memchr(text->data, '@', text->len);
    struct bytes given = {text->data, at ? (size_t)(at - text->data) : 0};

    if (!at)
        return 0;
    for (size_t i = 0; i < given.len; i++) {
        if (given.data[i] == ':') {
            error_text_set(why, "may not hold a password: that stands in proxy-password-file");
            return -1;
        }
        if (!is_user_char(given.data[i]))
            return -1;
    }
    if (given.len == 0 || given.len > PROXY_USER_MAX ||
        !bytes_copy_text(given, user, PROXY_USER_MAX + 1))
        return -1;
    *text = (struct bytes){at + 1, text->len - given.len - 1};
    return 0;
}

int proxy_address_parse(struct bytes text, struct proxy_address *ret_proxy, struct error_text *why)
{
    struct proxy_address proxy = {.origin = ""};
    struct bytes scheme = BYTES("https" SCHEME_END);
    char plain[URL_ORIGIN_SIZE];
    struct error_text unused;
    struct url url;

    if (text.len == 0) {
        *ret_proxy = proxy;
        return 0;
    }
    if (text.len < scheme.len || memcmp(text.data, scheme.data, scheme.len) != 0)
        scheme = BYTES("http" SCHEME_END);
    if (text.len < scheme.len || memcmp(text.data, scheme.data, scheme.len) != 0)
        return -1;
    struct bytes rest = {text.data + scheme.len, text.len - scheme.len};
    if (take_user(&rest, proxy.user, why) < 0)
        return -1;
    if (rest.len > 0 && rest.data[rest.len - 1] == '/')
        rest.len--;
    int len = snprintf(plain, sizeof(plain), "%.*s%.*s", (int)scheme.len, scheme.data,
                       (int)rest.len, rest.data);
    if (rest.len >= sizeof(plain) || len < 0 || (size_t)len >= sizeof(plain) ||
        memchr(rest.data, '/', rest.len) || memchr(rest.data, '?', rest.len) ||
        url_parse(bytes_of(plain), &url, &unused) != 0)
        return -1;
    (void)url_origin(&url, proxy.origin);
    proxy.https = url.https;
    *ret_proxy = proxy;
    return 0;
}

const char *proxy_address_format(const struct proxy_address *proxy, char out[PROXY_TEXT_SIZE])
{
    const char *host = strstr(proxy->origin, SCHEME_END);

    if (!host || proxy->user[0] == '\0')
        (void)snprintf(out, PROXY_TEXT_SIZE, "%s", proxy->origin);
    else
        (void)snprintf(out, PROXY_TEXT_SIZE, "%s" SCHEME_END "%s@%s",
                       proxy->https ? "https" : "http", proxy->user, host + strlen(SCHEME_END));
    return out;
}

/* --- exceptions --- */

/* Letters in lower case; without a dot at its beginning, which changes nothing. */
static bool copy_name(struct bytes text, char out[256])
{
    if (text.len > 0 && text.data[0] == '.')
        text = (struct bytes){text.data + 1, text.len - 1};
    if (text.len == 0 || !bytes_copy_text(text, out, 256))
        return false;
    for (char *c = out; *c != '\0'; c++) {
        if (*c >= 'A' && *c <= 'Z')
            *c = (char)(*c - 'A' + 'a');
        else if (!(*c >= 'a' && *c <= 'z') && !(*c >= '0' && *c <= '9') && !strchr("._-", *c))
            return false;
    }
    return true;
}

int proxy_exception_parse(struct bytes text, struct proxy_exception *ret_exception)
{
    struct proxy_exception exception = {.name = ""};
    struct error_text unused;

    if (address_rule_parse(text, &exception.addresses, &unused) == 0) {
        if (exception.addresses.has_ports)
            return -1;
    } else if (!copy_name(text, exception.name)) {
        return -1;
    }
    *ret_exception = exception;
    return 0;
}

static bool is_within(const struct address_rule *rule, const uint8_t *address)
{
    const uint8_t *prefix = rule->is_ipv4 ? rule->prefix + 12 : rule->prefix;
    int bytes = rule->prefix_len / 8;
    int bits = rule->prefix_len % 8;
    int mask = 0xff << (8 - bits) & 0xff;

    return memcmp(prefix, address, (size_t)bytes) == 0 &&
           (bits == 0 || (prefix[bytes] & mask) == (address[bytes] & mask));
}

bool proxy_exception_covers(const struct proxy_exception *exception, const struct url *url)
{
    uint8_t address[16];
    size_t name_len = strlen(exception->name);
    size_t host_len = strlen(url->host);

    if (url->is_ipv4 || url->is_ipv6)
        return name_len == 0 && exception->addresses.is_ipv4 == url->is_ipv4 &&
               inet_pton(url->is_ipv4 ? AF_INET : AF_INET6, url->host, address) == 1 &&
               is_within(&exception->addresses, address);
    return name_len > 0 && host_len >= name_len &&
           strcmp(url->host + host_len - name_len, exception->name) == 0 &&
           (host_len == name_len || url->host[host_len - name_len - 1] == '.');
}
