#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka.h needs those above. */
#include <cmocka.h>

#include "contract/utf8.h"

static void code_points_are_read(void **state)
{
    static const struct {
        const char *text;
        uint32_t code;
        size_t len;
    } rows[] = {
        {"a\xc3\xa4", 'a', 1},
        {"\x7f", 0x7f, 1},
        {"\xc2\x80", 0x80, 2},
        {"\xc3\xa4x", 0xe4, 2},
        {"\xdf\xbf", 0x7ff, 2},
        {"\xe0\xa0\x80", 0x800, 3},
        {"\xef\xbf\xbf", 0xffff, 3},
        {"\xf0\x90\x80\x80", 0x10000, 4},
        {"\xf0\x9f\x90\x8e ", 0x1f40e, 4},
        {"\xf4\x8f\xbf\xbf", 0x10ffff, 4},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        uint32_t code;

        assert_int_equal(utf8_first(bytes_of(rows[i].text), &code), rows[i].len);
        assert_int_equal(code, rows[i].code);
    }
}

static void control_characters_are_known(void **state)
{
    static const uint32_t controls[] = {0,     0x0a,   0x1b,   0x1f,   0x7f,   0x80,   0x9f,
                                        0x61c, 0x200e, 0x2028, 0x202a, 0x202e, 0x2066, 0x2069};
    static const uint32_t others[] = {0x20,   0x7e,   0xa0,   0x61b,  0x200d,
                                      0x2027, 0x202f, 0x2065, 0x206a, 0x10ffff};

    (void)state;
    for (size_t i = 0; i < sizeof(controls) / sizeof(controls[0]); i++)
        assert_true(utf8_is_control(controls[i]));
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
        assert_false(utf8_is_control(others[i]));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(code_points_are_read),
        cmocka_unit_test(control_characters_are_known),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
