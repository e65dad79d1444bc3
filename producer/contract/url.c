#include "contract/url.h"

#include <arpa/inet.h>
#include <string.h>

#include "contract/ipv4_spelling.h"
#include "contract/parse.h"

#define HOST_MAX 253 /* a DNS name in text form */
#define LABEL_MAX 63

/* Is this byte of the text one of the host's? */
static bool is_in_host(struct bytes text, size_t at)
{
    size_t slashes = 0;

    for (size_t i = 0; i < at; i++) {
        slashes += text.data[i] == '/';
        if (slashes > 2 || text.data[i] == '?')
            return false;
    }
    return true;
}

static void refuse_byte(struct bytes text, size_t at, struct error_text *why)
{
    if ((unsigned char)text.data[at] < 0x80)
        error_text_set(why,
                       "url: byte %zu is not allowed; only printable ASCII without space, "
                       "backslash and '#' is",
                       at);
    else if (is_in_host(text, at))
        error_text_set(why, "url: the host is not ASCII: write it in punycode, like "
                            "xn--bcher-kva.example");
    else
        error_text_set(why, "url: byte %zu is not ASCII: percent-encode it, like %%C3%%BC", at);
}

/*
 * Only the characters on which all parsers agree. A backslash is a slash to browsers' parsers but
 * an ordinary character to libcurl ("http://good.example\@127.0.0.1/" goes to 127.0.0.1); spaces
 * and control characters end up in the request line; beyond ASCII the host would go through a
 * mapping that turns look-alike digits into 127.0.0.1; a fragment is never sent, so one is a
 * mistake.
 */
static int check_characters(struct bytes text, struct error_text *why)
{
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.data[i];

        if (c > 0x20 && c < 0x7f && c != '\\' && c != '#')
            continue;
        refuse_byte(text, i, why);
        return -1;
    }
    return 0;
}

static bool take_prefix(struct bytes *text, struct bytes prefix)
{
    if (text->len < prefix.len ||
        !bytes_equal_nocase((struct bytes){text->data, prefix.len}, prefix))
        return false;
    *text = (struct bytes){text->data + prefix.len, text->len - prefix.len};
    return true;
}

/* The scheme must be spelt out with both slashes: libcurl guesses a missing one and repairs
 * "http:/". */
static int take_scheme(struct bytes *text, struct url *url, struct error_text *why)
{
    url->https = take_prefix(text, BYTES("https://"));
    if (url->https || take_prefix(text, BYTES("http://")))
        return 0;
    error_text_set(why, "url: must start with https:// or http://");
    return -1;
}

/* Cuts the authority off: it ends at the first '/' or '?'. */
static struct bytes take_authority(struct bytes text)
{
    size_t len = 0;

    while (len < text.len && text.data[len] != '/' && text.data[len] != '?')
        len++;
    return (struct bytes){text.data, len};
}

/* Port 0 would reach connect(); leading zeros are a way to write one port in many ways. An empty
 * port is read as the default by some and refused by others. */
static int read_port(struct bytes digits, struct url *url, struct error_text *why)
{
    uint64_t port;

    if (digits.len == 0 || digits.data[0] == '0' || parse_uint64(digits, UINT16_MAX, &port)) {
        error_text_set(why, "url: the port must be 1..65535 without leading zeros");
        return -1;
    }
    url->port = (uint16_t)port;
    return 0;
}

static bool is_host_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '_' || c == '-';
}

/* No empty label: resolvers and certificate checks differ about "a..b" and a dot at either end. */
static bool labels_are_sound(struct bytes host)
{
    size_t label_len = 0;

    for (size_t i = 0; i < host.len; i++) {
        if (host.data[i] != '.') {
            label_len++;
            continue;
        }
        if (label_len == 0 || label_len > LABEL_MAX)
            return false;
        label_len = 0;
    }
    return label_len > 0 && label_len <= LABEL_MAX;
}

/* All lower case, and an IPv4 address in the one spelling 127.0.0.1: an address is one origin
 * however it is written. The guard judges it at the socket. */
static int keep_name(struct bytes host, struct url *url, struct error_text *why)
{
    struct in_addr address;
    char shown[80];

    for (size_t i = 0; i < host.len; i++) {
        char c = host.data[i];

        url->host[i] = c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
    }
    url->host[host.len] = '\0';
    switch (ipv4_spelling_of((struct bytes){url->host, host.len}, &address.s_addr)) {
    case IPV4_NONE:
        return 0;
    case IPV4_ADDRESS:
        address.s_addr = htonl(address.s_addr);
        url->is_ipv4 = true;
        return inet_ntop(AF_INET, &address, url->host, sizeof(url->host)) ? 0 : -1;
    case IPV4_BROKEN:
        break;
    }
    error_text_set(why, "url: host \"%s\" ends in a number but is not an IPv4 address",
                   bytes_printable(host, shown, sizeof(shown)));
    return -1;
}

