#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../contract/room_of.h"
#include "contract/hook.h"
#include "delivery/letter.h"

#define TRACEPARENT "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

/* The arguments as one text: "dead 4 reason=gone error=…". */
static void assert_letter(const struct redis_args *args, const char *expected)
{
    struct buffer text;

    assert_false(redis_args_failed(args));
    buffer_init(&text, 1 << 20);
    buffer_append_bytes(&text, redis_args_at(args, 0));
    buffer_append_char(&text, ' ');
    buffer_append_bytes(&text, redis_args_at(args, 1));
    for (size_t i = 2; i < args->len; i++) {
        buffer_append_char(&text, i % 2 == 0 ? ' ' : '=');
        buffer_append_bytes(&text, redis_args_at(args, i));
    }
    buffer_append_char(&text, '\0');
    assert_false(buffer_failed(&text));
    assert_string_equal(text.data, expected);
    buffer_release(&text);
}

static struct rig {
    struct entries entries;
    struct entry *entry;
    struct delivery *delivery;
    struct hook_slot slot;
    struct redis_args args;
} rig;

static int set_up(void **unused)
{
    struct error_text why;

    (void)unused;
    memset(&rig, 0, sizeof(rig));
    entries_init(&rig.entries);
    rig.entry = entry_new(&rig.entries, SOURCE_STREAM, BYTES("1667548137257-0"), RH_JSON,
                          BYTES("{\"message\":{}}"));
    assert_non_null(rig.entry);
    assert_int_equal(
        hook_parse(BYTES("main"), BYTES("{\"url\":\"https://a.test/x\"}"), &rig.slot.hook, &why),
        HOOK_OK);
    rig.delivery = delivery_new(&rig.entries, rig.entry, NULL, &rig.slot, "main");
    assert_non_null(rig.delivery);
    redis_args_init(&rig.args);
    return 0;
}

static int tear_down(void **unused)
{
    (void)unused;
    redis_args_release(&rig.args);
    entry_free(&rig.entries, rig.entry);
    hook_free(rig.slot.hook);
    return 0;
}

static void delivery_gives_all_fields_in_their_order(void **unused)
{
    (void)unused;
    rig.entry->event.room_id = ROOM_OF("-438");
    memcpy(rig.entry->traceparent, TRACEPARENT, sizeof(TRACEPARENT));
    rig.delivery->reason = DEAD_EXHAUSTED;
    rig.delivery->history = (struct history){.attempts = 3,
                                             .cuts = 2,
                                             .first_attempt_ms = 1667548137257,
                                             .last_attempt_ms = 1667548138257,
                                             .status = 503,
                                             .error = "answered 503"};
    buffer_append_text(&rig.delivery->response, "\"no\"\n\xff");
    buffer_append_text(&rig.delivery->location, "https://b.test/login");
    letter_of_delivery(&rig.args, rig.delivery, "host-1-01234567", true);
    assert_letter(
        &rig.args,
        "dead 32 reason=exhausted error=answered 503 status=503 attempts=3 room=-438 "
        "hook=main url=https://a.test/x event_id=msg_1667548137257-0 "
        "queued_at=2022-11-04T07:48:57.257Z first_attempt_at=2022-11-04T07:48:57.257Z "
        "last_attempt_at=2022-11-04T07:48:58.257Z worker=host-1-01234567 "
        "response=\\\"no\\\"\\n\xef\xbf\xbd location=https://b.test/login traceparent=" TRACEPARENT
        " json={\"message\":{}}");
}

static void delivery_leaves_out_what_it_has_not(void **unused)
{
    (void)unused;
    rig.delivery->slot = NULL;
    rig.delivery->reason = DEAD_HOOK_REMOVED;
    rig.entry->encoding = RH_MSGPACK;
    letter_of_delivery(&rig.args, rig.delivery, "w", true);
    assert_letter(&rig.args, "dead 14 reason=hook-removed attempts=0 hook=main "
                             "event_id=msg_1667548137257-0 queued_at=2022-11-04T07:48:57.257Z "
                             "worker=w msgpack={\"message\":{}}");
}

