#include <string.h>

#include "http/client_internal.h"

/*
 * libcurl keeps every header of every answer, informational ones too, and takes bodies and headers
 * without end: a receiver decides how much. So everything is counted here, and past a limit the
 * transfer is cut.
 */

#define HEADER_BYTES_MAX 16384 /* of one answer */
#define HEADER_LINES_MAX 100
#define ALL_HEADER_BYTES_MAX 65536 /* of all */
#define ALL_HEADER_LINES_MAX 1000
#define ANSWERS_MAX 200  /* informational ones and the final one */
#define PIECES_MAX 16384 /* calls of the body callback: a server that drips bytes costs CPU */

size_t on_body(char *data, size_t size, size_t count, void *context)
{
    struct http_transfer *transfer = context;
    size_t len = size * count;
    size_t room = sizeof(transfer->response) - transfer->response_len;
    size_t kept = len < room ? len : room;
    memcpy(transfer->response + transfer->response_len, data, kept);
    transfer->response_len += kept;
    transfer->body_bytes += len;
    if (transfer->body_bytes > transfer->client->config.max_response_bytes ||
        ++transfer->body_pieces > PIECES_MAX)
        return CURL_WRITEFUNC_ERROR;
    return len;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/*
 * libcurl 7.88 decompresses a body by its Transfer-Encoding, although nobody asked for one: a few
 * bytes can make it allocate 128 MiB. Nobody may send what was not asked for.
 */
static bool asks_to_decompress(struct bytes line)
{
    struct bytes name = BYTES("Transfer-Encoding:");
    struct bytes value;
    if (line.len < name.len || !bytes_equal_nocase((struct bytes){line.data, name.len}, name))
        return false;
    value = (struct bytes){line.data + name.len, line.len - name.len};
    while (value.len > 0 && is_blank(value.data[0]))
        value = (struct bytes){value.data + 1, value.len - 1};
    while (value.len > 0 && is_blank(value.data[value.len - 1]))
        value.len--;
    return !bytes_equal_nocase(value, BYTES("chunked")) &&
           !bytes_equal_nocase(value, BYTES("identity"));
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* "HTTP/1.x 200" and no digit more. libcurl before 8 also takes "HTTP/2 200", later ones read
 * "HTTP/1.1 2000" as 200. */
static bool is_proper_status_line(struct bytes line)
{
    const char *at = line.data + 8;
    const char *end = line.data + line.len;
    if (line.len < 8 || memcmp(line.data + 5, "1.", 2) != 0 || !is_digit(line.data[7]))
        return false;
    while (at < end && *at == ' ')
        at++;
    return end - at > 3 && is_digit(at[0]) && is_digit(at[1]) && is_digit(at[2]) && is_blank(at[3]);
}

static bool is_informational(struct bytes line)
{
    const char *space = memchr(line.data, ' ', line.len);
    return space != NULL && space + 1 < line.data + line.len && space[1] == '1';
}

size_t on_header(char *data, size_t size, size_t count, void *context)
{
    struct http_transfer *transfer = context;
    struct bytes line = {data, size * count};
    if (line.len >= 5 && bytes_equal_nocase((struct bytes){line.data, 5}, BYTES("HTTP/"))) {
        if (!is_proper_status_line(line)) {
            transfer->not_http = true;
            return 0;
        }
        transfer->header_bytes = 0;
        transfer->header_lines = 0;
        transfer->answers++;
        transfer->is_final = !is_informational(line);
    } else if (line.len <= 2 && transfer->is_final && transfer->status_came != NULL) {
        transfer->status_came(transfer->context); /* the blank line behind the headers */
        transfer->is_final = false;               /* trailers end like this too */
    }
    transfer->header_bytes += line.len;
    transfer->header_lines++;
    transfer->all_header_bytes += line.len;
    transfer->all_header_lines++;
    if (transfer->header_bytes > HEADER_BYTES_MAX || transfer->header_lines > HEADER_LINES_MAX ||
        transfer->all_header_bytes > ALL_HEADER_BYTES_MAX ||
        transfer->all_header_lines > ALL_HEADER_LINES_MAX || transfer->answers > ANSWERS_MAX ||
        asks_to_decompress(line))
        return 0;
    return line.len;
}
