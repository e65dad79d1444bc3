/*
 * The URL of a hook, in the strict form Roomhook accepts: a subset of RFC 3986 on which libcurl and
 * WHATWG parsers agree (see the reasons at each rule in url.c).
 *
 *   http:// or https://, in letters of either case; then an ASCII host of [A-Za-z0-9._-] (xn--
 *   allowed), an IPv4 address in any spelling, or a bracketed IPv6 address without zone; an
 *   optional port 1..65535; then path and query of printable ASCII without backslash. No user name
 *   or password, no fragment, no spaces, at most URL_MAX bytes. Percent signs are not allowed in
 *   the host. A host whose last label is a number must be an IPv4 address.
 */
#ifndef CONTRACT_URL_H
#define CONTRACT_URL_H

#include <stdbool.h>
#include <stdint.h>

#include "contract/bytes.h"

#define URL_MAX 2048
#define URL_ORIGIN_SIZE 280 /* "https://" + host + ":65535" + NUL */

struct url {
    bool https;
    uint16_t port;  /* given or the scheme's */
    char host[256]; /* lower case; addresses in their one usual form, IPv6 without brackets */
    bool is_ipv4;   /* host is an address, however it was spelt */
    bool is_ipv6;   /* the same; it was bracketed */
};

/* 0, or -1 with *why set. */
int url_parse(struct bytes text, struct url *ret_url, struct error_text *why);

/* scheme://host:port, always with the port; the only part of a URL that may be logged. */
const char *url_origin(const struct url *url, char out[URL_ORIGIN_SIZE]);

#endif
