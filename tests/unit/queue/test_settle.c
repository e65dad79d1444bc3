/*
 * Each settlement is answered once, whatever becomes of what was sent.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/log.h"
#include "queue/settle.h"
#include "scripted_link.h"

#define MOST 2000

static struct rig {
    struct loop *loop;
    struct redis_link link;
    struct queue queue;
    struct counters counters;
    struct settle *settle;
    struct settlement settlements[MOST];
    char ids[MOST][16];
    int told[MOST]; /* how often */
    int ours;
    int told_len;
    struct buffer order; /* of what was told */
    char over[64];
    int refusals; /* begun or over */
} rig;

static void on_put(void *context, struct settlement *settlement, struct settle_batch *batch)
{
    struct redis_args *args = settle_args(batch);

    assert_ptr_equal(context, &rig);
    redis_args_int(args, settle_lane(batch, "1/a", "-", 0));
    if (settlement->id.data[settlement->id.len - 1] == '1')
        redis_args_int(args, settle_lane(batch, "1/a", "01234567", 1000));
    redis_args_int(args, settle_lane(batch, "1/b", "89abcdef", 2000));
    redis_args_int(args, settle_holders(batch, "0000000000001-000001"));
}

static void on_settled(void *context, struct settlement *settlement, bool ours)
{
    size_t number = (size_t)(settlement - rig.settlements);

    assert_ptr_equal(context, &rig);
    assert_ptr_equal(settlement->owner, settlement);
    rig.told[number]++;
    rig.told_len++;
    rig.ours += ours;
    buffer_append_bytes(&rig.order, settlement->id);
    buffer_append_char(&rig.order, ' ');
}

static void on_overflow(void *context, const char *lane, int64_t count)
{
    size_t len = strlen(rig.over);

    assert_ptr_equal(context, &rig);
    snprintf(rig.over + len, sizeof(rig.over) - len, "%s %d, ", lane, (int)count);
}

static void on_refusal(void *context)
{
    assert_ptr_equal(context, &rig);
    rig.refusals++;
}

static int set_up(void **unused)
{
    const struct settle_config config = {.caps = {10, 11, 12},
                                         .put = on_put,
                                         .settled = on_settled,
                                         .overflow = on_overflow,
                                         .refusal = on_refusal,
                                         .context = &rig};

    (void)unused;
    log_configure(LOG_ERROR + 1, LOG_LOGFMT);
    memset(&rig, 0, sizeof(rig));
    link_begin(&rig.link, &rig.queue, &rig.counters);
    buffer_init(&rig.order, 1 << 20);
    rig.loop = loop_new();
    rig.settle = settle_new(rig.loop, &rig.queue, &config);
    assert_true(rig.loop && rig.settle);
    return 0;
}

static int tear_down(void **unused)
{
    (void)unused;
    link_end(&rig.link);
    settle_free(rig.settle);
    buffer_release(&rig.order);
    loop_free(rig.loop);
    return 0;
}

/* Its id is "1-<number>". */
static void submit(int number, enum settle_kind kind)
{
    struct settlement *settlement = &rig.settlements[number];

    snprintf(rig.ids[number], sizeof(rig.ids[number]), "1-%d", number);
    settlement->kind = kind;
    settlement->id = bytes_of(rig.ids[number]);
    settlement->bytes = 100;
    settlement->lane = "1/a";
    settlement->fence = "w:1";
    settlement->owner = settlement;
    settle_submit(rig.settle, settlement);
}

static void assert_told(const char *order)
{
    buffer_append_char(&rig.order, '\0');
    assert_string_equal(rig.order.data, order);
    buffer_clear(&rig.order);
}

#define FIXED_KEYS                                                                         \
    "{q}:deliveries {q}:documents {q}:leases {q}:gates {q}:lanes {q}:lanes-shut {q}:dead " \
    "{q}:dead-by-room {q}:dead-bytes {q}:alerted-dead "
#define OWN_KEYS "{q}:lane:1/a {q}:lane:1/b {q}:holders:0000000000001-000001 "

static void acknowledgements_go_by_their_ids(void **unused)
{
    (void)unused;
    submit(1, SETTLE_ACK);
    submit(2, SETTLE_ACK);
    settle_flush(rig.settle);
    assert_called(&rig.link, "acknowledge", 2, "{q}:events {q}:meta workers 1-1 1-2");
    answer(&rig.link, "acknowledge", "*1\r\n:0\r\n");
    assert_told("1-1 1-2 ");
    assert_int_equal(rig.ours, 2);
    assert_int_equal(settle_waiting(rig.settle), 0);
}

