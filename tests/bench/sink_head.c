#define _GNU_SOURCE /* memmem */
#include <string.h>
#include <strings.h>

#include "contract/parse.h"
#include "sink_server.h"

/* An event id of the bench begins with the microsecond it was sent at; one that a worker made of a
 * stream id is msg_ and milliseconds. */
static int64_t sent_us_of(struct bytes id)
{
    bool in_ms = id.len > 4 && memcmp(id.data, "msg_", 4) == 0;
    const char *digits = id.data + (in_ms ? 4 : 0);
    size_t room = id.len - (in_ms ? 4 : 0);
    size_t len = 0;
    int64_t value = 0;
    while (len < room && digits[len] >= '0' && digits[len] <= '9')
        len++;
    if (parse_int64((struct bytes){digits, len}, 0, INT64_MAX / 1000, &value) != 0)
        return 0;
    return in_ms ? value * 1000 : value;
}

/* The number that the path of "POST /some/17 HTTP/1.1" ends in; 0 when it ends in none. */
static unsigned endpoint_of(struct bytes line)
{
    const char *path = memchr(line.data, ' ', line.len);
    int64_t number = 0;
    if (path == NULL)
        return 0;
    size_t left = line.len - (size_t)(path + 1 - line.data);
    const char *end = memchr(path + 1, ' ', left);
    if (end == NULL)
        return 0;
    const char *digits = end;
    while (digits > path + 1 && digits[-1] >= '0' && digits[-1] <= '9')
        digits--;
    (void)parse_int64((struct bytes){digits, (size_t)(end - digits)}, 0, SINK_ENDPOINTS - 1,
                      &number);
    return (unsigned)number;
}

/* The value of a header line, when it is of this name. */
static bool read_header(struct bytes line, struct bytes name, struct bytes *ret_value)
{
    if (line.len <= name.len || line.data[name.len] != ':' ||
        strncasecmp(line.data, name.data, name.len) != 0)
        return false;
    const char *value = line.data + name.len + 1;
    const char *end = line.data + line.len;
    while (value < end && *value == ' ')
        value++;
    *ret_value = (struct bytes){value, (size_t)(end - value)};
    return true;
}

static void read_line(struct sink_connection *connection, struct bytes line)
{
    struct bytes value;
    uint64_t len = 0;
    int64_t endpoint = 0;
    if (read_header(line, BYTES("content-length"), &value) &&
        parse_uint64(value, UINT32_MAX, &len) == 0)
        connection->body_left = len;
    else if (read_header(line, BYTES("webhook-id"), &value))
        connection->sent_us = sent_us_of(value);
    else if (read_header(line, BYTES("x-endpoint"), &value) &&
             parse_int64(value, 0, SINK_ENDPOINTS - 1, &endpoint) == 0)
        connection->endpoint = (unsigned)endpoint;
}

int sink_read_head(struct sink_connection *connection)
{
    const char *at = connection->head;
    const char *end = memmem(at, connection->head_len, "\r\n\r\n", 4);
    if (end == NULL)
        return connection->head_len == sizeof(connection->head) ? -1 : 0;
    connection->sent_us = 0;
    connection->body_left = 0;
    for (bool is_first = true; at < end + 2; is_first = false) {
        const char *line_end = memmem(at, (size_t)(end + 2 - at), "\r\n", 2);
        struct bytes line = {at, (size_t)(line_end - at)};
        if (is_first)
            connection->endpoint = endpoint_of(line);
        else
            read_line(connection, line);
        at = line_end + 2;
    }
    return (int)(end + 4 - connection->head);
}
