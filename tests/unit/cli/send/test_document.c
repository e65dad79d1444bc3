#include "cli/send/document.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka.h needs those above. */
#include <cmocka.h>
#include <roomhook/event.h>

#include "../../contract/room_of.h"

static void a_message_becomes_a_valid_event(void **state)
{
    const struct document document = {ROOM_OF("438"), "say \"hé\"\n", "Ana", 1667548137257};
    struct buffer out;
    struct error_text why;
    char check[160];

    (void)state;
    buffer_init(&out, 1024);
    assert_int_equal(document_write(&document, &out, &why), 0);
    assert_string_equal(out.data,
                        "{\"message\":{\"roomId\":438,\"type\":\"text\",\"body\":{\"text\":"
                        "\"say \\\"hé\\\"\\n\"},\"createdAt\":1667548137257},"
                        "\"fromUser\":{\"displayName\":\"Ana\"}}");
    const struct rh_event event = {.document = out.data, .document_len = out.len};
    assert_int_equal(rh_event_check(&event, check, sizeof(check)), RH_OK);
    buffer_release(&out);
}

static void the_sender_is_optional(void **state)
{
    const struct document document = {ROOM_OF("!a:b.org"), "", NULL, 0};
    struct buffer out;
    struct error_text why;

    (void)state;
    buffer_init(&out, 1024);
    assert_int_equal(document_write(&document, &out, &why), 0);
    assert_string_equal(
        out.data, "{\"message\":{\"roomId\":\"!a:b.org\",\"type\":\"text\",\"body\":{\"text\":"
                  "\"\"},\"createdAt\":0}}");
    buffer_release(&out);
}

static void what_json_cannot_hold_is_refused(void **state)
{
    const struct document bad_text = {ROOM_OF("1"), "\xff", NULL, 0};
    const struct document bad_from = {ROOM_OF("1"), "", "\xc3", 0};
    struct buffer out;
    struct error_text why;

    (void)state;
    buffer_init(&out, 1024);
    assert_int_equal(document_write(&bad_text, &out, &why), -1);
    assert_int_equal(document_write(&bad_from, &out, &why), -1);
    assert_string_equal(why.text, "the text is not UTF-8");
    buffer_release(&out);
}

static void text_over_the_limit_is_refused(void **state)
{
    const struct document document = {ROOM_OF("1"), "hello", NULL, 0};
    struct buffer out;
    struct error_text why;

    (void)state;
    buffer_init(&out, 60);
    assert_int_equal(document_write(&document, &out, &why), -1);
    assert_string_equal(why.text, "the text is too long");
    buffer_release(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_message_becomes_a_valid_event),
        cmocka_unit_test(the_sender_is_optional),
        cmocka_unit_test(what_json_cannot_hold_is_refused),
        cmocka_unit_test(text_over_the_limit_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
