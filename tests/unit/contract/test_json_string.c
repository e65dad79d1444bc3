#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
/* cmocka.h needs those above. */
#include <cmocka.h>

#include "contract/json_string.h"

#define LEN(array) (sizeof(array) / sizeof((array)[0]))

static const struct {
    struct bytes string;
    struct bytes text;
} rows[] = {
    {BYTES(""), BYTES("")},
    {BYTES("roomId"), BYTES("roomId")},
    {BYTES("room\\u0049d"), BYTES("roomId")},
    {BYTES("\\u0072\\u006F\\u006fmId"), BYTES("roomId")},
    {BYTES("\\\"\\\\\\/\\b\\f\\n\\r\\t"), BYTES("\"\\/\b\f\n\r\t")},
    {BYTES("a\\u0000b"), BYTES("a\0b")},
    {BYTES("\\u007f\\u0080\\u07ff\\u0800\\uffff"),
     BYTES("\x7f\xc2\x80\xdf\xbf\xe0\xa0\x80\xef\xbf\xbf")},
    {BYTES("\xc3\xa4\\u00e4"), BYTES("\xc3\xa4\xc3\xa4")},
    {BYTES("\\ud83d\\ude00!"), BYTES("\xf0\x9f\x98\x80!")},
    {BYTES("\\uD800\\uDC00\\uDBFF\\uDFFF"), BYTES("\xf0\x90\x80\x80\xf4\x8f\xbf\xbf")},
    /* Halves of pairs. */
    {BYTES("\\ud83d"), BYTES("\xef\xbf\xbd")},
    {BYTES("\\ude00"), BYTES("\xef\xbf\xbd")},
    {BYTES("\\ud83dx"), BYTES("\xef\xbf\xbdx")},
    {BYTES("\\ud83d\\n"), BYTES("\xef\xbf\xbd\n")},
    {BYTES("\\ude00\\ud83d"), BYTES("\xef\xbf\xbd\xef\xbf\xbd")},
    {BYTES("\\ud83d\\ud83d\\ude00"), BYTES("\xef\xbf\xbd\xf0\x9f\x98\x80")},
    {BYTES("\\ud83d\\\\ude00"), BYTES("\xef\xbf\xbd\\ude00")},
};

static void escapes_are_what_they_stand_for(void **state)
{
    (void)state;
    for (size_t i = 0; i < LEN(rows); i++) {
        char text[64];
        size_t len;

        memcpy(text, rows[i].string.data, rows[i].string.len);
        len = json_string_unescape((struct bytes){text, rows[i].string.len}, text);
        if (!bytes_equal((struct bytes){text, len}, rows[i].text))
            fail_msg("%s became %.*s", rows[i].string.data, (int)len, text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(escapes_are_what_they_stand_for),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
