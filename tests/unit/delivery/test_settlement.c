/* What becomes of an entry's deliveries once its settlement is answered. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "../queue/scripted_link.h"
#include "base/log.h"
#include "delivery/dispatch.h"
#include "delivery/keeping.h"
#include "delivery/settlement.h"

#define DOCUMENT                                                                    \
    "{\"message\":{\"roomId\":438},\"webhooks\":[{\"url\":\"https://a.example/\"}," \
    "{\"url\":\"https://b.example/\"}]}"
#define STORED(n) "*4\r\n:0\r\n*0\r\n*0\r\n:" n "\r\n"

static struct rig {
    struct pipeline pipeline;
    struct redis_link link;
    struct queue queue;
    struct counters counters;
    struct entry *entry;
} rig;

int redis_link_send(struct redis_link *link, const struct redis_args *args, int64_t deadline_ms,
                    redis_reply_fn *fn, void *context)
{
    (void)link, (void)args, (void)deadline_ms, (void)fn, (void)context;
    return -1;
}

static void on_nothing(void *context)
{
    (void)context;
}

static void make_parts(struct pipeline *pipeline)
{
    static const struct settings settings = {.max_age_ms = 86400000, .timeout_ms = 15000};
    static const struct capacity_limits limits = {
        .in_flight = 8, .per_address = 8, .per_origin = 8, .per_endpoint = 8, .first = 2};
    const struct settle_config settle = {
        .put = settlement_put, .settled = settlement_stored, .context = pipeline};
    const struct lanes_config lanes = {.context = pipeline};
    const struct registry_rules rules = {.max_age_ms = 86400000};
    const struct keep_limits keep = {.keep_ms = 1000, .max_bytes = 5000};

    pipeline->settings = &settings;
    pipeline->lease_ms = settings.timeout_ms + LEASE_MARGIN_MS;
    pipeline->settle = settle_new(pipeline->loop, &rig.queue, &settle);
    pipeline->lanes = lanes_new(pipeline->loop, &rig.queue, &lanes);
    pipeline->registry = registry_new(pipeline->loop, &rig.queue, &rules);
    pipeline->capacity = capacity_new(&limits);
    pipeline->keep = keep_new(pipeline->loop, &rig.queue, &keep);
    assert_true(pipeline->keep && pipeline->settle && pipeline->lanes && pipeline->registry &&
                pipeline->capacity);
}

/* An entry whose first delivery was answered, and whose second is in line. */
static void make_entry(struct pipeline *pipeline)
{
    struct error_text why;
    struct entry *entry = entry_new(&pipeline->entries, SOURCE_STREAM, BYTES("1667548137257-0"),
                                    RH_JSON, BYTES(DOCUMENT));
    struct hook_set *set;

    assert_non_null(entry);
    entry->pipeline = pipeline;
    assert_true(entry_remember(&pipeline->entries, entry));
    assert_int_equal(event_decode(RH_JSON, entry->document, &entry->event, &why), EVENT_OK);
    set = hook_set_inline(&entry->event);
    for (size_t i = 0; i < set->len; i++) {
        struct delivery *delivery =
            delivery_new(&pipeline->entries, entry, set, &set->slots[i], set->slots[i].id);
        assert_non_null(delivery);
        lane_of_inline(delivery->slot->hook, &entry->event.room_id, delivery->lane);
    }
    hook_set_drop(set);
    entry_move(&pipeline->entries, entry, ENTRY_OPEN);
    rig.entry = entry;
}

static struct delivery *first(void)
{
    return TAILQ_FIRST(&rig.entry->deliveries);
}

static int set_up(void **unused)
{
    struct pipeline *pipeline = &rig.pipeline;
    struct delivery *second;

    (void)unused;
    log_configure(LOG_ERROR + 1, LOG_LOGFMT);
    memset(&rig, 0, sizeof(rig));
    link_begin(&rig.link, &rig.queue, &rig.counters);
    pipeline->queue = &rig.queue;
    pipeline->loop = loop_new();
    assert_int_equal(loop_turn_init(pipeline->loop, &pipeline->turn, on_nothing, NULL), 0);
    entries_init(&pipeline->entries);
    make_parts(pipeline);
    make_entry(pipeline);
    first()->outcome = OUTCOME_DELIVERED;
    delivery_move(&pipeline->entries, first(), DELIVERY_CONCLUDED);
    second = TAILQ_NEXT(first(), link);
    capacity_queue(pipeline->capacity, pipeline_lane_of(pipeline, second), &second->waiter,
                   loop_now_ms());
    delivery_move(&pipeline->entries, second, DELIVERY_QUEUED);
    settlement_of_entry(pipeline, rig.entry);
    settle_flush(pipeline->settle);
    return 0;
}

