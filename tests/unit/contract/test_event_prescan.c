#include "contract/event_prescan.h"

#include <msgpack.h>
#include <roomhook/event.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
/* cmocka.h needs those above. */
#include <cmocka.h>

#define LEN(array) (sizeof(array) / sizeof((array)[0]))

/* One of every header there is, with little behind it. */
static const struct bytes headers[] = {
    BYTES("\x00"),
    BYTES("\x7f"),
    BYTES("\x80"),
    BYTES("\x81\x01\x02"),
    BYTES("\x8f\1\1\2\2\3\3\4\4\5\5\6\6\7\7\1\1\2\2\3\3\4\4\5\5\6\6\7\7\1\1"),
    BYTES("\x90"),
    BYTES("\x92\x01\x02"),
    BYTES("\x9f\1\2\3\4\5\6\7\1\2\3\4\5\6\7\1"),
    BYTES("\xa0"),
    BYTES("\xa1x"),
    BYTES("\xbf"
          "1234567890123456789012345678901"),
    BYTES("\xc0"),
    BYTES("\xc2"),
    BYTES("\xc3"),
    BYTES("\xc4\x00"),
    BYTES("\xc4\x01x"),
    BYTES("\xc5\x00\x02xy"),
    BYTES("\xc6\x00\x00\x00\x01x"),
    BYTES("\xc7\x00\x05"),
    BYTES("\xc7\x02\x05xy"),
    BYTES("\xc8\x00\x01\x05x"),
    BYTES("\xc9\x00\x00\x00\x01\x05x"),
    BYTES("\xca\x3f\x80\x00\x00"),
    BYTES("\xcb\x3f\xf0\x00\x00\x00\x00\x00\x00"),
    BYTES("\xcc\xff"),
    BYTES("\xcd\xff\xff"),
    BYTES("\xce\xff\xff\xff\xff"),
    BYTES("\xcf\xff\xff\xff\xff\xff\xff\xff\xff"),
    BYTES("\xd0\x80"),
    BYTES("\xd1\x80\x00"),
    BYTES("\xd2\x80\x00\x00\x00"),
    BYTES("\xd3\x80\x00\x00\x00\x00\x00\x00\x00"),
    BYTES("\xd4\x05x"),
    BYTES("\xd5\x05xy"),
    BYTES("\xd6\x05xyzw"),
    BYTES("\xd7\x05xyzwxyzw"),
    BYTES("\xd8\x05xyzwxyzwxyzwxyzw"),
    BYTES("\xd9\x00"),
    BYTES("\xd9\x01x"),
    BYTES("\xda\x00\x01x"),
    BYTES("\xdb\x00\x00\x00\x01x"),
    BYTES("\xdc\x00\x00"),
    BYTES("\xdc\x00\x02\x01\x02"),
    BYTES("\xdd\x00\x00\x00\x01\x01"),
    BYTES("\xde\x00\x00"),
    BYTES("\xde\x00\x01\x01\x02"),
    BYTES("\xdf\x00\x00\x00\x01\x01\x02"),
    BYTES("\xe0"),
    BYTES("\xff"),
};

static bool passes(struct bytes document)
{
    struct error_text why;
    /* A copy of exactly this size, so that the sanitizer sees a read behind its end. */
    char *copy = malloc(document.len + 1);
    int problem;

    assert_non_null(copy);
    memcpy(copy + 1, document.data, document.len);
    problem = event_prescan((struct bytes){copy + 1, document.len}, &why);
    free(copy);
    return problem == 0;
}

static void every_header_passes_whole_and_only_whole(void **state)
{
    (void)state;
    for (size_t i = 0; i < LEN(headers); i++) {
        char longer[64];
        struct bytes document = headers[i];

        if (!passes(document))
            fail_msg("header %zu", i);
        for (size_t len = 0; len < document.len; len++) {
            if (passes((struct bytes){document.data, len}))
                fail_msg("header %zu cut to %zu", i, len);
        }
        memcpy(longer, document.data, document.len);
        longer[document.len] = '\x01';
        if (passes((struct bytes){longer, document.len + 1}))
            fail_msg("header %zu with a byte behind it", i);
    }
}

/* All 256 first bytes and all lengths up to 20: what passes is what msgpack-c unpacks whole. */
static void agrees_with_msgpack_c(void **state)
{
    unsigned char text[20];

    (void)state;
    for (unsigned first = 0; first < 256; first++) {
        for (unsigned second = 0; second < 4; second++) {
            for (size_t len = 1; len <= sizeof(text); len++) {
                msgpack_unpacked unpacked;
                size_t end = 0;
                bool whole;

                memset(text, 0, sizeof(text));
                text[0] = (unsigned char)first;
                /* No great counts of 32 bits: msgpack-c would allocate for them. */
                text[1] = first == 0xdd || first == 0xdf ? 0 : (unsigned char)second;
                text[2] = first == 0xdd || first == 0xdf ? 0 : (unsigned char)(second ^ 1);
                text[4] = (unsigned char)second;
                msgpack_unpacked_init(&unpacked);
                whole = msgpack_unpack_next(&unpacked, (char *)text, len, &end) ==
                            MSGPACK_UNPACK_SUCCESS &&
                        end == len;
                msgpack_unpacked_destroy(&unpacked);
                if (passes((struct bytes){(char *)text, len}) != whole)
                    fail_msg("%02x %02x, %zu bytes", first, second, len);
            }
        }
    }
}

