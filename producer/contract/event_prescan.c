#include "contract/event_prescan.h"

#include <roomhook/event.h>

#define DEPTH_MAX (RH_EVENT_MAX_DEPTH + 1) /* the document is a level of its own */

enum layout {
    LAYOUT_FIXED, /* size payload bytes */
    LAYOUT_SIZED, /* size bytes of length, then this many bytes */
    LAYOUT_EXT,   /* the same with a type byte in between */
    LAYOUT_ARRAY, /* size bytes of count, then this many elements */
    LAYOUT_MAP,   /* the same, with twice as many */
    LAYOUT_RESERVED
};

/* What follows the bytes 0xc0..0xdf. */
static const struct row {
    unsigned char layout;
    unsigned char size;
} rows[32] = {
    {LAYOUT_FIXED, 0},    /* c0 nil */
    {LAYOUT_RESERVED, 0}, /* c1 */
    {LAYOUT_FIXED, 0},    /* c2 false */
    {LAYOUT_FIXED, 0},    /* c3 true */
    {LAYOUT_SIZED, 1},    /* c4 bin 8 */
    {LAYOUT_SIZED, 2},    /* c5 bin 16 */
    {LAYOUT_SIZED, 4},    /* c6 bin 32 */
    {LAYOUT_EXT, 1},      /* c7 ext 8 */
    {LAYOUT_EXT, 2},      /* c8 ext 16 */
    {LAYOUT_EXT, 4},      /* c9 ext 32 */
    {LAYOUT_FIXED, 4},    /* ca float 32 */
    {LAYOUT_FIXED, 8},    /* cb float 64 */
    {LAYOUT_FIXED, 1},    /* cc uint 8 */
    {LAYOUT_FIXED, 2},    /* cd uint 16 */
    {LAYOUT_FIXED, 4},    /* ce uint 32 */
    {LAYOUT_FIXED, 8},    /* cf uint 64 */
    {LAYOUT_FIXED, 1},    /* d0 int 8 */
    {LAYOUT_FIXED, 2},    /* d1 int 16 */
    {LAYOUT_FIXED, 4},    /* d2 int 32 */
    {LAYOUT_FIXED, 8},    /* d3 int 64 */
    {LAYOUT_FIXED, 2},    /* d4 fixext 1, with its type byte */
    {LAYOUT_FIXED, 3},    /* d5 fixext 2 */
    {LAYOUT_FIXED, 5},    /* d6 fixext 4 */
    {LAYOUT_FIXED, 9},    /* d7 fixext 8 */
    {LAYOUT_FIXED, 17},   /* d8 fixext 16 */
    {LAYOUT_SIZED, 1},    /* d9 str 8 */
    {LAYOUT_SIZED, 2},    /* da str 16 */
    {LAYOUT_SIZED, 4},    /* db str 32 */
    {LAYOUT_ARRAY, 2},    /* dc array 16 */
    {LAYOUT_ARRAY, 4},    /* dd array 32 */
    {LAYOUT_MAP, 2},      /* de map 16 */
    {LAYOUT_MAP, 4},      /* df map 32 */
};

struct scan {
    const unsigned char *data;
    size_t len;
    size_t at;
    size_t owed;            /* elements promised by headers and not yet seen, on all levels */
    size_t left[DEPTH_MAX]; /* the same for each open map or list */
    size_t depth;
};

/* What a header says. */
struct header {
    bool has_elements; /* a map or list */
    uint64_t elements; /* a map's keys and values */
};

static int truncated(const struct scan *scan, size_t at, struct error_text *why)
{
    error_text_set(why, "byte %zu: promises more than the %zu bytes of the document", at,
                   scan->len);
    return -1;
}

static int skip(struct scan *scan, uint64_t len, size_t from, struct error_text *why)
{
    if (len > scan->len - scan->at)
        return truncated(scan, from, why);
    scan->at += (size_t)len;
    return 0;
}

