#include "admin/doctor/judge.h"
#include "fixture.h"

#define NO_HEARTBEAT (-2)
#define NEVER_EXPIRES (-1)

static struct findings findings;
static struct doctor_facts facts;
static struct worker_fact workers[3];
static struct keys keys;

static struct worker_fact worker_fact(const char *name, int64_t pending, int64_t idle_ms,
                                      int64_t pttl_ms, const char *version)
{
    struct worker_fact worker = {.pending = pending, .idle_ms = idle_ms, .pttl_ms = pttl_ms};

    (void)snprintf(worker.name, sizeof(worker.name), "%s", name);
    (void)snprintf(worker.version, sizeof(worker.version), "%s", version);
    return worker;
}

/* Two workers at work, and a few dead letters. */
static int begin(void **state)
{
    (void)state;
    findings = (struct findings){0};
    workers[0] = worker_fact("vm-1-00000000", 3, 10, 14000, "0.1.0");
    workers[1] = worker_fact("vm-2-00000000", 0, 900000, 11000, "0.1.0");
    workers[2] = worker_fact("vm-3-00000000", 5, 20000, NO_HEARTBEAT, "");
    facts = (struct doctor_facts){
        .workers = {workers, 2},
        .queue = {.events = 12, .dead = 100},
        .dead_max = 1000,
        .dead_max_bytes = 1 << 20,
        .dead_bytes = 1000,
    };
    facts.asked[ASK_WORKERS].answered = true;
    facts.asked[ASK_QUEUE].answered = true;
    facts.asked[ASK_COUNTERS].answered = true;
    facts.asked[ASK_DEAD_BYTES].answered = true;
    return keys_init(&keys, "webhooks");
}

static void judge(void)
{
    judge_workers(&findings, &facts, &keys);
    judge_dead(&findings, &facts, &keys);
}

static void workers_at_work_are_ok(void **state)
{
    (void)state;
    judge();
    assert_worst(&findings, LEVEL_OK);
    assert_found(&findings, "alive", LEVEL_OK, "2 alive, version 0.1.0");
    assert_found(&findings, "dead-max", LEVEL_OK, "100, the cap is 1000");
    assert_found(&findings, "dead-max-bytes", LEVEL_OK, "the cap is 1.0 MB");
    assert_found(&findings, "dead-dropped", LEVEL_OK, "");
}

static void nobody_is_an_error_when_something_waits(void **state)
{
    facts.workers.len = 0;
    judge();
    assert_found(&findings, "alive", LEVEL_ERROR, "waiting events: 12");

    begin(state);
    facts.workers.len = 0;
    facts.queue = (struct queue_facts){.due = 1};
    judge();
    assert_found(&findings, "alive", LEVEL_ERROR, "due lanes: 1");

    begin(state);
    facts.workers.len = 0;
    facts.queue = (struct queue_facts){.lanes = 1}; /* due later */
    judge();
    assert_found(&findings, "alive", LEVEL_NOTE, "no worker is alive");
}

static void the_dead_are_told_when_nobody_lives(void **state)
{
    (void)state;
    workers[0].pttl_ms = workers[1].pttl_ms = NO_HEARTBEAT;
    facts.workers.len = 3;
    judge();
    assert_found(&findings, "alive", LEVEL_ERROR, "waiting events: 12, 8 of them pending");
    assert_found(&findings, "dead-worker", LEVEL_NOTE, "vm-1-00000000 is dead");
    assert_int_equal(findings.counts[LEVEL_NOTE], 3); /* two dead with entries, one without */
}

static void a_take_over_is_a_note_for_a_while(void **state)
{
    static const struct {
        int64_t idle_ms;
        int64_t pttl_ms; /* of the living */
        enum level level;
        const char *text;
    } cases[] = {
        {0, 14000, LEVEL_NOTE, "others take over its pending entries: 5"},
        {165000, 14000, LEVEL_NOTE, "silent for 2m"},
        {165001, 14000, LEVEL_ERROR, "no worker takes over its pending entries: 5"},
        {165001, 300000, LEVEL_NOTE, "take over"},
        {1020001, 300000, LEVEL_ERROR, "silent for 17m"},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        begin(state);
        facts.workers.len = 3;
        workers[1].pttl_ms = cases[i].pttl_ms;
        workers[2].idle_ms = cases[i].idle_ms;
        judge();
        assert_found(&findings, "dead-worker", cases[i].level, cases[i].text);
        assert_found(&findings, "alive", LEVEL_OK, "2 alive");
    }
}

static void left_over_consumers_are_a_note(void **state)
{
    (void)state;
    facts.workers.len = 3;
    workers[2].pending = 0;
    judge();
    assert_worst(&findings, LEVEL_NOTE);
    assert_found(&findings, "left-over", LEVEL_NOTE, ": 1");
}

static void a_heartbeat_must_expire(void **state)
{
    (void)state;
    workers[1].pttl_ms = NEVER_EXPIRES;
    judge();
    assert_found(&findings, "heartbeat", LEVEL_ERROR, "vm-2-00000000 never expires");
    assert_found(&findings, "alive", LEVEL_OK, "2 alive");
}

