#include "contract/json_text.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "contract/json_plain.h"

#define REAL_DIGITS_MAX 17    /* always enough to read a double back */
#define REAL_DIGITS_NORMAL 15 /* always kept by a normal double */
#define REAL_FIXED_MAX 21     /* from 10^21 on JavaScript writes an exponent */
#define REAL_FIXED_MIN (-6)   /* and for less than 10^-6 */

/* --- strings --- */

/* What stands behind the backslash, 'u' for \u00XX, 0 where the byte stays as it is. */
static const char escapes[256] = {
    [0x00] = 'u', [0x01] = 'u', [0x02] = 'u', [0x03] = 'u',  [0x04] = 'u', [0x05] = 'u',
    [0x06] = 'u', [0x07] = 'u', [0x08] = 'b', [0x09] = 't',  [0x0a] = 'n', [0x0b] = 'u',
    [0x0c] = 'f', [0x0d] = 'r', [0x0e] = 'u', [0x0f] = 'u',  [0x10] = 'u', [0x11] = 'u',
    [0x12] = 'u', [0x13] = 'u', [0x14] = 'u', [0x15] = 'u',  [0x16] = 'u', [0x17] = 'u',
    [0x18] = 'u', [0x19] = 'u', [0x1a] = 'u', [0x1b] = 'u',  [0x1c] = 'u', [0x1d] = 'u',
    [0x1e] = 'u', [0x1f] = 'u', ['"'] = '"',  ['\\'] = '\\',
};

static void put_escape(struct buffer *out, unsigned char byte)
{
    static const char hex[] = "0123456789abcdef";
    char text[6] = {'\\', escapes[byte], '0', '0', hex[byte >> 4], hex[byte & 15]};

    buffer_append(out, text, escapes[byte] == 'u' ? 6 : 2);
}

#define EACH_BYTE(byte) (UINT64_C(0x0101010101010101) * (byte))

/* Is one of the eight bytes below 0x20, a quote or a backslash? A byte x of word is below n, for
 * n up to 0x80, when x - n borrows from its top bit while x had it clear. May also be said of a
 * byte behind one of which it is true, never of a word without any. */
static bool has_escape(uint64_t word)
{
    uint64_t quote = word ^ EACH_BYTE('"');
    uint64_t backslash = word ^ EACH_BYTE('\\');
    uint64_t low = (word - EACH_BYTE(0x20)) & ~word;
    uint64_t equal = ((quote - EACH_BYTE(1)) & ~quote) | ((backslash - EACH_BYTE(1)) & ~backslash);

    return ((low | equal) & EACH_BYTE(0x80)) != 0;
}

/* How many bytes from start on need no escape. */
static size_t clean_run(struct bytes text, size_t start)
{
    size_t at = start;

    while (at < text.len) {
        uint64_t word;

        if (text.len - at >= sizeof(word)) {
            memcpy(&word, text.data + at, sizeof(word));
            if (!has_escape(word)) {
                at += sizeof(word);
                continue;
            }
        }
        if (escapes[(unsigned char)text.data[at]])
            break;
        at++;
    }
    return at - start;
}

/* Without the quotes: runs that need no escape are copied whole. */
void json_put_inside(struct buffer *out, struct bytes text)
{
    size_t at = 0;

    while (at < text.len) {
        size_t run = clean_run(text, at);

        buffer_append(out, text.data + at, run);
        at += run;
        if (at < text.len)
            put_escape(out, (unsigned char)text.data[at++]);
    }
}

bool json_put_plain(struct buffer *out, struct bytes text)
{
    const unsigned char *at = (const unsigned char *)text.data;
    size_t before = out->len;
    size_t left = text.len;
    char *start = buffer_extend(out, text.len + 2);
    unsigned char *to = (unsigned char *)start;

    if (!start)
        return true; /* the buffer remembers */
    *to++ = '"';
    for (; left >= JSON_PLAIN_BLOCK; left -= JSON_PLAIN_BLOCK) {
        if (json_plain_block(at, to) < JSON_PLAIN_BLOCK)
            break;
        at += JSON_PLAIN_BLOCK;
        to += JSON_PLAIN_BLOCK;
    }
    for (; left > 0 && json_is_plain(*at); left--)
        *to++ = *at++;
    *to = '"';
    if (left > 0)
        buffer_shorten(out, before);
    return left == 0;
}

void json_put_string(struct buffer *out, struct bytes text)
{
    if (json_put_plain(out, text))
        return;
    buffer_append_char(out, '"');
    json_put_inside(out, text);
    buffer_append_char(out, '"');
}

void json_put_untrusted(struct buffer *out, struct bytes text)
{
    buffer_append_char(out, '"');
    while (text.len > 0) {
        size_t sound = bytes_utf8_prefix(text);

        json_put_inside(out, (struct bytes){text.data, sound});
        if (sound == text.len)
            break;
        buffer_append_text(out, "\xef\xbf\xbd"); /* U+FFFD for each byte that has no place */
        text = (struct bytes){text.data + sound + 1, text.len - sound - 1};
    }
    buffer_append_char(out, '"');
}

/* --- reals --- */

