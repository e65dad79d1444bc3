#include "redis_address.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "parse.h"

#define DEFAULT_PORT 6379
#define DB_MAX 65535

/* No message quotes the text: where parts are cut wrongly, any of them may hold the password. */
static int refuse(struct error_text *why, const char *what)
{
    error_text_set(why, "redis address: %s", what);
    return -1;
}

static bool take_prefix(struct bytes *text, struct bytes prefix)
{
    if (text->len < prefix.len || memcmp(text->data, prefix.data, prefix.len) != 0)
        return false;
    *text = (struct bytes){text->data + prefix.len, text->len - prefix.len};
    return true;
}

/* Cuts text at the first byte that is c: returns what is before it, leaves in *text what is
 * behind. The whole text, and nothing left, when there is none. */
static struct bytes cut_at(struct bytes *text, char c)
{
    const char *at = text->len > 0 ? memchr(text->data, c, text->len) : NULL;
    struct bytes before = {text->data, at ? (size_t)(at - text->data) : text->len};

    *text = at ? (struct bytes){at + 1, text->len - before.len - 1} : (struct bytes){NULL, 0};
    return before;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* The byte that "XX" at the start of text stands for; 0, which is not allowed, when it is none. */
static char escaped_byte(struct bytes text)
{
    int high = text.len >= 2 ? hex_digit(text.data[0]) : -1;
    int low = text.len >= 2 ? hex_digit(text.data[1]) : -1;

    if (high < 0 || low < 0)
        return '\0';
    return (char)(high * 16 + low);
}

/* Decodes %XX to a text of at most size - 1 bytes without NUL. */
static int percent_decode(struct bytes text, char *out, size_t size)
{
    size_t len = 0;

    for (size_t i = 0; i < text.len; i++) {
        char c = text.data[i];

        if (c == '%') {
            c = escaped_byte((struct bytes){text.data + i + 1, text.len - i - 1});
            i += 2;
        }
        if (c == '\0' || len + 1 >= size)
            return -1;
        out[len++] = c;
    }
    out[len] = '\0';
    return 0;
}

static int read_credential(struct bytes text, char out[REDIS_CREDENTIAL_MAX],
                           struct error_text *why)
{
    if (!percent_decode(text, out, REDIS_CREDENTIAL_MAX))
        return 0;
    error_text_set(why,
                   "redis address: user and password are at most %d bytes, with every '%%' "
                   "followed by two hex digits",
                   REDIS_CREDENTIAL_MAX - 1);
    return -1;
}

static int read_db(struct bytes text, struct redis_address *address, struct error_text *why)
{
    int64_t db;

    if (parse_int64(text, 0, DB_MAX, &db))
        return refuse(why, "the database must be 0..65535");
    address->db = (int)db;
    return 0;
}

/* "[user]:password" */
static int read_userinfo(struct bytes text, struct redis_address *address, struct error_text *why)
{
    struct bytes user;

    if (!memchr(text.data, ':', text.len))
        return refuse(why, "in front of '@' must be \"user:password\" or \":password\"");
    user = cut_at(&text, ':');
    if (read_credential(user, address->user, why) || read_credential(text, address->password, why))
        return -1;
    return 0;
}

static int read_port(struct bytes text, struct redis_address *address, struct error_text *why)
{
    int64_t port;

    if (parse_int64(text, 1, UINT16_MAX, &port))
        return refuse(why, "the port must be 1..65535");
    address->port = (uint16_t)port;
    return 0;
}

static int read_name(struct bytes host, struct redis_address *address, struct error_text *why)
{
    for (size_t i = 0; i < host.len; i++) {
        char c = host.data[i];

        if (!(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') && !(c >= '0' && c <= '9') &&
            c != '.' && c != '_' && c != '-')
            return refuse(why, "the host may hold only letters, digits, '.', '-' and '_'; other "
                               "characters of a password must be percent-encoded");
    }
    if (host.len == 0 || !bytes_copy_text(host, address->host, sizeof(address->host)))
        return refuse(why, "the host must be 1..255 characters");
    return 0;
}

/* "[address]" or "[address]:port" */
static int read_bracketed(struct bytes text, struct redis_address *address, struct error_text *why)
{
    struct in6_addr parsed;
    struct bytes inside;

    text = (struct bytes){text.data + 1, text.len - 1};
    inside = cut_at(&text, ']');
    if (!text.data || !bytes_copy_text(inside, address->host, sizeof(address->host)) ||
        inet_pton(AF_INET6, address->host, &parsed) != 1)
        return refuse(why, "what is in brackets must be an IPv6 address");
    if (text.len == 0)
        return 0;
    if (!take_prefix(&text, BYTES(":")))
        return refuse(why, "behind the brackets only \":port\" is allowed");
    return read_port(text, address, why);
}

static int read_host_port(struct bytes text, struct redis_address *address, struct error_text *why)
{
    struct bytes host;

    if (text.len > 0 && text.data[0] == '[')
        return read_bracketed(text, address, why);
    host = cut_at(&text, ':');
    if (text.data && read_port(text, address, why))
        return -1;
    return read_name(host, address, why);
}

/* "[[user]:password@]host[:port][/db]" */
static int read_tcp(struct bytes text, struct redis_address *address, struct error_text *why)
{
    struct bytes authority = cut_at(&text, '/');
    size_t at = authority.len;

    address->port = DEFAULT_PORT;
    if (text.len > 0 && read_db(text, address, why))
        return -1;
    while (at > 0 && authority.data[at - 1] != '@') /* a host has none, so the last one counts */
        at--;
    if (at > 0 && read_userinfo((struct bytes){authority.data, at - 1}, address, why))
        return -1;
    return read_host_port((struct bytes){authority.data + at, authority.len - at}, address, why);
}

static int read_parameter(struct bytes text, struct redis_address *address, struct error_text *why)
{
    struct bytes name = cut_at(&text, '=');

    if (bytes_equal_text(name, "db"))
        return read_db(text, address, why);
    if (bytes_equal_text(name, "user"))
        return read_credential(text, address->user, why);
    if (bytes_equal_text(name, "password"))
        return read_credential(text, address->password, why);
    return refuse(why, "behind '?' only db=, user= and password= are allowed");
}

/* "/path[?name=value[&…]]" */
static int read_unix(struct bytes text, struct redis_address *address, struct error_text *why)
{
    struct bytes path = cut_at(&text, '?');

    if (path.len < 2 || path.data[0] != '/' ||
        !bytes_copy_text(path, address->path, sizeof(address->path)))
        return refuse(why, "a socket is unix:///path, the path at most 107 bytes");
    while (text.data) {
        if (read_parameter(cut_at(&text, '&'), address, why))
            return -1;
    }
    return 0;
}

int redis_address_parse(struct bytes text, struct redis_address *ret_address,
                        struct error_text *why)
{
    struct redis_address address = {0};
    int problem;

    if (take_prefix(&text, BYTES("unix://"))) {
        problem = read_unix(text, &address, why);
    } else if (take_prefix(&text, BYTES("redis://"))) {
        problem = read_tcp(text, &address, why);
    } else if (take_prefix(&text, BYTES("rediss://"))) {
        address.tls = true;
        problem = read_tcp(text, &address, why);
    } else {
        problem = refuse(why, "must start with redis://, rediss:// or unix://");
    }
    if (!problem && address.user[0] && !address.password[0])
        problem = refuse(why, "a user needs a password");
    if (!problem)
        *ret_address = address;
    return problem;
}

const char *redis_address_describe(const struct redis_address *address, char *out, size_t size)
{
    bool is_ipv6 = strchr(address->host, ':') != NULL;

    if (address->path[0])
        snprintf(out, size, "unix://%s?db=%d", address->path, address->db);
    else
        snprintf(out, size, "%s://%s%s%s:%u/%d", address->tls ? "rediss" : "redis",
                 is_ipv6 ? "[" : "", address->host, is_ipv6 ? "]" : "", (unsigned)address->port,
                 address->db);
    return out;
}
