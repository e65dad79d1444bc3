#include "cli/doctor/judge.h"
#include "fixture.h"

#define NOW_MS INT64_C(1667548137257)

static struct findings findings;
static struct doctor_facts facts;
static struct keys keys;

/* A busy queue on which all is well. */
static int begin(void **state)
{
    static const char *const types[] = {"stream", "zset", "hash",   "stream", "hash",
                                        "hash",   "hash", "stream", "hash",   "string"};

    (void)state;
    findings = (struct findings){0};
    facts = (struct doctor_facts){
        .queue = {.now_ms = NOW_MS,
                  .contract = KEYS_CONTRACT,
                  .has_group = true,
                  .events = 12,
                  .pending = 3,
                  .oldest_unread_ms = NOW_MS - 100,
                  .retries = 2,
                  .deliveries = 2,
                  .due = 1,
                  .first_due_ms = NOW_MS - 5},
    };
    for (size_t i = 0; i < QUEUE_KEYS; i++) {
        memcpy(facts.queue.keys[i].type, types[i], strlen(types[i]) + 1);
        facts.queue.keys[i].pttl_ms = i == KEY_LEADER ? 12000 : -1;
    }
    facts.asked[ASK_QUEUE].answered = true;
    facts.asked[ASK_COUNTERS].answered = true;
    facts.asked[ASK_STORED].answered = true;
    facts.asked[ASK_PENDING].answered = true;
    facts.asked[ASK_RETRIES].answered = true;
    facts.walks[ASK_STORED].looked = 3;
    facts.walks[ASK_PENDING].looked = 3;
    facts.walks[ASK_RETRIES].looked = 2;
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
    assert_found(&findings, "retries", LEVEL_OK, "2 waiting, 1 due");
    assert_found(&findings, "lost", LEVEL_OK, "");
    assert_found(&findings, "stored", LEVEL_OK, "(3)");
    assert_found(&findings, "pending", LEVEL_OK, "(3)");
    assert_found(&findings, "due-times", LEVEL_OK, "(2)");
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
    assert_found(&findings, "type", LEVEL_ERROR, "{webhooks}:leader");
}

static void what_is_of_a_wrong_type_is_not_judged(void **state)
{
    (void)state;
    set_type(KEY_EVENTS, "string");
    set_type(KEY_RETRIES, "string");
    set_type(KEY_META, "string");
    judge();
    assert_null(found(&findings, "group"));
    assert_null(found(&findings, "unread"));
    assert_null(found(&findings, "retries"));
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

static void overdue_retries_are_a_warning(void **state)
{
    facts.queue.first_due_ms = NOW_MS - 300001;
    judge();
    assert_found(&findings, "retries", LEVEL_WARNING, "1 due, the first for 5m");

    begin(state);
    facts.queue.retries = 0;
    facts.queue.first_due_ms = 0;
    judge();
    assert_found(&findings, "retries", LEVEL_OK, "0 waiting");
}

static void lost_entries_are_a_warning(void **state)
{
    facts.lost = 4;
    judge();
    assert_found(&findings, "lost", LEVEL_WARNING, "0 (counter gone), pending ones: 4");

    begin(state);
    facts.gone = 5;
    judge();
    assert_found(&findings, "lost", LEVEL_WARNING, "5 (counter gone)");
}

static void what_the_other_half_lacks_is_an_error(void **state)
{
    static const struct {
        enum question question;
        const char *check;
    } cases[] = {
        {ASK_STORED, "stored"},
        {ASK_PENDING, "pending"},
        {ASK_RETRIES, "due-times"},
        {ASK_DELIVERIES, "records"},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        begin(state);
        facts.asked[ASK_DELIVERIES].answered = true;
        struct walk *walk = &facts.walks[cases[i].question];
        walk->found = 7;
        memcpy(walk->examples[0], "1-0", 4);
        memcpy(walk->examples[1], "2-0", 4);
        memcpy(walk->examples[2], "3-0", 4);
        judge();
        assert_found(&findings, cases[i].check, LEVEL_ERROR, ": 7, like 1-0, 2-0, 3-0");
        assert_int_equal(findings.counts[LEVEL_ERROR], 1);

        walk->cut = true;
        findings = (struct findings){0};
        judge();
        assert_found(&findings, cases[i].check, LEVEL_ERROR, ": 7 or more, like 1-0");
    }
}

static void a_walk_that_was_cut_says_so(void **state)
{
    facts.walks[ASK_STORED] = (struct walk){.looked = 200000, .cut = true};
    facts.walks[ASK_RETRIES] = (struct walk){.looked = 100000, .cut = true};
    facts.queue.retries = 1000000;
    judge();
    assert_found(&findings, "stored", LEVEL_NOTE, "the first 200000");
    assert_found(&findings, "due-times", LEVEL_OK, "(1000000), the same in the first 100000");

    begin(state);
    facts.asked[ASK_DELIVERIES].answered = true;
    facts.walks[ASK_RETRIES] = (struct walk){.looked = 2000000, .cut = true};
    judge();
    assert_found(&findings, "due-times", LEVEL_NOTE, "the first 2000000");
}

static void what_was_refused_is_not_ok(void **state)
{
    (void)state;
    for (enum question question = 0; question < QUESTIONS; question++)
        facts.asked[question] = (struct asking){.refusal = "Redis answered: NOPERM"};
    judge();
    assert_int_equal(findings.len, 0);

    facts.asked[ASK_RETRIES] = (struct asking){.answered = true};
    judge();
    assert_null(found(&findings, "records"));
    assert_found(&findings, "due-times", LEVEL_OK, "every due time has its record");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_busy_queue_is_ok, begin),
        cmocka_unit_test_setup(a_queue_that_is_not_there_is_a_note, begin),
        cmocka_unit_test_setup(a_wrong_type_is_an_error, begin),
        cmocka_unit_test_setup(what_is_of_a_wrong_type_is_not_judged, begin),
        cmocka_unit_test_setup(an_expiry_is_an_error, begin),
        cmocka_unit_test_setup(a_lease_must_expire, begin),
        cmocka_unit_test_setup(another_contract_is_an_error, begin),
        cmocka_unit_test_setup(a_missing_group_matters_when_events_wait, begin),
        cmocka_unit_test_setup(other_groups_are_a_warning, begin),
        cmocka_unit_test_setup(old_unread_events_are_a_warning, begin),
        cmocka_unit_test_setup(entries_that_are_held_for_long_are_a_warning, begin),
        cmocka_unit_test_setup(overdue_retries_are_a_warning, begin),
        cmocka_unit_test_setup(lost_entries_are_a_warning, begin),
        cmocka_unit_test_setup(what_the_other_half_lacks_is_an_error, begin),
        cmocka_unit_test_setup(a_walk_that_was_cut_says_so, begin),
        cmocka_unit_test_setup(what_was_refused_is_not_ok, begin),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