static int tear_down(void **unused)
{
    struct pipeline *pipeline = &rig.pipeline;

    (void)unused;
    assert_int_equal(pipeline->entries.len, 0);
    link_end(&rig.link);
    settle_free(pipeline->settle);
    keep_free(pipeline->keep);
    lanes_free(pipeline->lanes);
    registry_free(pipeline->registry);
    capacity_free(pipeline->capacity);
    loop_turn_release(&pipeline->turn);
    loop_free(pipeline->loop);
    return 0;
}

static void conclude_last(enum outcome outcome, const char *settled)
{
    struct pipeline *pipeline = &rig.pipeline;

    assert_int_equal(first()->outcome, outcome);
    settle_flush(pipeline->settle);
    answer(&rig.link, "settle_leased", settled);
}

static void what_is_ours_goes_on(void **unused)
{
    struct pipeline *pipeline = &rig.pipeline;

    (void)unused;
    answer(&rig.link, "settle_stream", STORED("1"));
    assert_int_equal(rig.counters.total[COUNTER_DELIVERED], 1);
    dispatch_sweep(pipeline, false);
    assert_int_equal(first()->state, DELIVERY_QUEUED);
    assert_true(first()->leased);
    capacity_leave(pipeline->capacity, &first()->waiter, CAPACITY_SUCCESS, loop_now_ms());
    first()->outcome = OUTCOME_DELIVERED;
    delivery_move(&pipeline->entries, first(), DELIVERY_CONCLUDED);
    settlement_of_delivery(pipeline, first());
    conclude_last(OUTCOME_DELIVERED, STORED("1"));
    assert_int_equal(rig.counters.total[COUNTER_DELIVERED], 2);
}

/* The other worker sends it. */
static void what_another_worker_holds_is_not_sent(void **unused)
{
    (void)unused;
    answer(&rig.link, "settle_stream", STORED("0"));
    dispatch_sweep(&rig.pipeline, false);
    conclude_last(OUTCOME_RELEASED, STORED("0"));
    assert_int_equal(rig.counters.total[COUNTER_FENCED], 2);
    assert_int_equal(rig.counters.total[COUNTER_DELIVERED], 0);
    assert_int_equal(rig.counters.total[COUNTER_RELEASED], 0);
}

/* The first answer was lost: it may be leased, or another worker's. */
static void what_may_be_another_workers_goes_back(void **unused)
{
    (void)unused;
    answer(&rig.link, "settle_stream", NULL);
    settle_resume(rig.pipeline.settle);
    wait_for_call(rig.pipeline.loop, &rig.link);
    answer(&rig.link, "settle_stream", STORED("0"));
    dispatch_sweep(&rig.pipeline, false);
    conclude_last(OUTCOME_RELEASED, STORED("1"));
    assert_int_equal(rig.counters.total[COUNTER_RELEASED], 1);
}

static void assert_kept(const char *hooks)
{
    char text[1024];

    wait_for_call(rig.pipeline.loop, &rig.link);
    snprintf(text, sizeof(text),
             "{q}:delivered {q}:delivered-documents 1000 5000 1667548137257-000000 438 %s "
             "json msg_1667548137257-0 -\n%s",
             hooks, DOCUMENT);
    assert_called(&rig.link, "keep", 2, text);
    answer(&rig.link, "keep", ":1\r\n");
}

/* Each hook when its delivery is stored. */
static void what_was_delivered_is_kept(void **unused)
{
    struct pipeline *pipeline = &rig.pipeline;

    (void)unused;
    answer(&rig.link, "settle_stream", STORED("1"));
    assert_kept("inline-0");
    capacity_leave(pipeline->capacity, &first()->waiter, CAPACITY_SUCCESS, loop_now_ms());
    first()->outcome = OUTCOME_DELIVERED;
    delivery_move(&pipeline->entries, first(), DELIVERY_CONCLUDED);
    settlement_of_delivery(pipeline, first());
    conclude_last(OUTCOME_DELIVERED, STORED("1"));
    assert_kept("inline-1");
    assert_true(keep_is_idle(pipeline->keep));
}

static void what_was_sent_again_or_is_a_test_is_not_kept(void **unused)
{
    (void)unused;
    rig.entry->is_resent = true;
    keeping_note(&rig.pipeline, &rig.entry->settlement);
    rig.entry->is_resent = false;
    rig.entry->is_test = true;
    keeping_note(&rig.pipeline, &rig.entry->settlement);
    rig.entry->is_test = false;
    rig.entry->event.room_id.len = 0;
    keeping_note(&rig.pipeline, &rig.entry->settlement);
    assert_true(keep_is_idle(rig.pipeline.keep));
    what_another_worker_holds_is_not_sent(NULL);
    assert_true(keep_is_idle(rig.pipeline.keep));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_is_ours_goes_on),
        TEST(what_was_delivered_is_kept),
        TEST(what_was_sent_again_or_is_a_test_is_not_kept),
        TEST(what_another_worker_holds_is_not_sent),
        TEST(what_may_be_another_workers_goes_back),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