static void different_versions_are_a_note(void **state)
{
    memcpy(workers[1].version, "0.2.0", 6);
    judge();
    assert_worst(&findings, LEVEL_NOTE);
    assert_found(&findings, "versions", LEVEL_NOTE,
                 "2 alive, of different versions: 0.1.0 and 0.2.0");

    begin(state);
    workers[1].version[0] = '\0';
    judge();
    assert_found(&findings, "versions", LEVEL_NOTE, "0.1.0 and unknown");

    begin(state);
    facts.workers.len = 3;
    memcpy(workers[2].version, "9", 2); /* dead: no matter */
    judge();
    assert_null(found(&findings, "versions"));
}

static void letters_near_the_cap_are_a_warning(void **state)
{
    facts.queue.dead = 899;
    judge();
    assert_found(&findings, "dead-max", LEVEL_OK, "899");

    begin(state);
    facts.queue.dead = 900;
    judge();
    assert_found(&findings, "dead-max", LEVEL_WARNING, "900, the cap is 1000");

    begin(state);
    facts.dead_bytes = facts.dead_max_bytes;
    judge();
    assert_found(&findings, "dead-max-bytes", LEVEL_WARNING, "memory: 1.0 MB");
}

static void dropped_letters_are_a_warning(void **state)
{
    (void)state;
    facts.dead_dropped = 12;
    judge();
    assert_found(&findings, "dead-dropped", LEVEL_WARNING, "12 letters");
}

static void what_was_not_asked_is_not_judged(void **state)
{
    (void)state;
    memset(facts.asked, 0, sizeof(facts.asked));
    judge();
    assert_int_equal(findings.len, 0);
}

static void what_redis_refuses_a_worker_is_found(void **state)
{
    memcpy(workers[0].refused, "noperm", 7);
    judge();
    assert_found(&findings, "refused", LEVEL_WARNING, "vm-1-00000000 commands (noperm)");
    assert_non_null(strstr(found(&findings, "refused")->advice, "rights"));

    begin(state);
    memcpy(workers[0].refused, "wrongtype", 10);
    memcpy(workers[0].refused_what, "HGETALL {webhooks}:room:1", 26);
    judge();
    assert_found(&findings, "refused", LEVEL_WARNING, "HGETALL {webhooks}:room:1");
    assert_null(found(&findings, "unstored"));

    begin(state);
    memcpy(workers[1].refused, "noreplicas", 11);
    workers[1].unstored = 10;
    workers[1].unstored_ms = 420000;
    judge();
    assert_found(&findings, "unstored", LEVEL_ERROR,
                 "vm-2-00000000 cannot store 10 outcomes, for 7m, and reads nothing (noreplicas)");
    assert_non_null(strstr(found(&findings, "unstored")->advice, "min-replicas-to-write"));
    assert_null(found(&findings, "refused"));
}

static void the_right_that_is_missing_is_named(void **state)
{
    static const struct {
        const char *what;
        const char *advice;
    } rows[] = {
        {"NOPERM the user may not XDEL {webhooks}:events", "give its user +xdel, or"},
        {"NOPERM this user has no permissions to run the 'xautoclaim' command", "+xautoclaim, or"},
        {"HGETALL {webhooks}:room:1", "+hgetall, or"},
        {"XREADGROUP", "+xreadgroup, or"},
        {"heartbeat {webhooks}:leader", "the rights that docs/operations.md lists"},
        {"ERR The user executing the script can't run this command or subcommand: XACK {w}:events",
         "+xack, or"},
        {"ERR The user executing the script can't run this command or subcommand",
         "the rights that"},
        {"", "the rights that"},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        begin(state);
        memcpy(workers[0].refused, "noperm", 7);
        (void)snprintf(workers[0].refused_what, sizeof(workers[0].refused_what), "%s",
                       rows[i].what);
        judge();
        const char *advice = found(&findings, "refused")->advice;
        if (!strstr(advice, rows[i].advice))
            fail_msg("%s: %s", rows[i].what, advice);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(workers_at_work_are_ok, begin),
        cmocka_unit_test_setup(what_redis_refuses_a_worker_is_found, begin),
        cmocka_unit_test_setup(nobody_is_an_error_when_something_waits, begin),
        cmocka_unit_test_setup(the_dead_are_told_when_nobody_lives, begin),
        cmocka_unit_test_setup(a_take_over_is_a_note_for_a_while, begin),
        cmocka_unit_test_setup(left_over_consumers_are_a_note, begin),
        cmocka_unit_test_setup(a_heartbeat_must_expire, begin),
        cmocka_unit_test_setup(different_versions_are_a_note, begin),
        cmocka_unit_test_setup(letters_near_the_cap_are_a_warning, begin),
        cmocka_unit_test_setup(dropped_letters_are_a_warning, begin),
        cmocka_unit_test_setup(the_right_that_is_missing_is_named, begin),
        cmocka_unit_test_setup(what_was_not_asked_is_not_judged, begin),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
