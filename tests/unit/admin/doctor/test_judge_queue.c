#include "admin/doctor/judge.h"
#include "fixture.h"

#define NOW_MS INT64_C(1667548137257)

static struct findings findings;
static struct doctor_facts facts;
static struct keys keys;

/* A busy queue on which all is well. */
static int begin(void **state)
{
    static const char *const types[QUEUE_KEYS] = {
        [KEY_EVENTS] = "stream",        [KEY_DELIVERIES] = "hash",
        [KEY_LANES] = "zset",           [KEY_LANES_SHUT] = "zset",
        [KEY_DEAD] = "stream",          [KEY_META] = "hash",
        [KEY_RETRIES] = "zset",         [KEY_HOOKS_PACE] = "hash",
        [KEY_DOCUMENTS] = "hash",       [KEY_LEASES] = "hash",
        [KEY_GATES] = "hash",           [KEY_DEAD_BY_ROOM] = "zset",
        [KEY_DEAD_BYTES] = "hash",      [KEY_HOOKS_STATE] = "hash",
        [KEY_HOOKS_CHANGED] = "stream", [KEY_STATS] = "hash",
        [KEY_LEADER] = "string",        [KEY_HOOKS_RECENT] = "hash",
        [KEY_DELIVERED] = "stream",     [KEY_DELIVERED_DOCUMENTS] = "hash",
        [KEY_TASKS] = "hash",
    };

    (void)state;
    findings = (struct findings){0};
    facts = (struct doctor_facts){
        .queue = {.now_ms = NOW_MS,
                  .contract = KEYS_CONTRACT,
                  .has_group = true,
                  .events = 12,
                  .pending = 3,
                  .oldest_unread_ms = NOW_MS - 100,
                  .deliveries = 5,
                  .lanes = 2,
                  .lanes_shut = 1,
                  .due = 1,
                  .first_due_ms = NOW_MS - 5,
                  .looked_at_ms = NOW_MS - 3000},
    };
    for (size_t i = 0; i < QUEUE_KEYS; i++) {
        memcpy(facts.queue.keys[i].type, types[i], strlen(types[i]) + 1);
        facts.queue.keys[i].pttl_ms = i == KEY_LEADER ? 12000 : -1;
    }
    facts.asked[ASK_QUEUE].answered = true;
    facts.asked[ASK_COUNTERS].answered = true;
    facts.asked[ASK_STORED].answered = true;
    facts.asked[ASK_PENDING].answered = true;
    for (enum question question = ASK_DELIVERIES; question <= ASK_DOCUMENTS; question++)
        facts.asked[question].answered = true;
    for (enum walk_kind kind = 0; kind < WALKS; kind++)
        facts.walks[kind].looked = 3 + (int64_t)kind;
    return keys_init(&keys, "webhooks");
}

static void judge(void)
{
    judge_queue(&findings, &facts, &keys);
    judge_walks(&findings, &facts, &keys);
}

static void set_type(enum queue_key key, const char *type)
{
    (void)snprintf(facts.queue.keys[key].type, sizeof(facts.queue.keys[key].type), "%s", type);
}

static void a_busy_queue_is_ok(void **state)
{
    (void)state;
    judge();
    assert_worst(&findings, LEVEL_OK);
    assert_found(&findings, "keys", LEVEL_OK, "");
    assert_found(&findings, "contract", LEVEL_OK, "contract 2");
    assert_found(&findings, "group", LEVEL_OK, "workers");
    assert_found(&findings, "unread", LEVEL_OK, "9 unread, 3 pending");
    assert_found(&findings, "lanes", LEVEL_OK,
                 "waiting deliveries: 5; lanes: 2, 1 due, and 1 shut");
    assert_found(&findings, "lost", LEVEL_OK, "");
    assert_found(&findings, "stored", LEVEL_OK, "(3)");
    assert_found(&findings, "pending", LEVEL_OK, "(4)");
    assert_found(&findings, "places", LEVEL_OK, "(6)");
    assert_found(&findings, "documents", LEVEL_OK, "(12)");
    assert_null(found(&findings, "converting"));
}

static void a_queue_that_is_not_there_is_a_note(void **state)
{
    (void)state;
    facts = (struct doctor_facts){0};
    facts.queue.oldest_unread_ms = -1;
    facts.asked[ASK_QUEUE].answered = true;
    for (enum queue_key key = 0; key < QUEUE_KEYS; key++) {
        set_type(key, "none");
        facts.queue.keys[key].pttl_ms = -2;
    }
    judge();
    assert_worst(&findings, LEVEL_NOTE);
    assert_found(&findings, "contract", LEVEL_NOTE, "{webhooks}:meta");
    assert_null(found(&findings, "group"));
}

static void a_wrong_type_is_an_error(void **state)
{
    for (enum queue_key key = 0; key < QUEUE_KEYS; key++) {
        begin(state);
        set_type(key, "list");
        judge();
        assert_found(&findings, "type", LEVEL_ERROR, "is a list; it must be a ");
        assert_null(found(&findings, "keys"));
    }
    assert_found(&findings, "type", LEVEL_ERROR, "{webhooks}:delivered-documents");
}

