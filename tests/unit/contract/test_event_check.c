#include "contract/event_check.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
/* cmocka.h needs those above. */
#include <cmocka.h>

#include "contract/room.h"

#define LEN(array) (sizeof(array) / sizeof((array)[0]))
#define PLAIN "{\"message\":{\"roomId\":1}}"
#define INLINE \
    "{\"message\":{},\"webhooks\":[{\"url\":\"https://a.example/\"},{\"url\":\"http://b/\"}]}"
#define TRACEPARENT "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

static void events_are_judged_as_a_worker_will(void **state)
{
    static const struct {
        const char *document;
        const char *id;
        const char *hook;
        const char *traceparent;
        int status;
        const char *why;
    } rows[] = {
        {PLAIN, NULL, NULL, NULL, RH_OK, ""},
        {PLAIN, "evt-1", "main", TRACEPARENT, RH_OK, ""},
        {PLAIN, NULL, "inline-0", NULL, RH_OK, ""}, /* may be the name of a registered hook */
        {INLINE, NULL, NULL, NULL, RH_OK, ""},
        {INLINE, NULL, "inline-1", NULL, RH_OK, ""},
        {INLINE, NULL, "inline-2", NULL, RH_ERR_EVENT,
         "hook: is none of the document's webhooks (inline-0, …)"},
        {INLINE, NULL, "inline-01", NULL, RH_ERR_EVENT,
         "hook: is none of the document's webhooks (inline-0, …)"},
        {INLINE, NULL, "main", NULL, RH_ERR_EVENT,
         "hook: is none of the document's webhooks (inline-0, …)"},
        {PLAIN, "", NULL, NULL, RH_ERR_EVENT, "id: must be 1..64 of A-Z a-z 0-9 _ -"},
        {PLAIN, "a.b", NULL, NULL, RH_ERR_EVENT, "id: must be 1..64 of A-Z a-z 0-9 _ -"},
        {PLAIN, NULL, "a/b", NULL, RH_ERR_EVENT, "hook: must be 1..64 of A-Z a-z 0-9 _ -"},
        {PLAIN, NULL, NULL, "00-x", RH_OK, ""}, /* dropped, which harms nothing */
        {"", NULL, NULL, NULL, RH_ERR_EVENT, "the document is empty"},
        {"{}", NULL, NULL, NULL, RH_ERR_EVENT, "message: is missing"},
        {"{", NULL, NULL, NULL, RH_ERR_EVENT, "line 1, column 2: ends too early"},
        {"{\"message\":{},\"webhooks\":[{\"url\":\"https://a/\"},{\"url\":\"ftp://b/\"}]}", NULL,
         NULL, NULL, RH_ERR_EVENT, "webhooks[1]: url: must start with https:// or http://"},
        {"{\"message\":{},\"webhooks\":[{}]}", NULL, NULL, NULL, RH_ERR_EVENT,
         "webhooks[0]: url: is missing"},
        {"{\"message\":{},\"webhooks\":[]}", NULL, NULL, NULL, RH_OK, ""},
    };

    (void)state;
    for (size_t i = 0; i < LEN(rows); i++) {
        struct rh_event event = {.encoding = RH_JSON,
                                 .document = rows[i].document,
                                 .document_len = strlen(rows[i].document),
                                 .id = rows[i].id,
                                 .hook = rows[i].hook,
                                 .traceparent = rows[i].traceparent};
        char why[256] = "kept from before";

        if (rh_event_check(&event, why, sizeof(why)) != rows[i].status)
            fail_msg("row %zu: %s", i, why);
        assert_string_equal(why, rows[i].why);
    }
}

static void msgpack_is_checked_too(void **state)
{
    static const char document[] = "\x81\xa7message\x81\xa6roomId\xc0";
    struct rh_event event = {
        .encoding = RH_MSGPACK, .document = document, .document_len = sizeof(document) - 1};
    char why[256];

    (void)state;
    assert_int_equal(rh_event_check(&event, why, sizeof(why)), RH_ERR_EVENT);
    assert_string_equal(why, "message.roomId: must be " ROOM_ID_ALLOWED);
}

static void the_encoding_and_the_document_must_be_there(void **state)
{
    struct rh_event event = {.encoding = RH_JSON, .document = NULL, .document_len = 5};
    char why[256];

    (void)state;
    assert_int_equal(rh_event_check(&event, why, sizeof(why)), RH_ERR_EVENT);
    assert_string_equal(why, "the document is empty");
    event = (struct rh_event){
        .encoding = (enum rh_encoding)2, .document = PLAIN, .document_len = strlen(PLAIN)};
    assert_int_equal(rh_event_check(&event, why, sizeof(why)), RH_ERR_EVENT);
    assert_string_equal(why, "encoding: must be RH_JSON or RH_MSGPACK");
}

static void size_is_checked_before_content(void **state)
{
    char *document = malloc(RH_EVENT_MAX_BYTES + 1);
    struct rh_event event = {.encoding = RH_JSON, .document = document};
    char why[256];

    (void)state;
    assert_non_null(document);
    memset(document, ' ', RH_EVENT_MAX_BYTES + 1);
    memcpy(document, PLAIN, strlen(PLAIN));
    event.document_len = RH_EVENT_MAX_BYTES;
    assert_int_equal(rh_event_check(&event, why, sizeof(why)), RH_OK);
    event.document_len++;
    assert_int_equal(rh_event_check(&event, why, sizeof(why)), RH_ERR_TOO_LARGE);
    assert_string_equal(why, "the document has 262145 bytes, at most 262144 are allowed");
    assert_int_equal(event_check(&event, RH_EVENT_MAX_BYTES + 1, why, sizeof(why)), RH_OK);
    event.document_len = strlen(PLAIN);
    assert_int_equal(event_check(&event, strlen(PLAIN) - 1, why, sizeof(why)), RH_ERR_TOO_LARGE);
    free(document);
}

static void why_may_be_short_or_absent(void **state)
{
    struct rh_event event = {.encoding = RH_JSON, .document = "{}", .document_len = 2};
    char why[8];

    (void)state;
    assert_int_equal(rh_event_check(&event, NULL, 0), RH_ERR_EVENT);
    assert_int_equal(rh_event_check(&event, why, sizeof(why)), RH_ERR_EVENT);
    assert_string_equal(why, "message");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(events_are_judged_as_a_worker_will),
        cmocka_unit_test(msgpack_is_checked_too),
        cmocka_unit_test(the_encoding_and_the_document_must_be_there),
        cmocka_unit_test(size_is_checked_before_content),
        cmocka_unit_test(why_may_be_short_or_absent),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
