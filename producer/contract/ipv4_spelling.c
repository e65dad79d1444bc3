#include "contract/ipv4_spelling.h"

#include <string.h>

static bool has_prefix_0x(struct bytes text)
{
    return text.len >= 2 && text.data[0] == '0' && text.data[1] == 'x';
}

static unsigned digit_of(char c)
{
    if (c >= '0' && c <= '9')
        return (unsigned)(c - '0');
    return c >= 'a' && c <= 'f' ? (unsigned)(c - 'a') + 10 : 16;
}

/* Also "0x" alone, and numbers of any size. */
static bool is_number(struct bytes text)
{
    bool hex = has_prefix_0x(text);

    for (size_t i = hex ? 2 : 0; i < text.len; i++) {
        if (digit_of(text.data[i]) >= (hex ? 16 : 10))
            return false;
    }
    return text.len > 0;
}

/* 0x and hexadecimal digits, 0 and octal ones, or decimal ones. */
static bool read_number(struct bytes text, uint64_t max, uint32_t *ret_value)
{
    bool hex = has_prefix_0x(text);
    unsigned base = hex ? 16 : text.len > 1 && text.data[0] == '0' ? 8 : 10;
    uint64_t value = 0;

    for (size_t i = hex ? 2 : 0; i < text.len; i++) {
        unsigned digit = digit_of(text.data[i]);

        if (digit >= base)
            return false;
        value = value * base + digit;
        if (value > max)
            return false;
    }
    *ret_value = (uint32_t)value;
    return text.len > (hex ? 2 : 0);
}

/* One to four numbers: each but the last is a byte, the last one all the bytes that are left. */
static bool read_address(struct bytes host, uint32_t *ret_address)
{
    uint32_t address = 0;

    for (unsigned bytes_left = 4; bytes_left > 0; bytes_left--) {
        const char *dot = memchr(host.data, '.', host.len);
        size_t len = dot ? (size_t)(dot - host.data) : host.len;
        uint64_t max = dot ? UINT8_MAX : ((uint64_t)1 << 8 * bytes_left) - 1;
        uint32_t number;

        if (!read_number((struct bytes){host.data, len}, max, &number))
            return false;
        if (!dot) {
            *ret_address = address | number;
            return true;
        }
        address |= number << 8 * (bytes_left - 1);
        host = (struct bytes){host.data + len + 1, host.len - len - 1};
    }
    return false;
}

enum ipv4_spelling ipv4_spelling_of(struct bytes host, uint32_t *ret_address)
{
    size_t last = host.len;

    while (last > 0 && host.data[last - 1] != '.')
        last--;
    if (!is_number((struct bytes){host.data + last, host.len - last}))
        return IPV4_NONE;
    return read_address(host, ret_address) ? IPV4_ADDRESS : IPV4_BROKEN;
}
