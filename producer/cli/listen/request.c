#include "cli/listen/request.h"

#include <string.h>

#include "contract/parse.h"

#define STATUS_WHOLE 200
#define STATUS_BAD 400
#define STATUS_LENGTH_REQUIRED 411
#define STATUS_TOO_LARGE 413
#define STATUS_HEAD_TOO_LARGE 431

static struct bytes trim(struct bytes text)
{
    while (text.len > 0 && (text.data[0] == ' ' || text.data[0] == '\t'))
        text = (struct bytes){text.data + 1, text.len - 1};
    while (text.len > 0 && strchr(" \t\r", text.data[text.len - 1]))
        text.len--;
    return text;
}

/* Cuts the next line off, without its line end. False: none is whole yet. */
static bool take_line(struct bytes *text, struct bytes *ret_line)
{
    const char *end = text->len > 0 ? memchr(text->data, '\n', text->len) : NULL;

    if (!end)
        return false;
    size_t len = (size_t)(end - text->data);
    *ret_line = (struct bytes){text->data, len > 0 && end[-1] == '\r' ? len - 1 : len};
    *text = (struct bytes){end + 1, text->len - len - 1};
    return true;
}

/* Cuts off what stands before the separator. False: it is not there, or nothing before it. */
static bool take_until(struct bytes *text, char separator, struct bytes *ret_part)
{
    const char *end = text->len > 0 ? memchr(text->data, separator, text->len) : NULL;

    if (!end || end == text->data)
        return false;
    size_t len = (size_t)(end - text->data);
    *ret_part = (struct bytes){text->data, len};
    *text = (struct bytes){end + 1, text->len - len - 1};
    return true;
}

static int read_request_line(struct bytes line, struct request *request)
{
    if (!take_until(&line, ' ', &request->method) || !take_until(&line, ' ', &request->target) ||
        line.len < 7 || memcmp(line.data, "HTTP/1.", 7) != 0)
        return STATUS_BAD;
    return STATUS_WHOLE;
}

static int read_header(struct bytes line, struct request *request)
{
    struct request_header header;

    if (request->headers_len == REQUEST_HEADERS_MAX)
        return STATUS_HEAD_TOO_LARGE;
    if (!take_until(&line, ':', &header.name))
        return STATUS_BAD;
    header.value = trim(line);
    request->headers[request->headers_len++] = header;
    return STATUS_WHOLE;
}

/* Takes request line and headers off the text, with the empty line behind them. */
static int read_head(struct bytes *text, struct request *request)
{
    size_t size = text->len;
    struct bytes line;
    int status = STATUS_WHOLE;

    for (bool first = true; status == STATUS_WHOLE; first = false) {
        if (!take_line(text, &line))
            return size > REQUEST_HEAD_MAX ? STATUS_HEAD_TOO_LARGE : 0;
        if (size - text->len > REQUEST_HEAD_MAX)
            return STATUS_HEAD_TOO_LARGE;
        if (first)
            status = read_request_line(line, request);
        else if (line.len == 0)
            return STATUS_WHOLE;
        else
            status = read_header(line, request);
    }
    return status;
}

static int read_body(struct bytes text, struct request *request)
{
    struct bytes length = request_header_of(request, "Content-Length");
    uint64_t len = 0;

    if (request_header_of(request, "Transfer-Encoding").data)
        return STATUS_LENGTH_REQUIRED;
    if (length.data && parse_uint64(length, INT64_MAX, &len) < 0)
        return STATUS_BAD;
    if (len > REQUEST_BODY_MAX)
        return STATUS_TOO_LARGE;
    if (text.len < len)
        return 0;
    request->body = (struct bytes){text.data, (size_t)len};
    return STATUS_WHOLE;
}

int request_read(struct bytes text, struct request *ret_request)
{
    struct request request = {.headers_len = 0};

    int status = read_head(&text, &request);
    if (status == STATUS_WHOLE)
        status = read_body(text, &request);
    *ret_request = request;
    return status;
}

struct bytes request_header_of(const struct request *request, const char *name)
{
    for (size_t i = 0; i < request->headers_len; i++) {
        if (bytes_equal_nocase(request->headers[i].name, bytes_of(name)))
            return request->headers[i].value;
    }
    return (struct bytes){NULL, 0};
}