/* Opens a map or list of count elements. Every element has at least a byte, so that more
 * elements than bytes are a lie; the sum over all levels must fit, else nested lists could each
 * lie a little. */
static int open_level(struct scan *scan, uint64_t count, size_t from, struct error_text *why)
{
    if (scan->depth == DEPTH_MAX) {
        error_text_set(why, "byte %zu: nested deeper than %d levels", from, RH_EVENT_MAX_DEPTH);
        return -1;
    }
    if (count > scan->len - scan->at || scan->owed > scan->len - scan->at - (size_t)count)
        return truncated(scan, from, why);
    scan->owed += (size_t)count;
    scan->left[scan->depth++] = (size_t)count;
    return 0;
}

/* The headers 0xc0..0xdf, from is where the header stands. */
static int scan_row(struct scan *scan, const struct row *row, size_t from,
                    struct header *ret_header, struct error_text *why)
{
    uint64_t number = 0;
    size_t number_at = scan->at;

    if (row->layout == LAYOUT_RESERVED) {
        error_text_set(why, "byte %zu: 0xc1 is not msgpack", from);
        return -1;
    }
    if (skip(scan, row->size, from, why))
        return -1;
    if (row->layout == LAYOUT_FIXED)
        return 0;
    while (number_at < scan->at)
        number = number << 8 | scan->data[number_at++];
    switch (row->layout) {
    case LAYOUT_ARRAY:
    case LAYOUT_MAP:
        *ret_header = (struct header){true, row->layout == LAYOUT_MAP ? number * 2 : number};
        return 0;
    case LAYOUT_EXT:
        return skip(scan, number + 1, from, why);
    default:
        return skip(scan, number, from, why);
    }
}

/* A header, and its value when that is no map or list. */
static int scan_header(struct scan *scan, struct header *ret_header, struct error_text *why)
{
    size_t from = scan->at++;
    unsigned char header = scan->data[from];

    *ret_header = (struct header){.has_elements = false};

    if (header < 0x80 || header >= 0xe0) /* small integers */
        return 0;
    if (header < 0xa0) {
        uint64_t len = header & 0x0fu;

        *ret_header = (struct header){true, header < 0x90 ? len * 2 : len};
        return 0;
    }
    if (header < 0xc0)
        return skip(scan, header & 0x1fu, from, why);
    return scan_row(scan, &rows[header - 0xc0], from, ret_header, why);
}

static int scan_element(struct scan *scan, struct error_text *why)
{
    size_t from = scan->at;
    struct header header;

    if (scan_header(scan, &header, why))
        return -1;
    return header.has_elements ? open_level(scan, header.elements, from, why) : 0;
}

int event_prescan_header(struct bytes document, size_t *at, uint64_t *ret_elements)
{
    struct scan scan = {
        .data = (const unsigned char *)document.data, .len = document.len, .at = *at};
    struct error_text why;
    struct header header;

    if (scan.at >= scan.len || scan_header(&scan, &header, &why))
        return -1;
    *at = scan.at;
    *ret_elements = header.elements;
    return 0;
}

int event_prescan(struct bytes document, struct error_text *why)
{
    struct scan scan = {
        .data = (const unsigned char *)document.data, .len = document.len, .owed = 1};

    while (scan.owed > 0) {
        if (scan.at == scan.len) {
            error_text_set(why, "byte %zu: the document ends too early", scan.at);
            return -1;
        }
        scan.owed--;
        if (scan.depth > 0)
            scan.left[scan.depth - 1]--;
        if (scan_element(&scan, why))
            return -1;
        while (scan.depth > 0 && scan.left[scan.depth - 1] == 0)
            scan.depth--;
    }
    if (scan.at < scan.len) {
        error_text_set(why, "byte %zu: %zu bytes after the document's end", scan.at,
                       scan.len - scan.at);
        return -1;
    }
    return 0;
}