/* Percent signs are refused with everything else that a parser might decode on the way
 * ("%31%32%37.0.0.1"). */
static int read_name(struct bytes host, struct url *url, struct error_text *why)
{
    char shown[80];

    for (size_t i = 0; i < host.len; i++) {
        if (!is_host_char(host.data[i])) {
            error_text_set(why,
                           "url: host \"%s\": only letters, digits, '.', '-' and '_' are allowed",
                           bytes_printable(host, shown, sizeof(shown)));
            return -1;
        }
    }
    if (host.len == 0) {
        error_text_set(why, "url: the host is missing");
        return -1;
    }
    if (host.len > HOST_MAX || host.data[0] == '-' || !labels_are_sound(host)) {
        error_text_set(why,
                       "url: host \"%s\": must be names of 1..%d characters parted by single dots, "
                       "at most %d in all, not starting with '-'",
                       bytes_printable(host, shown, sizeof(shown)), LABEL_MAX, HOST_MAX);
        return -1;
    }
    return keep_name(host, url, why);
}

/* Kept in the one canonical spelling, so that an address is one origin however it is written. A
 * zone ("%eth0") is refused: it picks one of our own links. */
static int read_ipv6(struct bytes inside, struct url *url, struct error_text *why)
{
    char text[INET6_ADDRSTRLEN];
    struct in6_addr address;

    if (!bytes_copy_text(inside, text, sizeof(text)) || inet_pton(AF_INET6, text, &address) != 1 ||
        !inet_ntop(AF_INET6, &address, url->host, sizeof(url->host))) {
        error_text_set(why, "url: what is in brackets is not an IPv6 address without zone");
        return -1;
    }
    url->is_ipv6 = true;
    return 0;
}

static int read_bracketed(struct bytes authority, struct url *url, struct error_text *why)
{
    const char *end = memchr(authority.data, ']', authority.len);
    size_t len = end ? (size_t)(end - authority.data) + 1 : 0;
    struct bytes rest = {authority.data + len, authority.len - len};

    if (len == 0 || (rest.len > 0 && rest.data[0] != ':')) {
        error_text_set(why, "url: an IPv6 host must be \"[address]\" or \"[address]:port\"");
        return -1;
    }
    if (rest.len > 0 && read_port((struct bytes){rest.data + 1, rest.len - 1}, url, why))
        return -1;
    return read_ipv6((struct bytes){authority.data + 1, len - 2}, url, why);
}

static int read_authority(struct bytes authority, struct url *url, struct error_text *why)
{
    const char *colon;
    size_t host_len = authority.len;

    /* Credentials would end up in logs, and '@' hides the real host from a reader's eye. */
    if (authority.len > 0 && memchr(authority.data, '@', authority.len)) {
        error_text_set(why,
                       "url: a user name or password is not allowed; send it as a header, like "
                       "--header \"Authorization: Basic ...\"");
        return -1;
    }
    if (authority.len > 0 && authority.data[0] == '[')
        return read_bracketed(authority, url, why);
    colon = authority.len > 0 ? memchr(authority.data, ':', authority.len) : NULL;
    if (colon) {
        host_len = (size_t)(colon - authority.data);
        if (read_port((struct bytes){colon + 1, authority.len - host_len - 1}, url, why))
            return -1;
    }
    return read_name((struct bytes){authority.data, host_len}, url, why);
}

int url_parse(struct bytes text, struct url *ret_url, struct error_text *why)
{
    struct url url = {0};

    if (text.len == 0 || text.len > URL_MAX) {
        error_text_set(why, "url: has %zu bytes, 1..%d are allowed", text.len, URL_MAX);
        return -1;
    }
    if (check_characters(text, why) || take_scheme(&text, &url, why))
        return -1;
    url.port = url.https ? 443 : 80;
    if (read_authority(take_authority(text), &url, why))
        return -1;
    *ret_url = url;
    return 0;
}

const char *url_origin(const struct url *url, char out[URL_ORIGIN_SIZE])
{
    char *at = write_text(out, url->https ? "https://" : "http://", 8);

    if (url->is_ipv6)
        *at++ = '[';
    at = write_text(at, url->host, sizeof(url->host) - 1);
    if (url->is_ipv6)
        *at++ = ']';
    *at++ = ':';
    *write_uint64(at, url->port, 0) = '\0';
    return out;
}
