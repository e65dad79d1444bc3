#include "contract/bytes.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BUFFER_FIRST_CAP 64 /* most keys, headers and numbers fit without growing */

/* --- views --- */

struct bytes bytes_of(const char *text)
{
    return (struct bytes){text, text ? strlen(text) : 0};
}

bool bytes_equal(struct bytes a, struct bytes b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

bool bytes_equal_text(struct bytes a, const char *text)
{
    return bytes_equal(a, bytes_of(text));
}

static char to_lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

bool bytes_equal_nocase(struct bytes a, struct bytes b)
{
    if (a.len != b.len)
        return false;
    for (size_t i = 0; i < a.len; i++) {
        if (to_lower(a.data[i]) != to_lower(b.data[i]))
            return false;
    }
    return true;
}

/* By the table of well-formed UTF-8 of the Unicode standard (3-7). */
size_t bytes_utf8_sequence(const unsigned char *text, size_t len)
{
    unsigned char first = text[0];
    size_t need = first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
    unsigned char second_from = 0x80, second_to = 0xbf;

    if (first < 0x80)
        return 1;
    if (first < 0xc2 || first > 0xf4 || len < need)
        return 0;
    if (first == 0xe0) /* no overlong forms */
        second_from = 0xa0;
    else if (first == 0xed) /* no surrogates */
        second_to = 0x9f;
    else if (first == 0xf0)
        second_from = 0x90;
    else if (first == 0xf4) /* nothing above U+10FFFF */
        second_to = 0x8f;
    if (text[1] < second_from || text[1] > second_to)
        return 0;
    for (size_t i = 2; i < need; i++) {
        if ((text[i] & 0xc0) != 0x80)
            return 0;
    }
    return need;
}

size_t bytes_utf8_prefix(struct bytes text)
{
    const unsigned char *data = (const unsigned char *)text.data;
    size_t at = 0;

    while (at < text.len) {
        uint64_t word;
        size_t step;

        /* Most text is ASCII: take eight bytes at a time while no top bit is set. */
        if (text.len - at >= sizeof(word)) {
            memcpy(&word, data + at, sizeof(word));
            if ((word & UINT64_C(0x8080808080808080)) == 0) {
                at += sizeof(word);
                continue;
            }
        }
        step = bytes_utf8_sequence(data + at, text.len - at);
        if (step == 0)
            break;
        at += step;
    }
    return at;
}

bool bytes_is_utf8(struct bytes text)
{
    return bytes_utf8_prefix(text) == text.len;
}

bool bytes_copy_text(struct bytes text, char *out, size_t size)
{
    if (size == 0)
        return false;
    out[0] = '\0';
    if (text.len >= size)
        return false;
    if (text.len == 0)
        return true;
    if (memchr(text.data, '\0', text.len))
        return false;
    memcpy(out, text.data, text.len);
    out[text.len] = '\0';
    return true;
}

const char *bytes_printable(struct bytes text, char *out, size_t size)
{
    static const char cut[] = "…";
    size_t len = text.len;

    if (size == 0)
        return out;
    if (len > size - 1)
        len = size > sizeof(cut) ? size - sizeof(cut) : 0;
    for (size_t i = 0; i < len; i++) {
        char c = text.data[i];

        out[i] = c >= 0x20 && c <= 0x7e ? c : '?';
    }
    out[len] = '\0';
    if (len < text.len && size >= sizeof(cut))
        memcpy(out + len, cut, sizeof(cut));
    return out;
}

char *write_text(char *at, const char *text, size_t max)
{
    size_t len = strnlen(text, max);

    memcpy(at, text, len);
    return at + len;
}

char *write_uint64(char *at, uint64_t value, int width)
{
    char digits[WRITE_UINT64_MAX];
    int len = 0;

    do {
        digits[len++] = (char)('0' + value % 10);
        value /= 10;
    } while (value > 0);
    for (; width > len; width--)
        *at++ = '0';
    while (len > 0)
        *at++ = digits[--len];
    return at;
}

/* --- buffers --- */

void buffer_init(struct buffer *buffer, size_t max)
{
    *buffer = (struct buffer){.max = max};
}

void buffer_release(struct buffer *buffer)
{
    free(buffer->data);
    *buffer = (struct buffer){.max = buffer->max};
}

void buffer_wipe(struct buffer *buffer)
{
    if (buffer->data)
        explicit_bzero(buffer->data, buffer->cap);
    buffer_release(buffer);
}

void buffer_clear(struct buffer *buffer)
{
    buffer->len = 0;
    buffer->failed = false;
    if (buffer->data)
        buffer->data[0] = '\0';
}

bool buffer_failed(const struct buffer *buffer)
{
    return buffer->failed;
}

/* Makes room for len more bytes and the NUL behind them; false marks the buffer as failed. */
static bool buffer_grow(struct buffer *buffer, size_t len)
{
    size_t cap = buffer->cap < BUFFER_FIRST_CAP ? BUFFER_FIRST_CAP : buffer->cap;
    size_t need;
    char *data;

    if (buffer->failed)
        return false;
    if (len > buffer->max - buffer->len || len >= SIZE_MAX / 2 - buffer->len) {
        buffer->failed = true;
        return false;
    }
    need = buffer->len + len + 1;
    while (cap < need)
        cap *= 2;
    if (cap - 1 > buffer->max)
        cap = buffer->max + 1; /* need is within max, so it still fits */
    data = realloc(buffer->data, cap);
    if (!data) {
        buffer->failed = true;
        return false;
    }
    data[buffer->len] = '\0';
    buffer->data = data;
    buffer->cap = cap;
    return true;
}

/* The short way, taken nearly always: what was allocated is enough. */
static inline bool buffer_ensure(struct buffer *buffer, size_t len)
{
    return (len < buffer->cap - buffer->len && !buffer->failed) || buffer_grow(buffer, len);
}

void buffer_reserve(struct buffer *buffer, size_t len)
{
    size_t room = buffer->max - buffer->len;

    buffer_ensure(buffer, len < room ? len : room);
}

char *buffer_extend(struct buffer *buffer, size_t len)
{
    char *start;

    if (!buffer_ensure(buffer, len))
        return NULL;
    start = buffer->data + buffer->len;
    start[len] = '\0';
    buffer->len += len;
    return start;
}

void buffer_shorten(struct buffer *buffer, size_t len)
{
    if (len >= buffer->len)
        return;
    buffer->len = len;
    buffer->data[len] = '\0';
}

void buffer_append(struct buffer *buffer, const void *data, size_t len)
{
    char *start = len > 0 ? buffer_extend(buffer, len) : NULL;

    if (start)
        memcpy(start, data, len);
}

void buffer_append_bytes(struct buffer *buffer, struct bytes bytes)
{
    buffer_append(buffer, bytes.data, bytes.len);
}

void buffer_append_text(struct buffer *buffer, const char *text)
{
    buffer_append(buffer, text, strlen(text));
}

void buffer_append_char(struct buffer *buffer, char c)
{
    char *start = buffer_extend(buffer, 1);

    if (start)
        *start = c;
}

static void append_decimal(struct buffer *buffer, uint64_t magnitude, bool negative)
{
    char digits[21]; /* 20 digits of 2^64-1, or 19 of 2^63 and the sign */
    size_t at = sizeof(digits);

    do {
        digits[--at] = (char)('0' + magnitude % 10);
        magnitude /= 10;
    } while (magnitude > 0);
    if (negative)
        digits[--at] = '-';
    buffer_append(buffer, digits + at, sizeof(digits) - at);
}

void buffer_append_int64(struct buffer *buffer, int64_t value)
{
    /* Negated as unsigned: -INT64_MIN does not fit an int64_t. */
    append_decimal(buffer, value < 0 ? 0 - (uint64_t)value : (uint64_t)value, value < 0);
}

void buffer_append_uint64(struct buffer *buffer, uint64_t value)
{
    append_decimal(buffer, value, false);
}

void buffer_append_format(struct buffer *buffer, const char *format, ...)
{
    va_list args;
    int len;

    va_start(args, format);
    len = vsnprintf(NULL, 0, format, args);
    va_end(args);
    if (len < 0) {
        buffer->failed = true;
        return;
    }
    if (len == 0 || !buffer_ensure(buffer, (size_t)len))
        return;
    va_start(args, format);
    vsnprintf(buffer->data + buffer->len, (size_t)len + 1, format, args);
    va_end(args);
    buffer->len += (size_t)len;
}

struct bytes buffer_bytes(const struct buffer *buffer)
{
    return (struct bytes){buffer->data, buffer->len};
}

char *buffer_take(struct buffer *buffer)
{
    char *data = NULL;

    if (!buffer->failed && buffer->len > 0) {
        data = buffer->data;
        buffer->data = NULL;
    }
    buffer_release(buffer);
    return data;
}

/* --- error texts --- */

void error_text_set(struct error_text *error, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    error_text_setv(error, format, args);
    va_end(args);
}

void error_text_setv(struct error_text *error, const char *format, va_list args)
{
    static const char cut[] = "…";
    size_t at = sizeof(error->text) - sizeof(cut);
    int len = vsnprintf(error->text, sizeof(error->text), format, args);

    if (len < 0)
        error->text[0] = '\0';
    if (len < 0 || (size_t)len < sizeof(error->text))
        return;
    /* Cut in front of a character, not inside one: the text may end up in JSON. */
    while (at > 0 && ((unsigned char)error->text[at] & 0xc0) == 0x80)
        at--;
    memcpy(error->text + at, cut, sizeof(cut));
}
