/*
 * What is kept of delivered events is written in batches, once, and never waited for.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/log.h"
#include "queue/keep.h"
#include "scripted_link.h"

#define STREAM "0000000000001-000001"
#define KEYS "{q}:delivered {q}:delivered-documents 1000 5000"
#define KEPT " " STREAM " 438 main json e1 -\n{}"
#define DONE ":1\r\n"
#define AGAIN ":0\r\n"
#define TOO_LARGE ":-1\r\n"

static struct rig {
    struct loop *loop;
    struct redis_link link;
    struct queue queue;
    struct counters counters;
    struct keep *keep;
    struct buffer document;
} rig;

static int set_up(void **unused)
{
    const struct keep_limits limits = {.keep_ms = 1000, .max_bytes = 5000};

    (void)unused;
    log_configure(LOG_ERROR + 1, LOG_LOGFMT);
    memset(&rig, 0, sizeof(rig));
    link_begin(&rig.link, &rig.queue, &rig.counters);
    rig.loop = loop_new();
    rig.keep = keep_new(rig.loop, &rig.queue, &limits);
    assert_true(rig.loop && rig.keep);
    buffer_init(&rig.document, 8u << 20);
    return 0;
}

static int tear_down(void **unused)
{
    (void)unused;
    link_end(&rig.link);
    keep_free(rig.keep);
    buffer_release(&rig.document);
    loop_free(rig.loop);
    return 0;
}

static void add(struct bytes document)
{
    const struct keep_note note = {
        .stream = STREAM,
        .room = "438",
        .hooks = BYTES("main"),
        .event = {.event_id = "e1", .traceparent = "", .document = document}};

    keep_add(rig.keep, &note);
}

static struct bytes document_of(size_t len)
{
    buffer_clear(&rig.document);
    memset(buffer_extend(&rig.document, len), 'x', len);
    return buffer_bytes(&rig.document);
}

static int64_t dropped(void)
{
    return rig.counters.total[COUNTER_KEEP_DROPPED];
}

static void events_are_written_together(void **unused)
{
    (void)unused;
    assert_true(keep_is_idle(rig.keep));
    add(BYTES("{}"));
    add(BYTES("{}"));
    assert_false(keep_is_idle(rig.keep));
    wait_for_call(rig.loop, &rig.link);
    assert_called(&rig.link, "keep", 2, KEYS KEPT KEPT);
    add(BYTES("[]")); /* comes meanwhile */
    answer(&rig.link, "keep", DONE);
    assert_false(keep_is_idle(rig.keep));
    wait_for_call(rig.loop, &rig.link);
    assert_called(&rig.link, "keep", 2, KEYS " " STREAM " 438 main json e1 -\n[]");
    answer(&rig.link, "keep", DONE);
    assert_true(keep_is_idle(rig.keep));
    assert_int_equal(dropped(), 0);
}

static void what_was_not_executed_is_sent_again(void **unused)
{
    (void)unused;
    add(BYTES("{}"));
    wait_for_call(rig.loop, &rig.link);
    answer(&rig.link, "keep", AGAIN);
    assert_called(&rig.link, "keep", 2, KEYS KEPT);
    answer(&rig.link, "keep", "-NOSCRIPT No matching script.\r\n");
    assert_called(&rig.link, "keep", 2, KEYS KEPT);
    answer(&rig.link, "keep", DONE);
    assert_true(keep_is_idle(rig.keep));
    assert_int_equal(dropped(), 0);
}

static void what_redis_refuses_is_dropped_and_counted(void **unused)
{
    static const char *const answers[] = {"-OOM command not allowed\r\n", TOO_LARGE, NULL};

    (void)unused;
    for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
        add(BYTES("{}"));
        wait_for_call(rig.loop, &rig.link);
        answer(&rig.link, "keep", answers[i]);
        assert_int_equal(rig.link.len, 0);
        assert_true(keep_is_idle(rig.keep));
        assert_int_equal(dropped(), i + 1);
    }
    rig.link.is_full = true;
    add(BYTES("{}"));
    while (!keep_is_idle(rig.keep))
        event_base_loop(loop_base(rig.loop), EVLOOP_ONCE);
    assert_int_equal(dropped(), 4);
}

static void a_batch_is_bounded(void **unused)
{
    (void)unused;
    for (int i = 0; i < 3; i++)
        add(document_of(200000));
    wait_for_call(rig.loop, &rig.link);
    for (int i = 0; i < 3; i++) {
        wait_for_call(rig.loop, &rig.link);
        assert_true(STAILQ_FIRST(&rig.link.calls)->text.len < 201000);
        answer(&rig.link, "keep", DONE);
    }
    assert_true(keep_is_idle(rig.keep));
    for (int i = 0; i < 150; i++)
        add(BYTES("{}"));
    wait_for_call(rig.loop, &rig.link);
    answer(&rig.link, "keep", DONE);
    wait_for_call(rig.loop, &rig.link);
    answer(&rig.link, "keep", DONE);
    assert_true(keep_is_idle(rig.keep));
    assert_int_equal(dropped(), 0);
}

static void what_waits_is_bounded(void **unused)
{
    (void)unused;
    for (int i = 0; i < 10; i++)
        add(document_of(4u << 20)); /* 16 MiB are too few for four of them and their heads */
    assert_int_equal(dropped(), 7);
    for (int i = 0; i < 5000; i++)
        add(BYTES("{}"));
    assert_int_equal(dropped(), 7 + 5000 - (4096 - 3));
}

static void switched_off_it_writes_nothing(void **unused)
{
    const struct keep_limits off = {.keep_ms = 0, .max_bytes = 5000};

    (void)unused;
    add(BYTES("{}"));
    keep_set_limits(rig.keep, &off);
    assert_false(keep_is_on(rig.keep));
    while (!keep_is_idle(rig.keep))
        event_base_loop(loop_base(rig.loop), EVLOOP_ONCE);
    assert_int_equal(rig.link.len, 0);
    assert_int_equal(dropped(), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(events_are_written_together, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_was_not_executed_is_sent_again, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_redis_refuses_is_dropped_and_counted, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_batch_is_bounded, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_waits_is_bounded, set_up, tear_down),
        cmocka_unit_test_setup_teardown(switched_off_it_writes_nothing, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
