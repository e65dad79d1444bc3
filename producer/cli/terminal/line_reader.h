/*
 * Lines of any input with a limit on their length, so that a line that never ends costs no memory.
 * Never reads ahead of need: the caller decides when to wait for more input.
 */
#ifndef CLI_TERMINAL_LINE_READER_H
#define CLI_TERMINAL_LINE_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "contract/bytes.h"

enum line_kind {
    LINE_TEXT,     /* a line without its \n or \r\n */
    LINE_TOO_LONG, /* it was over the limit and is dropped */
    LINE_MORE,     /* nothing is ready: line_reader_fill, then ask again */
    LINE_END       /* the input has ended */
};

struct line_reader {
    int fd;
    size_t max; /* bytes of a line */
    char *data;
    size_t cap;
    size_t begin; /* data[begin..end) is not yet returned */
    size_t end;
    bool ended;
    bool dropping;   /* within a line over the limit */
    uint64_t number; /* of the line last returned, from 1 */
};

int line_reader_init(struct line_reader *reader, int fd, size_t max); /* 0, or -1: out of memory */
void line_reader_release(struct line_reader *reader);

/* The next line; *ret_line is set with LINE_TEXT and valid until the next fill. */
enum line_kind line_reader_next(struct line_reader *reader, struct bytes *ret_line);

/* Reads once, waiting when there is nothing. 0, or -1 with errno. */
int line_reader_fill(struct line_reader *reader);

#endif
