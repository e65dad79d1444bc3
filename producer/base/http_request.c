/* For memmem. */
#define _GNU_SOURCE 1
#include "base/http_request.h"

#include <string.h>

#include "contract/parse.h"

#define STATUS_WHOLE 200
#define STATUS_BAD 400
#define STATUS_LENGTH_REQUIRED 411
#define STATUS_TOO_LARGE 413
#define STATUS_HEAD_TOO_LARGE 431

static const char head_end[] = "\r\n\r\n";

/* RFC 9110: what methods and names of headers are made of. */
static bool is_token_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (c != '\0' && strchr("!#$%&'*+-.^_`|~", c) != NULL);
}

static bool is_token(struct bytes text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (!is_token_char(text.data[i]))
            return false;
    }
    return text.len > 0;
}

static bool is_visible(struct bytes text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] <= ' ' || text.data[i] > '~')
            return false;
    }
    return text.len > 0;
}

/* Visible characters, blanks, and bytes beyond ASCII. */
static bool is_value(struct bytes text)
{
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.data[i];
        if ((c < ' ' && c != '\t') || c == 0x7f)
            return false;
    }
    return true;
}

static struct bytes trim(struct bytes text)
{
    while (text.len > 0 && (text.data[0] == ' ' || text.data[0] == '\t'))
        text = (struct bytes){text.data + 1, text.len - 1};
    while (text.len > 0 && (text.data[text.len - 1] == ' ' || text.data[text.len - 1] == '\t'))
        text.len--;
    return text;
}

/* Cuts off what stands before the separator, which is there. */
static struct bytes cut_until(struct bytes *text, const char *separator)
{
    const char *end = memmem(text->data, text->len, separator, strlen(separator));
    size_t len = end != NULL ? (size_t)(end - text->data) : text->len;
    size_t used = end != NULL ? len + strlen(separator) : len;
    struct bytes part = {text->data, len};
    *text = (struct bytes){text->data + used, text->len - used};
    return part;
}

static int read_request_line(struct bytes line, struct http_request *request)
{
    request->method = cut_until(&line, " ");
    request->target = cut_until(&line, " ");
    bool is_version = bytes_equal_text(line, "HTTP/1.1") || bytes_equal_text(line, "HTTP/1.0");
    return is_version && is_token(request->method) && is_visible(request->target) ? STATUS_WHOLE
                                                                                  : STATUS_BAD;
}

static int read_header(struct bytes line, struct http_request *request)
{
    struct http_header header;
    if (request->headers_len == HTTP_HEADERS_MAX)
        return STATUS_HEAD_TOO_LARGE;
    if (memchr(line.data, ':', line.len) == NULL)
        return STATUS_BAD;
    header.name = cut_until(&line, ":");
    header.value = trim(line);
    if (!is_token(header.name) || !is_value(header.value))
        return STATUS_BAD;
    request->headers[request->headers_len++] = header;
    return STATUS_WHOLE;
}

static int read_length(const struct http_limits *limits, struct http_request *request)
{
    struct bytes length = http_request_header(request, "Content-Length");
    uint64_t len = 0;
    if (http_request_header(request, "Transfer-Encoding").data != NULL)
        return STATUS_LENGTH_REQUIRED;
    if (http_request_count(request, "Content-Length") > 1 ||
        (length.data != NULL && parse_uint64(length, INT64_MAX, &len) < 0))
        return STATUS_BAD;
    if (len > limits->body_max)
        return STATUS_TOO_LARGE;
    request->body_len = (size_t)len;
    return STATUS_WHOLE;
}

static int read_lines(struct bytes head, const struct http_limits *limits,
                      struct http_request *request)
{
    int status = read_request_line(cut_until(&head, "\r\n"), request);
    while (status == STATUS_WHOLE && head.len > 0)
        status = read_header(cut_until(&head, "\r\n"), request);
    return status == STATUS_WHOLE ? read_length(limits, request) : status;
}

int http_request_read_head(struct bytes text, size_t looked, const struct http_limits *limits,
                           struct http_request *ret_request)
{
    const size_t end_len = sizeof(head_end) - 1;
    /* Its end may have begun in what was seen before. */
    size_t from = looked < end_len || looked > text.len ? 0 : looked - (end_len - 1);
    const char *end =
        text.len > 0 ? memmem(text.data + from, text.len - from, head_end, end_len) : NULL;
    struct http_request request = {.headers_len = 0};
    if (text.len > 0 && !is_token_char(text.data[0]))
        return STATUS_BAD; /* of another protocol, like TLS: its end may never come */
    if (end == NULL)
        return text.len > limits->head_max ? STATUS_HEAD_TOO_LARGE : 0;
    request.head_len = (size_t)(end - text.data) + end_len;
    if (request.head_len > limits->head_max)
        return STATUS_HEAD_TOO_LARGE;
    /* With the end of its last line, without the empty one. */
    int status = read_lines((struct bytes){text.data, request.head_len - 2}, limits, &request);
    *ret_request = request;
    return status;
}

int http_request_read(struct bytes text, const struct http_limits *limits,
                      struct http_request *ret_request)
{
    struct http_request request;
    int status = http_request_read_head(text, 0, limits, &request);
    if (status != STATUS_WHOLE)
        return status;
    if (text.len - request.head_len < request.body_len)
        return 0;
    request.body = (struct bytes){text.data + request.head_len, request.body_len};
    *ret_request = request;
    return STATUS_WHOLE;
}

struct bytes http_request_header(const struct http_request *request, const char *name)
{
    for (size_t i = 0; i < request->headers_len; i++) {
        if (bytes_equal_nocase(request->headers[i].name, bytes_of(name)))
            return request->headers[i].value;
    }
    return (struct bytes){NULL, 0};
}

size_t http_request_count(const struct http_request *request, const char *name)
{
    size_t count = 0;
    for (size_t i = 0; i < request->headers_len; i++)
        count += bytes_equal_nocase(request->headers[i].name, bytes_of(name)) ? 1 : 0;
    return count;
}
