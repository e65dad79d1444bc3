/*
 * When lanes are looked for, and that each claim is answered once.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "queue/lanes.h"
#include "scripted_link.h"

static struct rig {
    struct loop *loop;
    struct redis_link link;
    struct queue queue;
    struct counters counters;
    struct lanes *lanes;
    size_t room;
    size_t shut_room;
    struct buffer said; /* what was told, in its order */
    int64_t lease_until_ms;
} rig;

static size_t on_room(void *context)
{
    assert_ptr_equal(context, &rig);
    return rig.room;
}

static size_t on_shut_room(void *context)
{
    assert_ptr_equal(context, &rig);
    return rig.shut_room;
}

static void on_due(void *context, const struct due_lane *lane)
{
    assert_ptr_equal(context, &rig);
    buffer_append_format(&rig.said, "due %.*s%s\n", (int)lane->name.len, lane->name.data,
                         lane->is_shut ? " shut" : "");
}

static void on_claimed(void *context, const struct claimed_delivery *claimed)
{
    assert_ptr_equal(context, &rig);
    buffer_append_format(
        &rig.said, "%s: %.*s by %s, %d leases%s, record %s%.*s, document %s%.*s\n",
        claimed->wish->lane, (int)claimed->id.len, claimed->id.data, claimed->fence,
        claimed->expired_leases, claimed->is_over_age ? ", over age" : "",
        claimed->has_record ? "" : "none", (int)claimed->record.len, claimed->record.data,
        claimed->has_document ? "" : "none", (int)claimed->document.len, claimed->document.data);
    rig.lease_until_ms = claimed->lease_until_ms;
}

static void on_answered(void *context, const struct lane_wish *wish,
                        const struct lane_answer *answer)
{
    static const char *const words[] = {[LANE_FREE] = "free",
                                        [LANE_EMPTY] = "empty",
                                        [LANE_PROBE] = "probe",
                                        [LANE_GATED] = "gated",
                                        [LANE_UNKNOWN] = "unknown"};

    assert_ptr_equal(context, &rig);
    assert_string_equal(wish->context, wish->lane);
    buffer_append_format(&rig.said, "%s: %s, %d taken, next %lld, first %lld\n", wish->lane,
                         words[answer->word], (int)answer->taken,
                         answer->next_in_ms == INT64_MAX ? -1 : (long long)answer->next_in_ms,
                         (long long)answer->first_place_in_us);
}

static int set_up(void **unused)
{
    const struct lanes_config config = {.room = on_room,
                                        .shut_room = on_shut_room,
                                        .due = on_due,
                                        .claimed = on_claimed,
                                        .answered = on_answered,
                                        .context = &rig};

    (void)unused;
    memset(&rig, 0, sizeof(rig));
    link_begin(&rig.link, &rig.queue, &rig.counters);
    buffer_init(&rig.said, 1 << 20);
    rig.room = 7;
    rig.shut_room = 100;
    rig.loop = loop_new();
    rig.lanes = lanes_new(rig.loop, &rig.queue, &config);
    assert_true(rig.loop && rig.lanes);
    return 0;
}

static int tear_down(void **unused)
{
    (void)unused;
    link_end(&rig.link);
    lanes_free(rig.lanes);
    buffer_release(&rig.said);
    loop_free(rig.loop);
    return 0;
}

static void assert_said(const char *text)
{
    buffer_append_char(&rig.said, '\0');
    assert_string_equal(rig.said.data, text);
    buffer_clear(&rig.said);
}

/* Nothing is sent for so long. */
static void assert_rests(int64_t ms)
{
    int64_t until_ms = loop_fresh_ms() + ms;

    while (loop_fresh_ms() < until_ms) {
        event_base_loop(loop_base(rig.loop), EVLOOP_NONBLOCK);
        assert_int_equal(rig.link.len, 0);
    }
}

/* --- looking --- */

static void look_reports_both_kinds_of_lanes(void **unused)
{
    (void)unused;
    lanes_up(rig.lanes);
    wait_for_call(rig.loop, &rig.link);
    assert_called(&rig.link, "look", 3, "{q}:lanes {q}:lanes-shut {q}:gates 7 16");
    answer(&rig.link, "look",
           "*4\r\n:1000\r\n:9000\r\n*4\r\n$3\r\n1/a\r\n$0\r\n\r\n$3\r\n1/b\r\n$7\r\n5 pause\r\n"
           "*2\r\n$3\r\n1/c\r\n$10\r\n9 disabled\r\n");
    assert_said("due 1/a\ndue 1/b\ndue 1/c shut\n");
}