static void lies_about_lengths_are_told_by_offset(void **state)
{
    static const struct {
        struct bytes document;
        const char *why;
    } rows[] = {
        {BYTES(""), "byte 0: the document ends too early"},
        {BYTES("\x81\xa1x"), "byte 3: the document ends too early"},
        {BYTES("\x82\xa1x"), "byte 0: promises more than the 3 bytes of the document"},
        {BYTES("\x92\xa3xyz"), "byte 5: the document ends too early"},
        {BYTES("\xdd\x0f\xff\xff\xff"), "byte 0: promises more than the 5 bytes of the document"},
        {BYTES("\xdd\xff\xff\xff\xff"), "byte 0: promises more than the 5 bytes of the document"},
        {BYTES("\xdf\xff\xff\xff\xff"), "byte 0: promises more than the 5 bytes of the document"},
        {BYTES("\xdf\x80\x00\x00\x00"), "byte 0: promises more than the 5 bytes of the document"},
        {BYTES("\x91\xdb\xff\xff\xff\xff"),
         "byte 1: promises more than the 6 bytes of the document"},
        {BYTES("\x91\xc6\xff\xff\xff\xff"),
         "byte 1: promises more than the 6 bytes of the document"},
        {BYTES("\x91\xc9\xff\xff\xff\xff"),
         "byte 1: promises more than the 6 bytes of the document"},
        {BYTES("\xc9\xff\xff\xff\xff\x01"),
         "byte 0: promises more than the 6 bytes of the document"},
        {BYTES("\xcb\x00"), "byte 0: promises more than the 2 bytes of the document"},
        {BYTES("\xda\x00"), "byte 0: promises more than the 2 bytes of the document"},
        {BYTES("\x91\xc1"), "byte 1: 0xc1 is not msgpack"},
        {BYTES("\x80\x80\x80"), "byte 1: 2 bytes after the document's end"},
    };

    (void)state;
    for (size_t i = 0; i < LEN(rows); i++) {
        struct error_text why = {""};

        assert_int_equal(event_prescan(rows[i].document, &why), -1);
        assert_string_equal(why.text, rows[i].why);
    }
}

/* Lists in lists, each with a count its own remaining bytes allow: only the sum gives them away. */
static void nested_lies_add_up(void **state)
{
    unsigned char document[4096];
    size_t at = 0;
    struct error_text why = {""};

    (void)state;
    memset(document, 0xc0, sizeof(document));
    for (int level = 0; level < 4; level++) {
        document[at++] = 0xdc;
        document[at++] = 2000 >> 8;
        document[at++] = 2000 & 0xff;
    }
    assert_int_equal(event_prescan((struct bytes){(char *)document, sizeof(document)}, &why), -1);
    assert_string_equal(why.text, "byte 6: promises more than the 4096 bytes of the document");
}

static bool nested_passes(int levels, unsigned char opener)
{
    unsigned char document[64];
    size_t at = 0;

    for (int i = 0; i < levels; i++) {
        document[at++] = opener;
        if (opener == 0x81)
            document[at++] = 0xa0;
    }
    document[at++] = 0xc0;
    return passes((struct bytes){(char *)document, at});
}

static void depth_is_16_levels_below_the_document(void **state)
{
    struct error_text why = {""};
    char empty[18];

    (void)state;
    assert_int_equal(RH_EVENT_MAX_DEPTH, 16);
    assert_true(nested_passes(17, 0x91));
    assert_false(nested_passes(18, 0x91));
    assert_true(nested_passes(17, 0x81));
    assert_false(nested_passes(18, 0x81));
    /* an empty list is a level too */
    memset(empty, '\x91', sizeof(empty));
    empty[16] = '\x90';
    assert_int_equal(event_prescan((struct bytes){empty, 17}, &why), 0);
    empty[16] = '\x91';
    empty[17] = '\x90';
    assert_int_equal(event_prescan((struct bytes){empty, 18}, &why), -1);
    assert_string_equal(why.text, "byte 17: nested deeper than 16 levels");
}

static void levels_end_where_their_elements_end(void **state)
{
    /* [[[1],[2]],{"a":[3]},4] and one behind it */
    static const char document[] = "\x93\x92\x91\x01\x91\x02\x81\xa1"
                                   "a\x91\x03\x04\x05";
    struct error_text why = {""};

    (void)state;
    assert_true(passes((struct bytes){document, sizeof(document) - 2}));
    assert_int_equal(event_prescan((struct bytes){document, sizeof(document) - 1}, &why), -1);
    assert_string_equal(why.text, "byte 12: 1 bytes after the document's end");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_header_passes_whole_and_only_whole),
        cmocka_unit_test(agrees_with_msgpack_c),
        cmocka_unit_test(lies_about_lengths_are_told_by_offset),
        cmocka_unit_test(nested_lies_add_up),
        cmocka_unit_test(depth_is_16_levels_below_the_document),
        cmocka_unit_test(levels_end_where_their_elements_end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
