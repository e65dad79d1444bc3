#include "contract/json_string.h"

#include <stdbool.h>
#include <stdint.h>

#include "contract/utf8.h"

#define REPLACEMENT 0xfffd

static uint32_t hex_value(char digit)
{
    if (digit <= '9')
        return (uint32_t)(digit - '0');
    return (uint32_t)((digit | 0x20) - 'a') + 10;
}

/* Of \uXXXX at at. */
static uint32_t code_unit(const char *at)
{
    return hex_value(at[2]) << 12 | hex_value(at[3]) << 8 | hex_value(at[4]) << 4 |
           hex_value(at[5]);
}

static bool is_surrogate(uint32_t code, uint32_t first)
{
    return code >= first && code < first + 0x400;
}

/* What a \u escape at at stands for, with the second half of a pair when there is one. */
static uint32_t code_point(const char *at, const char *end, size_t *ret_len)
{
    uint32_t code = code_unit(at);
    bool pair_may_follow = end - at >= 12 && at[6] == '\\' && at[7] == 'u';

    *ret_len = 6;
    if (is_surrogate(code, 0xd800) && pair_may_follow && is_surrogate(code_unit(at + 6), 0xdc00)) {
        *ret_len = 12;
        return 0x10000 + ((code - 0xd800) << 10) + (code_unit(at + 6) - 0xdc00);
    }
    return is_surrogate(code, 0xd800) || is_surrogate(code, 0xdc00) ? REPLACEMENT : code;
}

/* Of the escapes of one letter. */
static char short_escape(char letter)
{
    switch (letter) {
    case 'b':
        return '\b';
    case 'f':
        return '\f';
    case 'n':
        return '\n';
    case 'r':
        return '\r';
    case 't':
        return '\t';
    default:
        return letter; /* " \ / */
    }
}

/* Writes what the escape at at stands for, at most 4 bytes, and returns their number. */
static size_t unescape(const char *at, const char *end, char *out, size_t *ret_used)
{
    if (at[1] == 'u')
        return utf8_write(code_point(at, end, ret_used), out);
    *ret_used = 2;
    *out = short_escape(at[1]);
    return 1;
}

size_t json_string_unescape(struct bytes string, char *out)
{
    const char *at = string.data;
    const char *end = at + string.len;
    size_t len = 0;

    while (at < end) {
        size_t used = 1;

        if (*at == '\\')
            len += unescape(at, end, out + len, &used);
        else
            out[len++] = *at;
        at += used;
    }
    return len;
}

size_t json_string_first(struct bytes string, uint32_t *ret_code)
{
    size_t used = 2;

    if (string.data[0] != '\\')
        return utf8_first(string, ret_code);
    if (string.data[1] == 'u')
        *ret_code = code_point(string.data, string.data + string.len, &used);
    else
        *ret_code = (unsigned char)short_escape(string.data[1]);
    return used;
}