static void what_is_of_a_wrong_type_is_not_judged(void **state)
{
    (void)state;
    set_type(KEY_EVENTS, "string");
    set_type(KEY_LANES, "string");
    set_type(KEY_META, "string");
    judge();
    assert_null(found(&findings, "group"));
    assert_null(found(&findings, "unread"));
    assert_null(found(&findings, "lanes"));
    assert_null(found(&findings, "contract"));
}

static void an_expiry_is_an_error(void **state)
{
    for (enum queue_key key = 0; key < KEY_LEADER; key++) {
        begin(state);
        facts.queue.keys[key].pttl_ms = 7200000;
        judge();
        assert_found(&findings, "expiry", LEVEL_ERROR, "expires in 2h");
    }
}

static void what_is_kept_for_a_while_may_expire(void **state)
{
    (void)state;
    facts.queue.keys[KEY_DELIVERED].pttl_ms = 7200000;
    facts.queue.keys[KEY_DELIVERED_DOCUMENTS].pttl_ms = 7200000;
    judge();
    assert_null(found(&findings, "expiry"));
}

static void a_lease_must_expire(void **state)
{
    (void)state;
    facts.queue.keys[KEY_LEADER].pttl_ms = -1;
    judge();
    assert_found(&findings, "expiry", LEVEL_ERROR, "{webhooks}:leader never expires");
}

static void another_contract_is_an_error(void **state)
{
    (void)state;
    memcpy(facts.queue.contract, "3", 2);
    judge();
    assert_found(&findings, "contract", LEVEL_ERROR, "has contract 3");
}

static void a_missing_group_matters_when_events_wait(void **state)
{
    facts.queue.has_group = false;
    judge();
    assert_found(&findings, "group", LEVEL_WARNING, "no group workers");

    begin(state);
    facts.queue.has_group = false;
    facts.queue.events = 0;
    judge();
    assert_found(&findings, "group", LEVEL_NOTE, "no group workers");
}

static void other_groups_are_a_warning(void **state)
{
    facts.queue.other_groups_len = 2;
    memcpy(facts.queue.other_groups[0], "audit", 6);
    memcpy(facts.queue.other_groups[1], "stats", 6);
    judge();
    assert_found(&findings, "other-groups", LEVEL_WARNING,
                 "(2), and miss what workers delete: audit");

    begin(state);
    facts.queue.other_groups_len = 100;
    for (size_t i = 0; i < OTHER_GROUPS_MAX; i++)
        memset(facts.queue.other_groups[i], 'g', NAME_SHOWN_SIZE - 1);
    judge();
    assert_found(&findings, "other-groups", LEVEL_WARNING, "(100)");
}

static void old_unread_events_are_a_warning(void **state)
{
    facts.queue.oldest_unread_ms = NOW_MS - 300000;
    judge();
    assert_found(&findings, "unread", LEVEL_OK, "");

    begin(state);
    facts.queue.oldest_unread_ms = NOW_MS - 300001;
    judge();
    assert_found(&findings, "unread", LEVEL_WARNING, "9 unread, the oldest for 5m");

    begin(state);
    facts.queue.oldest_unread_ms = -1;
    facts.queue.events = 2; /* fewer than pending: some of those were deleted */
    judge();
    assert_found(&findings, "unread", LEVEL_OK, "0 unread");
}

static void entries_that_are_held_for_long_are_a_warning(void **state)
{
    (void)state;
    facts.queue.pending_idle_ms = 300000;
    judge();
    assert_null(found(&findings, "held"));

    begin(state);
    facts.queue.pending_idle_ms = 420000;
    judge();
    assert_found(&findings, "held", LEVEL_WARNING, "3 pending, the oldest was taken 7m ago");
}

static void overdue_lanes_are_a_warning(void **state)
{
    facts.queue.first_due_ms = NOW_MS - 300001;
    judge();
    assert_found(&findings, "lanes", LEVEL_WARNING, "1 due, the first for 5m");

    begin(state);
    facts.queue.lanes = 0;
    facts.queue.first_due_ms = 0;
    judge();
    assert_found(&findings, "lanes", LEVEL_OK, "lanes: 0");
}

static void contract_1_is_converted(void **state)
{
    facts.queue.is_converting = true;
    facts.queue.old = 7;
    judge();
    assert_worst(&findings, LEVEL_NOTE);
    assert_found(&findings, "contract", LEVEL_NOTE, "being converted");
    assert_found(&findings, "converting", LEVEL_NOTE, "contract 1 has it: 7");

    begin(state);
    memcpy(facts.queue.contract, "1", 2);
    judge();
    assert_found(&findings, "contract", LEVEL_NOTE, "has contract 1, this version converts it");
}

static void lost_entries_are_a_warning(void **state)
{
    facts.lost = 4;
    judge();
    assert_found(&findings, "lost", LEVEL_WARNING,
                 "0 (counter deleted_externally), pending ones: 4");

    begin(state);
    facts.deleted = 5;
    judge();
    assert_found(&findings, "lost", LEVEL_WARNING,
                 "by others than workers: 5 (counter deleted_externally)");

    begin(state);
    facts.deleted = 5;
    facts.stream_deletions = 1;
    judge();
    assert_found(&findings, "lost", LEVEL_WARNING,
                 "by others than workers: about 5 (counter deleted_externally)");
}

