#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "contract/kept_event.h"

#define TRACEPARENT "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

static void assert_kept(const struct kept_event *event, struct bytes expected)
{
    struct buffer out;

    buffer_init(&out, 1024);
    kept_event_encode(event, &out);
    assert_false(buffer_failed(&out));
    assert_int_equal(out.len, expected.len);
    assert_memory_equal(out.data, expected.data, expected.len);
    buffer_release(&out);
}

static void the_document_is_kept_byte_for_byte(void **unused)
{
    const struct kept_event event = {.encoding = RH_MSGPACK,
                                     .event_id = "order-66",
                                     .traceparent = "",
                                     .document = BYTES("\x81\xa1\0\n\xff")};

    (void)unused;
    assert_kept(&event, BYTES("msgpack order-66 -\n\x81\xa1\0\n\xff"));
}

static void a_traceparent_stands_in_the_head(void **unused)
{
    const struct kept_event event = {.encoding = RH_JSON,
                                     .event_id = "msg_1667548137257-0",
                                     .traceparent = TRACEPARENT,
                                     .document = BYTES("{}")};

    (void)unused;
    assert_kept(&event, BYTES("json msg_1667548137257-0 " TRACEPARENT "\n{}"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_document_is_kept_byte_for_byte),
        cmocka_unit_test(a_traceparent_stands_in_the_head),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