#define LOOKED_NOTHING "*4\r\n:1000\r\n:-1\r\n*0\r\n*0\r\n"

static void look_brings_no_more_than_there_is_room_for(void **unused)
{
    (void)unused;
    rig.room = 100;
    lanes_up(rig.lanes);
    wait_for_call(rig.loop, &rig.link);
    assert_called(&rig.link, "look", 3, "{q}:lanes {q}:lanes-shut {q}:gates 48 16");
    rig.shut_room = 3;
    answer(&rig.link, "look", LOOKED_NOTHING);
    lanes_hint(rig.lanes, 0);
    wait_for_call(rig.loop, &rig.link);
    assert_called(&rig.link, "look", 3, "{q}:lanes {q}:lanes-shut {q}:gates 48 3");
}

/* Without room nothing is looked for; when there is some, it is at once. */
static void look_waits_for_room(void **unused)
{
    (void)unused;
    rig.room = 0;
    lanes_up(rig.lanes);
    assert_rests(30);
    lanes_kick(rig.lanes);
    assert_rests(30);
    rig.room = 1;
    int64_t before_ms = loop_fresh_ms();
    lanes_kick(rig.lanes);
    wait_for_call(rig.loop, &rig.link);
    assert_true(loop_fresh_ms() - before_ms < 400);
}

/* The same of lanes that are shut, while others are looked for. */
static void look_waits_for_room_for_shut_lanes(void **unused)
{
    (void)unused;
    rig.shut_room = 0;
    lanes_up(rig.lanes);
    wait_for_call(rig.loop, &rig.link);
    assert_called(&rig.link, "look", 3, "{q}:lanes {q}:lanes-shut {q}:gates 7 0");
    answer(&rig.link, "look", LOOKED_NOTHING);
    lanes_kick(rig.lanes);
    assert_rests(30);
    rig.shut_room = 1;
    int64_t before_ms = loop_fresh_ms();
    lanes_kick(rig.lanes);
    wait_for_call(rig.loop, &rig.link);
    assert_true(loop_fresh_ms() - before_ms < 400);
    answer(&rig.link, "look", LOOKED_NOTHING);
    lanes_kick(rig.lanes);
    assert_rests(30);
}

static void room_that_comes_back_during_a_look_is_used(void **unused)
{
    (void)unused;
    rig.shut_room = 0;
    lanes_up(rig.lanes);
    wait_for_call(rig.loop, &rig.link);
    rig.shut_room = 1;
    lanes_kick(rig.lanes);
    int64_t before_ms = loop_fresh_ms();
    answer(&rig.link, "look", LOOKED_NOTHING);
    wait_for_call(rig.loop, &rig.link);
    assert_true(loop_fresh_ms() - before_ms < 400);
}

static void hint_brings_the_look_forward(void **unused)
{
    (void)unused;
    lanes_up(rig.lanes);
    wait_for_call(rig.loop, &rig.link);
    lanes_hint(rig.lanes, 10); /* while it looks */
    answer(&rig.link, "look", LOOKED_NOTHING);
    int64_t before_ms = loop_fresh_ms();
    wait_for_call(rig.loop, &rig.link);
    assert_true(loop_fresh_ms() - before_ms < 400);
    answer(&rig.link, "look", LOOKED_NOTHING);
    before_ms = loop_fresh_ms();
    lanes_hint(rig.lanes, 10);
    lanes_hint(rig.lanes, INT64_MAX); /* later than what is planned */
    wait_for_call(rig.loop, &rig.link);
    assert_true(loop_fresh_ms() - before_ms < 400);
}

static void look_that_failed_is_made_again(void **unused)
{
    static const char *const replies[] = {"-NOSCRIPT No matching script\r\n", "-OOM x\r\n", NULL};

    (void)unused;
    lanes_up(rig.lanes);
    for (size_t i = 0; i < sizeof(replies) / sizeof(replies[0]); i++) {
        wait_for_call(rig.loop, &rig.link);
        answer(&rig.link, "look", replies[i]);
    }
    wait_for_call(rig.loop, &rig.link);
    assert_said("");
}