static void a_stream_that_vanished_is_a_warning(void **state)
{
    (void)state;
    set_type(KEY_EVENTS, "none");
    facts.queue.looked_at_ms = facts.queue.now_ms - 3000;
    facts.queue.seen = 7;
    judge();
    assert_found(&findings, "lost", LEVEL_WARNING, "3.0s ago it was, with 7 events in it");
}

static void without_a_look_nothing_is_known_of_losses(void **state)
{
    (void)state;
    facts.queue.looked_at_ms = 0;
    judge();
    assert_found(&findings, "lost", LEVEL_NOTE, "is not known");
}

static void what_does_not_go_together_is_told(void **state)
{
    static const struct {
        enum walk_kind kind;
        const char *check;
        enum level level;
    } cases[] = {
        {WALK_STORED, "stored", LEVEL_ERROR},     {WALK_PENDING, "pending", LEVEL_ERROR},
        {WALK_RECORDS, "records", LEVEL_WARNING}, {WALK_PLACES, "places", LEVEL_ERROR},
        {WALK_SHARED, "shared", LEVEL_ERROR},     {WALK_LANES, "looks", LEVEL_ERROR},
        {WALK_MEMBERS, "members", LEVEL_ERROR},   {WALK_GATES, "gates", LEVEL_WARNING},
        {WALK_LEASES, "leases", LEVEL_WARNING},   {WALK_DOCUMENTS, "documents", LEVEL_WARNING},
    };

    assert_int_equal(sizeof(cases) / sizeof(cases[0]), WALKS);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        begin(state);
        struct walk *walk = &facts.walks[cases[i].kind];
        walk->found = 7;
        memcpy(walk->examples[0], "1-0", 4);
        memcpy(walk->examples[1], "2-0", 4);
        memcpy(walk->examples[2], "3-0", 4);
        judge();
        assert_found(&findings, cases[i].check, cases[i].level, ": 7, like 1-0, 2-0, 3-0");
        assert_int_equal(findings.counts[LEVEL_ERROR] + findings.counts[LEVEL_WARNING], 1);

        walk->cut = true;
        findings = (struct findings){0};
        judge();
        assert_found(&findings, cases[i].check, cases[i].level, ": 7 or more, like 1-0");
    }
}

static void a_walk_that_was_cut_says_so(void **state)
{
    (void)state;
    facts.walks[WALK_STORED] = (struct walk){.looked = 200000, .cut = true};
    facts.walks[WALK_PLACES] = (struct walk){.looked = 200001, .cut = true};
    judge();
    assert_found(&findings, "stored", LEVEL_NOTE, "the first 200000");
    assert_found(&findings, "places", LEVEL_NOTE, "the first 200001");
}

static void what_was_refused_is_not_ok(void **state)
{
    (void)state;
    for (enum question question = 0; question < QUESTIONS; question++)
        facts.asked[question] = (struct asking){.refusal = "Redis answered: NOPERM"};
    judge();
    assert_int_equal(findings.len, 0);

    facts.asked[ASK_GATES] = (struct asking){.answered = true};
    judge();
    assert_null(found(&findings, "places"));
    assert_found(&findings, "gates", LEVEL_OK, "every gate is of a known form");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_busy_queue_is_ok, begin),
        cmocka_unit_test_setup(a_queue_that_is_not_there_is_a_note, begin),
        cmocka_unit_test_setup(a_wrong_type_is_an_error, begin),
        cmocka_unit_test_setup(what_is_of_a_wrong_type_is_not_judged, begin),
        cmocka_unit_test_setup(an_expiry_is_an_error, begin),
        cmocka_unit_test_setup(what_is_kept_for_a_while_may_expire, begin),
        cmocka_unit_test_setup(a_lease_must_expire, begin),
        cmocka_unit_test_setup(another_contract_is_an_error, begin),
        cmocka_unit_test_setup(a_missing_group_matters_when_events_wait, begin),
        cmocka_unit_test_setup(other_groups_are_a_warning, begin),
        cmocka_unit_test_setup(old_unread_events_are_a_warning, begin),
        cmocka_unit_test_setup(entries_that_are_held_for_long_are_a_warning, begin),
        cmocka_unit_test_setup(overdue_lanes_are_a_warning, begin),
        cmocka_unit_test_setup(contract_1_is_converted, begin),
        cmocka_unit_test_setup(lost_entries_are_a_warning, begin),
        cmocka_unit_test_setup(a_stream_that_vanished_is_a_warning, begin),
        cmocka_unit_test_setup(without_a_look_nothing_is_known_of_losses, begin),
        cmocka_unit_test_setup(what_does_not_go_together_is_told, begin),
        cmocka_unit_test_setup(a_walk_that_was_cut_says_so, begin),
        cmocka_unit_test_setup(what_was_refused_is_not_ok, begin),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
