#include "web/fence.h"

#include <arpa/inet.h>
#include <string.h>

#define HOST_MAX 256

const struct http_limits fence_limits = {FENCE_HEAD_MAX, FENCE_BODY_MAX};

/* What decides something; twice, two readers could take different ones. */
static const char *const singletons[] = {"Host",           "Authorization", "Origin",
                                         "Sec-Fetch-Site", "Content-Type",  "Expect"};

bool fence_is_safe(struct bytes method)
{
    return bytes_equal_text(method, "GET") || bytes_equal_text(method, "HEAD");
}

/* Behind the host: nothing, or ':' and up to five digits. */
static bool is_port(struct bytes text)
{
    if (text.len > 0 && (text.data[0] != ':' || text.len > 6))
        return false;
    for (size_t i = 1; i < text.len; i++) {
        if (text.data[i] < '0' || text.data[i] > '9')
            return false;
    }
    return true;
}

/* "host:port", "host", "[::1]:port" to the host alone. False: it is none of them. */
static bool cut_port(struct bytes host, char out[HOST_MAX])
{
    if (host.len == 0)
        return false;
    bool is_bracketed = host.data[0] == '[';
    const char *end = memchr(host.data, is_bracketed ? ']' : ':', host.len);
    size_t len = end != NULL ? (size_t)(end - host.data) : host.len;
    struct bytes port = {host.data + len, host.len - len};

    if (is_bracketed && end == NULL)
        return false;
    if (is_bracketed) {
        host = (struct bytes){host.data + 1, len - 1};
        port = (struct bytes){port.data + 1, port.len - 1};
    } else {
        host.len = len;
    }
    return is_port(port) && host.len > 0 && bytes_copy_text(host, out, HOST_MAX);
}

static bool is_host_ours(const struct fence *fence, struct bytes header)
{
    unsigned char address[sizeof(struct in6_addr)];
    char host[HOST_MAX];

    if (!cut_port(header, host))
        return false;
    if (inet_pton(AF_INET, host, address) == 1 || inet_pton(AF_INET6, host, address) == 1 ||
        bytes_equal_nocase(bytes_of(host), BYTES("localhost")))
        return true;
    for (size_t i = 0; i < fence->hosts_len; i++) {
        if (bytes_equal_nocase(bytes_of(host), bytes_of(fence->hosts[i])))
            return true;
    }
    return false;
}

/* Is the origin, "https://host:port", that of the host? */
static bool is_same_origin(struct bytes origin, struct bytes host)
{
    static const char *const schemes[] = {"https://", "http://"};

    for (size_t i = 0; i < 2; i++) {
        size_t len = strlen(schemes[i]);
        if (origin.len > len && memcmp(origin.data, schemes[i], len) == 0)
            return bytes_equal_nocase((struct bytes){origin.data + len, origin.len - len}, host);
    }
    return false;
}

static bool is_from_elsewhere(const struct http_request *request)
{
    struct bytes site = http_request_header(request, "Sec-Fetch-Site");
    struct bytes origin = http_request_header(request, "Origin");

    if (site.data != NULL)
        return !bytes_equal_text(site, "same-origin");
    return origin.data != NULL && !is_same_origin(origin, http_request_header(request, "Host"));
}

static const char *doubled_header(const struct http_request *request)
{
    for (size_t i = 0; i < sizeof(singletons) / sizeof(singletons[0]); i++) {
        if (http_request_count(request, singletons[i]) > 1)
            return singletons[i];
    }
    return NULL;
}

bool fence_admit(const struct fence *fence, const struct http_request *request,
                 struct answer *answer)
{
    const char *doubled = doubled_header(request);

    if (doubled != NULL)
        answer_refuse(answer, 400, "bad_request", "header %s is there twice", doubled);
    else if (request->target.data[0] != '/')
        answer_refuse(answer, 400, "bad_request", "the target must begin with /");
    else if (!is_host_ours(fence, http_request_header(request, "Host")))
        answer_refuse(answer, 421, "host",
                      "header Host must be an IP address, localhost, or a name given by --host");
    else if (!fence_is_safe(request->method) && is_from_elsewhere(request))
        answer_refuse(answer, 403, "cross_site",
                      "a page of another origin may not change anything here");
    else
        return true;
    return false;
}

void fence_refuse_unread(int status, struct answer *answer)
{
    switch (status) {
    case 408:
        answer_refuse(answer, status, "timeout", "the request did not come whole in time");
        break;
    case 411:
        answer_refuse(answer, status, "length",
                      "a body needs Content-Length; no "
                      "Transfer-Encoding is read");
        break;
    case 413:
        answer_refuse(answer, status, "too_large", "a body may have at most %zu bytes",
                      FENCE_BODY_MAX);
        break;
    case 431:
        answer_refuse(answer, status, "too_large",
                      "request line and headers may have at most %zu bytes and %d headers",
                      FENCE_HEAD_MAX, HTTP_HEADERS_MAX);
        break;
    default:
        answer_refuse(answer, 400, "bad_request", "this is no HTTP/1.1 request");
        break;
    }
}

void fence_put_head(struct buffer *out, const struct answer *answer)
{
    buffer_append_format(out, "HTTP/1.1 %d %s\r\n", answer->status, answer_reason(answer->status));
    if (answer->status != 204 && answer->status != 304)
        buffer_append_format(out, "Content-Type: %s\r\nContent-Length: %zu\r\n", answer->type,
                             answer->body.len);
    if (answer->allow[0] != '\0')
        buffer_append_format(out, "Allow: %s\r\n", answer->allow);
    if (answer->status == 401)
        buffer_append_text(out, "WWW-Authenticate: Bearer realm=\"roomhook\"\r\n");
    if (answer->location != NULL)
        buffer_append_format(out, "Location: %s\r\n", answer->location);
    if (answer->encoding != NULL)
        buffer_append_format(out, "Content-Encoding: %s\r\n", answer->encoding);
    if (answer->tag != NULL)
        buffer_append_format(out, "ETag: W/%s\r\nVary: Accept-Encoding\r\n", answer->tag);
    buffer_append_format(out, "Cache-Control: %s\r\n",
                         answer->tag != NULL ? "no-cache" : "no-store");
    buffer_append_text(
        out, "Connection: close\r\n"
             "Content-Security-Policy: default-src 'none'; script-src 'self'; style-src 'self'; "
             "connect-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; "
             "frame-ancestors 'none'\r\n"
             "X-Content-Type-Options: nosniff\r\n"
             "X-Frame-Options: DENY\r\n"
             "Referrer-Policy: no-referrer\r\n"
             "Cross-Origin-Opener-Policy: same-origin\r\n"
             "Cross-Origin-Resource-Policy: same-origin\r\n"
             "\r\n");
}
