#include "contract/redis_address.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "contract/parse.h"

#define REDIS_ADDRESS_TEXT_MAX 4096
#define DEFAULT_PORT 6379
#define SENTINEL_PORT 26379
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

/* "user", "user:password" or ":password" */
static int read_userinfo(struct bytes text, struct redis_address *address, struct error_text *why)
{
    struct bytes user;

    if (text.len == 0)
        return refuse(why, "in front of '@' must be \"user\", \"user:password\" or \":password\"");
    user = cut_at(&text, ':');
    if (read_credential(user, address->user, why) || read_credential(text, address->password, why))
        return -1;
    return 0;
}

static int read_port(struct bytes text, struct redis_host *ret_host, struct error_text *why)
{
    int64_t port;

    if (parse_int64(text, 1, UINT16_MAX, &port))
        return refuse(why, "the port must be 1..65535");
    ret_host->port = (uint16_t)port;
    return 0;
}

static int read_name(struct bytes host, struct redis_host *ret_host, struct error_text *why)
{
    for (size_t i = 0; i < host.len; i++) {
        char c = host.data[i];

        if (!(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') && !(c >= '0' && c <= '9') &&
            c != '.' && c != '_' && c != '-')
            return refuse(why, "the host may hold only letters, digits, '.', '-' and '_'; other "
                               "characters of a password must be percent-encoded");
    }
    if (host.len == 0 || !bytes_copy_text(host, ret_host->name, sizeof(ret_host->name)))
        return refuse(why, "the host must be 1..255 characters");
    return 0;
}

/* "[address]" or "[address]:port" */
static int read_bracketed(struct bytes text, struct redis_host *ret_host, struct error_text *why)
{
    struct in6_addr parsed;
    struct bytes inside;

    text = (struct bytes){text.data + 1, text.len - 1};
    inside = cut_at(&text, ']');
    if (!text.data || !bytes_copy_text(inside, ret_host->name, sizeof(ret_host->name)) ||
        inet_pton(AF_INET6, ret_host->name, &parsed) != 1)
        return refuse(why, "what is in brackets must be an IPv6 address");
    if (text.len == 0)
        return 0;
    if (!take_prefix(&text, BYTES(":")))
        return refuse(why, "after the brackets only \":port\" is allowed");
    return read_port(text, ret_host, why);
}

static int read_host_port(struct bytes text, struct redis_host *ret_host, struct error_text *why)
{
    struct bytes host;

    if (text.len > 0 && text.data[0] == '[')
        return read_bracketed(text, ret_host, why);
    host = cut_at(&text, ':');
    if (text.data && read_port(text, ret_host, why))
        return -1;
    return read_name(host, ret_host, why);
}

/* Reads what stands in front of the last '@', if any, and takes it off. */
static int take_userinfo(struct bytes *authority, struct redis_address *address,
                         struct error_text *why)
{
    size_t at = authority->len;

    while (at > 0 && authority->data[at - 1] != '@') /* a host has none, so the last one counts */
        at--;
    if (at > 0 && read_userinfo((struct bytes){authority->data, at - 1}, address, why))
        return -1;
    *authority = (struct bytes){authority->data + at, authority->len - at};
    return 0;
}

/* "[[user]:password@]host[:port][/db]" */
static int read_tcp(struct bytes text, struct redis_address *address, struct error_text *why)
{
    struct bytes authority = cut_at(&text, '/');

    address->host.port = DEFAULT_PORT;
    if (text.len > 0 && read_db(text, address, why))
        return -1;
    if (take_userinfo(&authority, address, why))
        return -1;
    return read_host_port(authority, &address->host, why);
}

static int read_master(struct bytes name, struct redis_address *address, struct error_text *why)
{
    for (size_t i = 0; i < name.len; i++) {
        char c = name.data[i];

        if (!(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') && !(c >= '0' && c <= '9') &&
            c != '.' && c != '_' && c != '-')
            return refuse(why, "the master's name may hold only letters, digits, '.', '-' and '_'");
    }
    if (name.len == 0 || !bytes_copy_text(name, address->master, sizeof(address->master)))
        return refuse(why, "after the Sentinels must be \"/master\", 1..64 characters");
    return 0;
}

static int read_sentinel_parameter(struct bytes text, struct redis_address *address,
                                   struct error_text *why)
{
    struct bytes name = cut_at(&text, '=');

    if (bytes_equal_text(name, "sentinel-user"))
        return read_credential(text, address->sentinel_user, why);
    if (bytes_equal_text(name, "sentinel-password"))
        return read_credential(text, address->sentinel_password, why);
    return refuse(why, "after '?' only sentinel-user= and sentinel-password= are allowed");
}

/* "[[user]:password@]host[:port][,host[:port]...]/master[/db][?name=value[&...]]" */
static int read_sentinels(struct bytes parameters, struct redis_address *address,
                          struct error_text *why)
{
    struct bytes text = cut_at(&parameters, '?');
    struct bytes authority = cut_at(&text, '/');
    struct bytes master = cut_at(&text, '/');

    while (parameters.data) {
        if (read_sentinel_parameter(cut_at(&parameters, '&'), address, why))
            return -1;
    }
    if (text.len > 0 && read_db(text, address, why))
        return -1;
    if (read_master(master, address, why) || take_userinfo(&authority, address, why))
        return -1;
    do {
        struct redis_host *sentinel = &address->sentinels[address->sentinels_len];

        if (address->sentinels_len == REDIS_SENTINELS_MAX)
            return refuse(why, "at most 8 Sentinels");
        sentinel->port = SENTINEL_PORT;
        if (read_host_port(cut_at(&authority, ','), sentinel, why))
            return -1;
        address->sentinels_len++;
    } while (authority.data);
    return 0;
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
    return refuse(why, "after '?' only db=, user= and password= are allowed");
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
    } else if (take_prefix(&text, BYTES("redis+sentinel://"))) {
        problem = read_sentinels(text, &address, why);
    } else if (take_prefix(&text, BYTES("rediss+sentinel://"))) {
        address.tls = true;
        problem = read_sentinels(text, &address, why);
    } else {
        problem = refuse(why, "must start with redis://, rediss://, unix://, redis+sentinel:// or "
                              "rediss+sentinel://");
    }
    if (!problem)
        *ret_address = address;
    return problem;
}

static void describe_host(const struct redis_host *host, struct buffer *out)
{
    bool is_ipv6 = strchr(host->name, ':') != NULL;

    buffer_append_format(out, "%s%s%s:%u", is_ipv6 ? "[" : "", host->name, is_ipv6 ? "]" : "",
                         (unsigned)host->port);
}

static void describe(const struct redis_address *address, struct buffer *out)
{
    if (address->path[0]) {
        buffer_append_format(out, "unix://%s?db=%d", address->path, address->db);
        return;
    }
    buffer_append_text(out, address->tls ? "rediss" : "redis");
    buffer_append_text(out, address->sentinels_len > 0 ? "+sentinel://" : "://");
    if (address->sentinels_len == 0)
        describe_host(&address->host, out);
    for (int i = 0; i < address->sentinels_len; i++) {
        buffer_append_text(out, i > 0 ? "," : "");
        describe_host(&address->sentinels[i], out);
    }
    if (address->sentinels_len > 0)
        buffer_append_format(out, "/%s", address->master);
    buffer_append_format(out, "/%d", address->db);
}

const char *redis_address_describe(const struct redis_address *address, char *out, size_t size)
{
    struct buffer text;

    buffer_init(&text, REDIS_ADDRESS_TEXT_MAX);
    describe(address, &text);
    snprintf(out, size, "%s", buffer_failed(&text) || text.len == 0 ? "redis" : text.data);
    buffer_release(&text);
    return out;
}
