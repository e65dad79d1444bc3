#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
/* cmocka.h needs those above. */
#include <cmocka.h>

#include "contract/event_codec.h"

#define LEN(array) (sizeof(array) / sizeof((array)[0]))

/* The rest of {"message":{"roomId":1},"v":<value>} as msgpack, behind its "v". */
static void every_value_gets_its_shortest_form(void **state)
{
    static const struct {
        const char *json;
        struct bytes packed;
    } rows[] = {
        {"null", BYTES("\xc0")},
        {"false", BYTES("\xc2")},
        {"true", BYTES("\xc3")},
        {"0", BYTES("\x00")},
        {"127", BYTES("\x7f")},
        {"128", BYTES("\xcc\x80")},
        {"256", BYTES("\xcd\x01\x00")},
        {"65536", BYTES("\xce\x00\x01\x00\x00")},
        {"4294967296", BYTES("\xcf\x00\x00\x00\x01\x00\x00\x00\x00")},
        {"9223372036854775807", BYTES("\xcf\x7f\xff\xff\xff\xff\xff\xff\xff")},
        {"-1", BYTES("\xff")},
        {"-32", BYTES("\xe0")},
        {"-33", BYTES("\xd0\xdf")},
        {"-9223372036854775808", BYTES("\xd3\x80\x00\x00\x00\x00\x00\x00\x00")},
        {"1.0", BYTES("\xcb\x3f\xf0\x00\x00\x00\x00\x00\x00")},
        {"0.1", BYTES("\xcb\x3f\xb9\x99\x99\x99\x99\x99\x9a")},
        {"\"\"", BYTES("\xa0")},
        {"\"a\\u0000b\"", BYTES("\xa3"
                                "a\0b")},
        {"\"\\u00e4\"", BYTES("\xa2\xc3\xa4")},
        {"\"12345678901234567890123456789012\"", BYTES("\xd9\x20"
                                                       "12345678901234567890123456789012")},
        {"[]", BYTES("\x90")},
        {"[1,[2]]", BYTES("\x92\x01\x91\x02")},
        {"{}", BYTES("\x80")},
        {"{\"z\":1,\"y\":{\"\":null}}", BYTES("\x82\xa1z\x01\xa1y\x81\xa0\xc0")},
    };
    static const char head[] = "\x82\xa7message\x81\xa6roomId\x01\xa1v";
    struct buffer json;
    struct buffer packed;

    (void)state;
    buffer_init(&json, 4096);
    buffer_init(&packed, 4096);
    for (size_t i = 0; i < LEN(rows); i++) {
        struct error_text why;

        buffer_clear(&json);
        buffer_clear(&packed);
        buffer_append_format(&json, "{\"message\":{\"roomId\":1},\"v\":%s}", rows[i].json);
        assert_int_equal(event_json_to_msgpack(buffer_bytes(&json), &packed, &why), EVENT_OK);
        assert_int_equal(packed.len, sizeof(head) - 1 + rows[i].packed.len);
        assert_memory_equal(packed.data, head, sizeof(head) - 1);
        if (memcmp(packed.data + sizeof(head) - 1, rows[i].packed.data, rows[i].packed.len))
            fail_msg("%s", rows[i].json);
    }
    buffer_release(&json);
    buffer_release(&packed);
}

static void packing_appends_and_tells_when_out_is_full(void **state)
{
    static const char json[] = "{\"message\":{\"roomId\":1}}";
    struct buffer packed;
    struct error_text why;

    (void)state;
    buffer_init(&packed, 3 + 18);
    buffer_append_text(&packed, "abc");
    assert_int_equal(event_json_to_msgpack(bytes_of(json), &packed, &why), EVENT_OK);
    assert_int_equal(packed.len, 3 + 18);
    assert_memory_equal(packed.data, "abc\x81\xa7message\x81\xa6roomId\x01", 3 + 18);
    buffer_release(&packed);

    buffer_init(&packed, 17);
    assert_int_equal(event_json_to_msgpack(bytes_of(json), &packed, &why), EVENT_NO_MEMORY);
    assert_true(buffer_failed(&packed));
    buffer_release(&packed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_value_gets_its_shortest_form),
        cmocka_unit_test(packing_appends_and_tells_when_out_is_full),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