/* 0.<digits> times 10 to the power of point; no zero at the digits' end. */
struct decimal {
    char digits[REAL_DIGITS_MAX];
    int digits_len;
    int point;
};

/* Takes "d.ddde±dd" apart. The separator is whatever the locale says, so it is skipped unread. */
static struct decimal read_scientific(const char *text)
{
    struct decimal decimal = {.digits_len = 0};
    int exponent = 0;
    bool negative;

    for (; *text != 'e'; text++) {
        if (*text >= '0' && *text <= '9' && decimal.digits_len < REAL_DIGITS_MAX)
            decimal.digits[decimal.digits_len++] = *text;
    }
    negative = text[1] == '-';
    for (text += 2; *text; text++)
        exponent = exponent * 10 + (*text - '0');
    while (decimal.digits_len > 1 && decimal.digits[decimal.digits_len - 1] == '0')
        decimal.digits_len--;
    decimal.point = (negative ? -exponent : exponent) + 1;
    return decimal;
}

/* The fewest digits that read back to value, which is finite and above 0. */
static struct decimal shortest_decimal(double value)
{
    int digits = isnormal(value) ? REAL_DIGITS_NORMAL : 1;
    char text[40];

    for (;; digits++) {
        snprintf(text, sizeof(text), "%.*e", digits - 1, value);
        if (digits == REAL_DIGITS_MAX || strtod(text, NULL) == value)
            return read_scientific(text);
    }
}

static void put_zeros(struct buffer *out, int count)
{
    for (; count > 0; count--)
        buffer_append_char(out, '0');
}

static void put_fixed(struct buffer *out, const struct decimal *decimal)
{
    int before = decimal->point < 0 ? 0 : decimal->point; /* digits in front of the point */

    if (before >= decimal->digits_len) {
        buffer_append(out, decimal->digits, (size_t)decimal->digits_len);
        put_zeros(out, before - decimal->digits_len);
        buffer_append_text(out, ".0");
        return;
    }
    if (before == 0)
        buffer_append_char(out, '0');
    buffer_append(out, decimal->digits, (size_t)before);
    buffer_append_char(out, '.');
    put_zeros(out, -decimal->point);
    buffer_append(out, decimal->digits + before, (size_t)(decimal->digits_len - before));
}

static void put_exponent(struct buffer *out, const struct decimal *decimal)
{
    int exponent = decimal->point - 1;

    buffer_append_char(out, decimal->digits[0]);
    if (decimal->digits_len > 1) {
        buffer_append_char(out, '.');
        buffer_append(out, decimal->digits + 1, (size_t)decimal->digits_len - 1);
    }
    buffer_append_text(out, exponent < 0 ? "e" : "e+");
    buffer_append_int64(out, exponent);
}

void json_put_real(struct buffer *out, double value)
{
    const double exact_integers = 9007199254740992.0; /* 2^53 */
    struct decimal decimal;

    if (signbit(value))
        buffer_append_char(out, '-');
    value = fabs(value);
    if (value < exact_integers && value == (double)(int64_t)value) {
        buffer_append_int64(out, (int64_t)value);
        buffer_append_text(out, ".0");
        return;
    }
    decimal = shortest_decimal(value);
    if (decimal.point > REAL_FIXED_MIN && decimal.point <= REAL_FIXED_MAX)
        put_fixed(out, &decimal);
    else
        put_exponent(out, &decimal);
}

/* --- whole values --- */

static int put_object(struct buffer *out, json_t *object, int max_depth)
{
    bool first = true;

    buffer_append_char(out, '{');
    for (void *at = json_object_iter(object); at; at = json_object_iter_next(object, at)) {
        struct bytes key = {json_object_iter_key(at), json_object_iter_key_len(at)};

        if (!first)
            buffer_append_char(out, ',');
        first = false;
        json_put_string(out, key);
        buffer_append_char(out, ':');
        if (json_put_value(out, json_object_iter_value(at), max_depth))
            return -1;
    }
    buffer_append_char(out, '}');
    return 0;
}

static int put_array(struct buffer *out, json_t *array, int max_depth)
{
    buffer_append_char(out, '[');
    for (size_t i = 0; i < json_array_size(array); i++) {
        if (i > 0)
            buffer_append_char(out, ',');
        if (json_put_value(out, json_array_get(array, i), max_depth))
            return -1;
    }
    buffer_append_char(out, ']');
    return 0;
}

int json_put_value(struct buffer *out, json_t *value, int max_depth)
{
    switch (json_typeof(value)) {
    case JSON_OBJECT:
        return max_depth > 0 ? put_object(out, value, max_depth - 1) : -1;
    case JSON_ARRAY:
        return max_depth > 0 ? put_array(out, value, max_depth - 1) : -1;
    case JSON_STRING:
        json_put_string(out, (struct bytes){json_string_value(value), json_string_length(value)});
        return 0;
    case JSON_INTEGER:
        buffer_append_int64(out, json_integer_value(value));
        return 0;
    case JSON_REAL:
        json_put_real(out, json_real_value(value));
        return 0;
    case JSON_TRUE:
        buffer_append_text(out, "true");
        return 0;
    case JSON_FALSE:
        buffer_append_text(out, "false");
        return 0;
    default:
        buffer_append_text(out, "null");
        return 0;
    }
}