/* Another worker settled the second before. */
static void acknowledgement_of_what_is_gone_is_not_ours(void **unused)
{
    (void)unused;
    submit(1, SETTLE_ACK);
    submit(2, SETTLE_ACK);
    settle_flush(rig.settle);
    answer(&rig.link, "acknowledge", "*5\r\n:0\r\n*0\r\n*0\r\n:1\r\n:0\r\n");
    assert_told("1-1 1-2 ");
    assert_int_equal(rig.ours, 1);
    assert_int_equal(rig.counters.total[COUNTER_FENCED], 1);
}

/* A lane whose hook was not known yet is named with what was known later. */
static void outcomes_name_lanes_and_holders_by_number(void **unused)
{
    (void)unused;
    submit(0, SETTLE_STREAM);
    submit(1, SETTLE_STREAM);
    settle_flush(rig.settle);
    assert_called(&rig.link, "settle_stream", 15,
                  FIXED_KEYS "{q}:events {q}:meta " OWN_KEYS
                             "10 11 12 2 01234567 1000 89abcdef 2000 workers w "
                             "1-0 1 2 1 1-1 1 1 2 1");
    answer(&rig.link, "settle_stream", "*5\r\n:0\r\n*0\r\n*0\r\n:1\r\n:1\r\n");
    submit(0, SETTLE_LEASED);
    settle_flush(rig.settle);
    assert_called(&rig.link, "settle_leased", 13,
                  FIXED_KEYS OWN_KEYS "10 11 12 2 - 0 89abcdef 2000 1-0 1 2 1");
    answer(&rig.link, "settle_leased", "*4\r\n:0\r\n*0\r\n*0\r\n:1\r\n");
    assert_told("1-0 1-1 1-0 ");
    assert_int_equal(rig.ours, 3);
}

static void what_another_worker_holds_is_not_ours(void **unused)
{
    (void)unused;
    submit(1, SETTLE_STREAM);
    submit(2, SETTLE_STREAM);
    settle_flush(rig.settle);
    answer(&rig.link, "settle_stream", "*5\r\n:0\r\n*0\r\n*0\r\n:0\r\n:1\r\n");
    assert_told("1-1 1-2 ");
    assert_int_equal(rig.ours, 1);
    assert_int_equal(rig.counters.total[COUNTER_FENCED], 1);
}

/* Before what was submitted since, and as ours whatever is answered: it may have been stored. */
static void lost_batch_is_sent_again(void **unused)
{
    (void)unused;
    submit(1, SETTLE_STREAM);
    submit(2, SETTLE_STREAM);
    settle_flush(rig.settle);
    submit(3, SETTLE_STREAM);
    answer(&rig.link, "settle_stream", NULL);
    assert_int_equal(rig.told_len, 0);
    assert_int_equal(settle_waiting(rig.settle), 3);
    settle_resume(rig.settle);
    wait_for_call(rig.loop, &rig.link);
    answer(&rig.link, "settle_stream", "*6\r\n:0\r\n*0\r\n*0\r\n:0\r\n:1\r\n:0\r\n");
    assert_told("1-1 1-2 1-3 ");
    assert_int_equal(rig.ours, 2); /* but not the third */
    assert_int_equal(settle_waiting(rig.settle), 0);
}

/* It was not stored: another worker may hold it. */
static void batch_that_could_not_be_sent_goes_later(void **unused)
{
    (void)unused;
    submit(1, SETTLE_LEASED);
    rig.link.is_full = true;
    settle_flush(rig.settle);
    assert_int_equal(settle_waiting(rig.settle), 1);
    rig.link.is_full = false;
    wait_for_call(rig.loop, &rig.link);
    answer(&rig.link, "settle_leased", "*4\r\n:0\r\n*0\r\n*0\r\n:0\r\n");
    assert_told("1-1 ");
    assert_int_equal(rig.ours, 0);
}

static void server_without_the_script_is_sent_it_at_once(void **unused)
{
    (void)unused;
    submit(1, SETTLE_LEASED);
    settle_flush(rig.settle);
    answer(&rig.link, "settle_leased", "-NOSCRIPT No matching script\r\n");
    assert_int_equal(settle_refusal(rig.settle)->fault, FAULT_NONE);
    wait_for_call(rig.loop, &rig.link);
    answer(&rig.link, "settle_leased", "*4\r\n:0\r\n*0\r\n*0\r\n:0\r\n");
    assert_told("1-1 ");
    assert_int_equal(rig.ours, 0); /* the script did not run the first time */
}

