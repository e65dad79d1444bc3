/*
 * Views and bounded buffers.
 *
 * A struct bytes borrows memory: it is valid as long as what it points into. A struct buffer owns
 * its memory, grows up to a hard limit given at init, and remembers a failure: append freely and
 * ask buffer_failed once at the end.
 */
#ifndef CONTRACT_BYTES_H
#define CONTRACT_BYTES_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct bytes {
    const char *data; /* not NUL-terminated; may be NULL when len is 0 */
    size_t len;
};

/* A view of a string literal. */
#define BYTES(literal) ((struct bytes){(literal), sizeof(literal) - 1})

struct bytes bytes_of(const char *text); /* of a C string; NULL gives the empty view */
bool bytes_equal(struct bytes a, struct bytes b);
bool bytes_equal_text(struct bytes a, const char *text);

/* ASCII letters of either case are the same, whatever the locale. */
bool bytes_equal_nocase(struct bytes a, struct bytes b);

/* Strict: no overlong forms, surrogates or code points above U+10FFFF (RFC 3629). */
bool bytes_is_utf8(struct bytes text);

/* How many bytes at the start of text are UTF-8 in that sense. */
size_t bytes_utf8_prefix(struct bytes text);

/* Length of the UTF-8 sequence at the start of text, of which len bytes, at least one, may be read;
 * 0 when it is none. */
size_t bytes_utf8_sequence(const unsigned char *text, size_t len);

/* Copies to a NUL-terminated string of size bytes. False, and "" written, when it does not fit or
 * text holds a NUL. */
bool bytes_copy_text(struct bytes text, char *out, size_t size);

/* For names that are written for each delivery: several times as fast as printf. They write no NUL
 * and return where what they wrote ends; the caller knows that it fits. write_text: at most max
 * bytes of text. write_uint64: with zeros in front up to width digits. */
#define WRITE_UINT64_MAX 20
char *write_text(char *at, const char *text, size_t max);
char *write_uint64(char *at, uint64_t value, int width);

struct buffer {
    char *data; /* NUL-terminated behind len whenever not NULL */
    size_t len;
    size_t cap;
    size_t max;  /* len never passes it */
    bool failed; /* an append did not fit or memory ran out: the content is not usable */
};

void buffer_init(struct buffer *buffer, size_t max); /* allocates nothing yet */
void buffer_release(struct buffer *buffer);          /* also of a zeroed one; leaves it empty */
void buffer_wipe(struct buffer *buffer);             /* the same, its bytes overwritten first */
void buffer_clear(struct buffer *buffer);            /* keeps the memory, forgets a failure */
bool buffer_failed(const struct buffer *buffer);

/* Makes room for len more bytes (as far as max allows) at one go. */
void buffer_reserve(struct buffer *buffer, size_t len);

/* Appends len bytes for the caller to fill in at once; NULL when that fails. */
char *buffer_extend(struct buffer *buffer, size_t len);

/* Takes the last bytes off, so that len are left. */
void buffer_shorten(struct buffer *buffer, size_t len);

void buffer_append(struct buffer *buffer, const void *data, size_t len);
void buffer_append_bytes(struct buffer *buffer, struct bytes bytes);
void buffer_append_text(struct buffer *buffer, const char *text);
void buffer_append_char(struct buffer *buffer, char c);
void buffer_append_int64(struct buffer *buffer, int64_t value);
void buffer_append_uint64(struct buffer *buffer, uint64_t value);
void buffer_append_format(struct buffer *buffer, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* The content; valid until the next append or release. */
struct bytes buffer_bytes(const struct buffer *buffer);

/* Hands the memory over as a NUL-terminated string (free() it); NULL when failed or empty. */
char *buffer_take(struct buffer *buffer);

/* A sentence about what is wrong with some input: which, what value, what is allowed. */
struct error_text {
    char text[256];
};

void error_text_set(struct error_text *error, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void error_text_setv(struct error_text *error, const char *format, va_list args)
    __attribute__((format(printf, 2, 0)));

/* Replaces bytes that are not printable ASCII by '?', for words of strangers in error texts. At
 * most size - 1 bytes are written; a cut is marked by "…". */
const char *bytes_printable(struct bytes text, char *out, size_t size);

#endif