static void lanes_of_changed_hooks_are_rechecked_together(void **unused)
{
    (void)unused;
    lanes_recheck(rig.lanes);
    assert_int_equal(rig.link.len, 0);
    lanes_hook_changed(rig.lanes, BYTES("1/a"));
    lanes_hook_changed(rig.lanes, BYTES("1/b"));
    lanes_recheck(rig.lanes);
    assert_called(&rig.link, "recheck", 3, "{q}:gates {q}:lanes {q}:lanes-shut 1/a 1/b");
    lanes_recheck(rig.lanes);
    assert_int_equal(rig.link.len, 1);
}

/* --- claiming --- */

static struct lane_wish wish_of(char *lane)
{
    struct lane_wish wish = {.fingerprint = "01234567",
                             .mode = CLAIM_DUE,
                             .count = 3,
                             .lease_ms = 20000,
                             .max_age_ms = 5000,
                             .interval_us = 100,
                             .lane_max = 9,
                             .context = lane};

    snprintf(wish.lane, sizeof(wish.lane), "%s", lane);
    return wish;
}

static void claim_two(void)
{
    static char first[] = "1/a", second[] = "1/b";
    struct lane_wish wishes[] = {wish_of(first), wish_of(second)};

    wishes[1].mode = CLAIM_OVERFLOW;
    wishes[1].count = 1;
    lanes_claim(rig.lanes, wishes, 2);
    memset(wishes, 0, sizeof(wishes)); /* they are copied */
}

#define CLAIM_KEYS                                                                \
    "{q}:deliveries {q}:documents {q}:leases {q}:gates {q}:lanes {q}:lanes-shut " \
    "{q}:lane:1/a {q}:lane:1/b "
#define CLAIM_WISHES \
    " 8 8388608 01234567 3 20000 5000 100 9 due 01234567 1 20000 5000 100 9 overflow"
#define CLAIMED                                                                         \
    "*4\r\n:1000\r\n*2\r\n*4\r\n:2\r\n$4\r\nfree\r\n:1500\r\n:999500\r\n*4\r\n:1\r\n"   \
    "$5\r\nempty\r\n:-1\r\n:0\r\n*3\r\n"                                                \
    "*6\r\n:1\r\n$22\r\n0000000000001-000001/a\r\n:0\r\n:900\r\n:0\r\n$5\r\n{}\nd1\r\n" \
    "*6\r\n:1\r\n$22\r\n0000000000001-000002/a\r\n:2\r\n:900\r\n:1\r\n$2\r\n{}\r\n"     \
    "*6\r\n:2\r\n$22\r\n0000000000001-000003/b\r\n:0\r\n:900\r\n:0\r\n$-1\r\n"          \
    "*2\r\n$20\r\n0000000000001-000002\r\n$2\r\nd2\r\n"

static void claim_names_its_lanes_and_wishes(void **unused)
{
    (void)unused;
    claim_two();
    assert_called(&rig.link, "claim", 8, CLAIM_KEYS "w 1" CLAIM_WISHES);
    claim_two(); /* its fences are others */
    answer(&rig.link, "claim", NULL);
    assert_called(&rig.link, "claim", 8, CLAIM_KEYS "w 9" CLAIM_WISHES);
}

static void claimed_deliveries_come_before_the_answer_of_their_lane(void **unused)
{
    int64_t before_ms = loop_now_ms();

    (void)unused;
    claim_two();
    answer(&rig.link, "claim", CLAIMED);
    assert_said("1/a: 0000000000001-000001/a by w:1, 0 leases, record {}\nd1, document none\n"
                "1/a: 0000000000001-000002/a by w:2, 2 leases, over age, record {}, document d2\n"
                "1/b: 0000000000001-000003/b by w:3!, 0 leases, record none, document none\n"
                "1/a: free, 2 taken, next 500, first -500\n"
                "1/b: empty, 1 taken, next -1, first 0\n");
    assert_in_range(rig.lease_until_ms, before_ms + 20000, before_ms + 25000);
}

