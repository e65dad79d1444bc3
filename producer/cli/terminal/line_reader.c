#include "cli/terminal/line_reader.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define READ_SIZE 65536

int line_reader_init(struct line_reader *reader, int fd, size_t max)
{
    /* A line of max bytes with its \r\n, and a read's worth behind it. */
    *reader = (struct line_reader){.fd = fd, .max = max, .cap = max + 2 + READ_SIZE};
    reader->data = malloc(reader->cap);
    return reader->data ? 0 : -1;
}

void line_reader_release(struct line_reader *reader)
{
    free(reader->data);
    *reader = (struct line_reader){.fd = -1};
}

/* Takes len bytes and their newline, if one follows, as the next line. */
static enum line_kind take(struct line_reader *reader, size_t len, struct bytes *ret_line)
{
    const char *line = reader->data + reader->begin;
    bool too_long = reader->dropping;

    reader->begin += len < reader->end - reader->begin ? len + 1 : len;
    reader->dropping = false;
    reader->number++;
    if (len > 0 && line[len - 1] == '\r')
        len--;
    if (too_long || len > reader->max)
        return LINE_TOO_LONG;
    *ret_line = (struct bytes){line, len};
    return LINE_TEXT;
}

enum line_kind line_reader_next(struct line_reader *reader, struct bytes *ret_line)
{
    size_t len = reader->end - reader->begin;
    const char *newline = memchr(reader->data + reader->begin, '\n', len);

    if (newline)
        return take(reader, (size_t)(newline - (reader->data + reader->begin)), ret_line);
    if (reader->ended)
        return len > 0 || reader->dropping ? take(reader, len, ret_line) : LINE_END;
    if (len > reader->max + 1 || reader->dropping) {
        reader->dropping = true;
        reader->begin = reader->end = 0;
    }
    return LINE_MORE;
}

int line_reader_fill(struct line_reader *reader)
{
    size_t kept = reader->end - reader->begin;

    memmove(reader->data, reader->data + reader->begin, kept);
    reader->begin = 0;
    reader->end = kept;

    ssize_t n;
    do {
        n = read(reader->fd, reader->data + kept, reader->cap - kept);
    } while (n < 0 && errno == EINTR);
    if (n < 0)
        return -1;
    reader->ended = n == 0;
    reader->end += (size_t)n;
    return 0;
}