static void delivery_without_document_is_given_it_by_the_script(void **unused)
{
    (void)unused;
    rig.delivery->slot = NULL;
    rig.delivery->reason = DEAD_OVERFLOW;
    letter_of_delivery(&rig.args, rig.delivery, "w", false);
    assert_letter(&rig.args, "dead 12 reason=overflow attempts=0 hook=main "
                             "event_id=msg_1667548137257-0 queued_at=2022-11-04T07:48:57.257Z "
                             "worker=w");
}

/* Instead of a document, with or without it: so much of the record is what can be kept. */
static void unreadable_record_is_kept_in_part(void **unused)
{
    static char record[LETTER_RECORD_KEPT + 100];
    struct redis_args args;

    (void)unused;
    memset(record, 'r', sizeof(record));
    rig.entry->document = (struct bytes){record, sizeof(record)};
    rig.entry->is_unreadable = true;
    rig.delivery->reason = DEAD_MALFORMED;
    for (int with_document = 0; with_document < 2; with_document++) {
        redis_args_init(&args);
        letter_of_delivery(&args, rig.delivery, "w", with_document == 1);
        assert_true(bytes_equal_text(redis_args_at(&args, args.len - 2), "record"));
        assert_int_equal(redis_args_at(&args, args.len - 1).len, LETTER_RECORD_KEPT);
        redis_args_release(&args);
    }
}

static void entry_gives_both_documents_or_none(void **unused)
{
    struct letter_cause cause = {
        .reason = DEAD_MALFORMED, .error = "it has both", .json = BYTES(""), .msgpack = BYTES("m")};
    struct redis_args args;

    (void)unused;
    snprintf(rig.entry->only_hook, sizeof(rig.entry->only_hook), "other");
    letter_of_entry(&rig.args, rig.entry, &cause, "w");
    assert_letter(&rig.args, "dead 16 reason=malformed error=it has both hook=other "
                             "event_id=msg_1667548137257-0 queued_at=2022-11-04T07:48:57.257Z "
                             "worker=w json= msgpack=m");
    cause.json = cause.msgpack = (struct bytes){NULL, 0};
    redis_args_init(&args);
    letter_of_entry(&args, rig.entry, &cause, "w");
    assert_letter(&args, "dead 12 reason=malformed error=it has both hook=other "
                         "event_id=msg_1667548137257-0 queued_at=2022-11-04T07:48:57.257Z "
                         "worker=w");
    redis_args_release(&args);
}

/* Of a document that is too large so much as a letter has. What is absent stays so. */
static void cause_is_copied(void **unused)
{
    static char text[DEAD_DOCUMENT_KEPT + 100];
    struct letter_cause cause = {
        .reason = DEAD_TOO_LARGE, .error = text, .json = {text, sizeof(text)}};
    struct letter_cause *copy;

    (void)unused;
    memset(text, 'x', sizeof(text) - 1);
    copy = letter_cause_copy(&cause);
    assert_non_null(copy);
    memset(text, 'y', sizeof(text) - 1);
    assert_int_equal(strlen(copy->error), sizeof(text) - 1);
    assert_int_equal(copy->error[0], 'x');
    assert_int_equal(copy->json.len, DEAD_DOCUMENT_KEPT);
    assert_int_equal(copy->json.data[DEAD_DOCUMENT_KEPT - 1], 'x');
    assert_null(copy->msgpack.data);
    free(copy);
    cause = (struct letter_cause){
        .reason = DEAD_MALFORMED, .error = "", .msgpack = {text, sizeof(text)}};
    copy = letter_cause_copy(&cause);
    assert_non_null(copy);
    assert_string_equal(copy->error, "");
    assert_int_equal(copy->msgpack.len, sizeof(text)); /* all of it */
    assert_null(copy->json.data);
    free(copy);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(delivery_gives_all_fields_in_their_order),
        TEST(delivery_leaves_out_what_it_has_not),
        TEST(delivery_without_document_is_given_it_by_the_script),
        TEST(unreadable_record_is_kept_in_part),
        TEST(entry_gives_both_documents_or_none),
        TEST(cause_is_copied),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