/* Of a lane that was not wished for nothing is handed on. */
static void strange_deliveries_are_passed_over(void **unused)
{
    (void)unused;
    claim_two();
    answer(&rig.link, "claim",
           "*4\r\n:1000\r\n*2\r\n*4\r\n:0\r\n$5\r\nprobe\r\n:-1\r\n:0\r\n"
           "*4\r\n:0\r\n$5\r\npause\r\n:2000\r\n:0\r\n*2\r\n"
           "*6\r\n:3\r\n$1\r\nx\r\n:0\r\n:0\r\n:0\r\n$-1\r\n"
           "*6\r\n:0\r\n$1\r\nx\r\n:0\r\n:0\r\n:0\r\n$-1\r\n*0\r\n");
    assert_said("1/a: probe, 0 taken, next -1, first 0\n"
                "1/b: gated, 0 taken, next 1000, first 0\n");
}

#define UNKNOWN                                \
    "1/a: unknown, 0 taken, next 0, first 0\n" \
    "1/b: unknown, 0 taken, next 0, first 0\n"

static void claim_that_is_not_answered_is_unknown(void **unused)
{
    (void)unused;
    claim_two();
    answer(&rig.link, "claim", NULL);
    assert_said(UNKNOWN);
    claim_two();
    answer(&rig.link, "claim", "-OOM command not allowed\r\n");
    assert_said(UNKNOWN);
    rig.link.is_full = true;
    claim_two();
    assert_said(UNKNOWN);
}

static void server_without_the_script_is_sent_it_at_once(void **unused)
{
    (void)unused;
    claim_two();
    answer(&rig.link, "claim", "-NOSCRIPT No matching script\r\n");
    assert_said("");
    assert_int_equal(rig.link.len, 1);
    answer(&rig.link, "claim", NULL);
    assert_said(UNKNOWN);
}

static void fences_are_never_used_twice(void **unused)
{
    char first[FENCE_SIZE], second[FENCE_SIZE];

    (void)unused;
    lanes_fence(rig.lanes, first);
    assert_string_equal(first, "w:1");
    claim_two(); /* up to 8 */
    lanes_fence(rig.lanes, second);
    assert_string_equal(second, "w:10");
    assert_called(&rig.link, "claim", 8, CLAIM_KEYS "w 2" CLAIM_WISHES);
}

/* --- stopping --- */

static void what_is_under_way_ends_before_it_is_stopped(void **unused)
{
    (void)unused;
    lanes_up(rig.lanes);
    wait_for_call(rig.loop, &rig.link);
    claim_two();
    lanes_stop(rig.lanes);
    assert_false(lanes_is_stopped(rig.lanes));
    answer(&rig.link, "look",
           "*4\r\n:1000\r\n:1\r\n*2\r\n$3\r\n1/a\r\n$0\r\n\r\n*0\r\n"); /* reported no more */
    assert_said("");
    assert_false(lanes_is_stopped(rig.lanes));
    answer(&rig.link, "claim", CLAIMED); /* but what is leased must be given back */
    assert_true(lanes_is_stopped(rig.lanes));
    assert_true(rig.said.len > 0);
    buffer_clear(&rig.said);
    claim_two();
    assert_said(UNKNOWN);
    lanes_hint(rig.lanes, 0);
    lanes_up(rig.lanes);
    lanes_kick(rig.lanes);
    assert_rests(30);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(look_reports_both_kinds_of_lanes),
        TEST(look_brings_no_more_than_there_is_room_for),
        TEST(look_waits_for_room),
        TEST(look_waits_for_room_for_shut_lanes),
        TEST(room_that_comes_back_during_a_look_is_used),
        TEST(lanes_of_changed_hooks_are_rechecked_together),
        TEST(hint_brings_the_look_forward),
        TEST(look_that_failed_is_made_again),
        TEST(claim_names_its_lanes_and_wishes),
        TEST(claimed_deliveries_come_before_the_answer_of_their_lane),
        TEST(strange_deliveries_are_passed_over),
        TEST(claim_that_is_not_answered_is_unknown),
        TEST(server_without_the_script_is_sent_it_at_once),
        TEST(fences_are_never_used_twice),
        TEST(what_is_under_way_ends_before_it_is_stopped),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
