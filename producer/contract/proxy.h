/*
 * The proxy that webhooks go through, and the receivers that do without it. Pure.
 */
#ifndef CONTRACT_PROXY_H
#define CONTRACT_PROXY_H

#include "contract/address_guard.h"
#include "contract/url.h"

#define PROXY_USER_MAX 127
#define PROXY_EXCEPTIONS_MAX 64
#define PROXY_TEXT_SIZE (URL_ORIGIN_SIZE + PROXY_USER_MAX + 1)

struct proxy_address {
    char origin[URL_ORIGIN_SIZE]; /* "http://proxy.example:3128"; "": there is none */
    char user[PROXY_USER_MAX + 1];
    bool https; /* it is spoken to by TLS */
};

/* "[http|https]://[user@]host[:port]", or nothing. 0, or -1 with *why set, or without where the
 * form says all. A password has no place in it. */
int proxy_address_parse(struct bytes text, struct proxy_address *ret_proxy, struct error_text *why);
const char *proxy_address_format(const struct proxy_address *proxy, char out[PROXY_TEXT_SIZE]);

/* A name, which stands for all below it too, or addresses: "intern.example", "10.0.0.0/8". */
struct proxy_exception {
    char name[256]; /* lower case; "": addresses */
    struct address_rule addresses;
};

int proxy_exception_parse(struct bytes text, struct proxy_exception *ret_exception);

/* Names are not looked up for it: addresses cover hosts that are addresses. */
bool proxy_exception_covers(const struct proxy_exception *exception, const struct url *url);

#endif
