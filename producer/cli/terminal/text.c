/* For wcwidth. */
#define _GNU_SOURCE 1

#include "cli/terminal/text.h"

#include <langinfo.h>
#include <locale.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#include "contract/utf8.h"

bool text_locale_is_utf8(void)
{
    locale_t locale = newlocale(LC_CTYPE_MASK, "", (locale_t)0);

    if (!locale)
        return false;
    bool is_utf8 = strcmp(nl_langinfo_l(CODESET, locale), "UTF-8") == 0;
    freelocale(locale);
    return is_utf8;
}

/* For the time that something is measured: wcwidth() knows the locale of the thread only. */
struct measure {
    locale_t utf8; /* 0: there is none, and no character but ASCII is known */
    locale_t before;
};

static struct measure measure_begin(void)
{
    struct measure measure = {.utf8 = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0)};

    if (measure.utf8)
        measure.before = uselocale(measure.utf8);
    return measure;
}

static void measure_end(struct measure *measure)
{
    if (!measure->utf8)
        return;
    uselocale(measure->before);
    freelocale(measure->utf8);
}

static bool is_printable_ascii(unsigned char c)
{
    return c >= 0x20 && c <= 0x7e;
}

static size_t ascii_prefix(struct bytes text)
{
    size_t len = 0;

    while (len < text.len && is_printable_ascii((unsigned char)text.data[len]))
        len++;
    return len;
}

static struct bytes rest_of(struct bytes text, size_t taken)
{
    return (struct bytes){text.data + taken, text.len - taken};
}

/* The columns of the character at text, or -1 when it is not shown; *ret_len are its bytes. */
static int look_at(struct bytes text, bool is_utf8, size_t *ret_len)
{
    size_t len = bytes_utf8_sequence((const unsigned char *)text.data, text.len);
    uint32_t code;

    *ret_len = len > 0 ? len : 1;
    if (len == 0)
        return -1;
    (void)utf8_first(text, &code);
    if (code < 0x80)
        return is_printable_ascii((unsigned char)code) ? 1 : -1;
    return is_utf8 && !utf8_is_control(code) ? wcwidth((wchar_t)code) : -1;
}

static void copy_shown(struct bytes text, bool is_utf8, char *out)
{
    struct measure measure = measure_begin();
    size_t len;

    while (text.len > 0) {
        if (look_at(text, is_utf8, &len) >= 0) {
            memcpy(out, text.data, len);
            out += len;
        } else {
            *out++ = '?';
        }
        text = rest_of(text, len);
    }
    *out = '\0';
    measure_end(&measure);
}

char *text_shown(struct bytes text, bool is_utf8)
{
    char *out = malloc(text.len + 1);

    if (!out)
        return NULL;
    if (ascii_prefix(text) == text.len) {
        memcpy(out, text.data ? text.data : "", text.len);
        out[text.len] = '\0';
    } else {
        copy_shown(text, is_utf8, out);
    }
    return out;
}

size_t text_fitting(const char *shown, size_t columns, size_t *ret_width)
{
    struct bytes text = bytes_of(shown);
    size_t taken = ascii_prefix(text);
    size_t len;

    if (taken > columns || taken == text.len) {
        *ret_width = taken < columns ? taken : columns;
        return *ret_width;
    }
    struct measure measure = measure_begin();
    *ret_width = taken;
    for (; taken < text.len; taken += len) {
        int more = look_at(rest_of(text, taken), true, &len);
        size_t width = more > 0 ? (size_t)more : 0;
        if (width > columns - *ret_width)
            break;
        *ret_width += width;
    }
    measure_end(&measure);
    return taken;
}

size_t text_width(const char *shown)
{
    size_t width;

    (void)text_fitting(shown, SIZE_MAX, &width);
    return width;
}