static void refusal_is_known_until_something_is_stored(void **unused)
{
    (void)unused;
    submit(1, SETTLE_STREAM);
    settle_flush(rig.settle);
    for (int i = 1; i <= 2; i++) {
        answer(&rig.link, "settle_stream", "-OOM command not allowed\r\n");
        assert_int_equal(settle_refusal(rig.settle)->fault, FAULT_OOM);
        assert_int_equal(settle_refusal(rig.settle)->times, i);
        assert_int_equal(rig.refusals, 1);
        wait_for_call(rig.loop, &rig.link);
    }
    answer(&rig.link, "settle_stream", "*4\r\n:0\r\n*0\r\n*0\r\n:1\r\n");
    assert_int_equal(settle_refusal(rig.settle)->fault, FAULT_NONE);
    assert_int_equal(rig.refusals, 2);
    assert_told("1-1 ");
}

/* What Redis refuses of one kind keeps no other kind from being stored, and ends by itself. */
static void kinds_are_refused_apart(void **unused)
{
    (void)unused;
    submit(1, SETTLE_STREAM);
    submit(2, SETTLE_ACK);
    settle_flush(rig.settle);
    answer(&rig.link, "acknowledge", "*1\r\n:0\r\n");
    answer(&rig.link, "settle_stream", "-OOM command not allowed\r\n");
    assert_told("1-2 ");
    submit(3, SETTLE_ACK);
    settle_flush(rig.settle);
    answer(&rig.link, "acknowledge", "*1\r\n:0\r\n");
    assert_told("1-3 ");
    assert_int_equal(settle_refusal(rig.settle)->fault, FAULT_OOM); /* of the other kind still */
    wait_for_call(rig.loop, &rig.link);
    answer(&rig.link, "settle_stream", "*4\r\n:0\r\n*0\r\n*0\r\n:1\r\n");
    assert_int_equal(settle_refusal(rig.settle)->fault, FAULT_NONE);
}

/* No other worker attempts meanwhile what is leased. */
static void leases_of_what_is_refused_are_held(void **unused)
{
    (void)unused;
    submit(1, SETTLE_LEASED);
    settle_flush(rig.settle);
    answer(&rig.link, "settle_leased", "-OOM command not allowed\r\n");
    assert_called(&rig.link, "hold_leases", 2, "{q}:leases {q}:lane:1/a 30000 1-1 w:1");
    call_free(take_call(&rig.link));
    wait_for_call(rig.loop, &rig.link);
    answer(&rig.link, "settle_leased", "*4\r\n:0\r\n*0\r\n*0\r\n:1\r\n");
    assert_told("1-1 ");
}

static void dropped_letters_are_counted_and_overflows_named(void **unused)
{
    (void)unused;
    submit(1, SETTLE_STREAM);
    settle_flush(rig.settle);
    answer(&rig.link, "settle_stream",
           "*4\r\n:7\r\n*6\r\n:2\r\n:30\r\n:1\r\n:4\r\n:3\r\n:5\r\n*0\r\n:1\r\n");
    assert_int_equal(rig.counters.total[COUNTER_DEAD_DROPPED], 7);
    assert_string_equal(rig.over, "1/b 30, 1/a 4, "); /* there is no third */
}

/* In order; and no more than so many batches at a time. */
static void many_go_in_batches_each_once(void **unused)
{
    int sent = 0;

    (void)unused;
    for (int i = 0; i < MOST; i++)
        submit(i, SETTLE_ACK);
    settle_flush(rig.settle);
    assert_int_equal(rig.link.len, 4); /* not all at a time */
    while (rig.told_len < MOST) {
        wait_for_call(rig.loop, &rig.link);
        /* Every other batch is lost once. */
        bool is_lost = sent++ % 2 == 1 && sent < 6;

        answer(&rig.link, "acknowledge", is_lost ? NULL : "*1\r\n:0\r\n");
        settle_resume(rig.settle);
        assert_true(sent < 100);
    }
    for (int i = 0; i < MOST; i++)
        assert_int_equal(rig.told[i], 1);
    assert_int_equal(settle_waiting(rig.settle), 0);
    assert_int_equal(rig.link.len, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(acknowledgements_go_by_their_ids),
        TEST(acknowledgement_of_what_is_gone_is_not_ours),
        TEST(outcomes_name_lanes_and_holders_by_number),
        TEST(what_another_worker_holds_is_not_ours),
        TEST(lost_batch_is_sent_again),
        TEST(batch_that_could_not_be_sent_goes_later),
        TEST(server_without_the_script_is_sent_it_at_once),
        TEST(refusal_is_known_until_something_is_stored),
        TEST(kinds_are_refused_apart),
        TEST(leases_of_what_is_refused_are_held),
        TEST(dropped_letters_are_counted_and_overflows_named),
        TEST(many_go_in_batches_each_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
