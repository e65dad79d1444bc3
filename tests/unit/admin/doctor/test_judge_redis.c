#include "admin/doctor/judge.h"
#include "fixture.h"

static struct findings findings;
static struct doctor_facts facts;
static struct keys keys;

/* A Redis as docs/operations.md sets it up. */
static int begin(void **state)
{
    (void)state;
    findings = (struct findings){0};
    facts = (struct doctor_facts){
        .info = {.version = "7.0.15",
                 .role = "master",
                 .policy = "noeviction",
                 .aof_write = "ok",
                 .aof_rewrite = "ok",
                 .rdb_save = "ok",
                 .used_memory = 100 << 20,
                 .max_memory = 1 << 30,
                 .system_memory = INT64_C(4) << 30,
                 .aof_enabled = 1},
        .appendfsync = "everysec",
    };
    facts.asked[ASK_INFO].answered = true;
    facts.asked[ASK_TIME].answered = true;
    facts.asked[ASK_WRITE].answered = true;
    return keys_init(&keys, "webhooks");
}

static void judge(void)
{
    judge_redis(&findings, &facts);
}

static void good_settings_are_ok(void **state)
{
    (void)state;
    judge();
    assert_worst(&findings, LEVEL_OK);
    assert_found(&findings, "version", LEVEL_OK, "7.0.15");
    assert_found(&findings, "role", LEVEL_OK, "0 replicas");
    assert_found(&findings, "eviction", LEVEL_OK, "noeviction");
    assert_found(&findings, "memory", LEVEL_OK, "100.0 MB of 1.0 GB");
    assert_found(&findings, "persistence", LEVEL_OK, "appendonly, appendfsync everysec");
    assert_found(&findings, "clock", LEVEL_OK, "");
    assert_found(&findings, "writes", LEVEL_OK, "");
}

static void valkey_has_a_version_of_its_own(void **state)
{
    (void)state;
    memcpy(facts.info.version, "7.2.4", 6);
    memcpy(facts.info.valkey_version, "8.1.1", 6);
    judge();
    assert_found(&findings, "version", LEVEL_OK, "8.1.1 of Valkey, which is like 7.2.4 of Redis");
}

static void old_versions_are_errors(void **state)
{
    (void)state;
    memcpy(facts.info.version, "7.0.4", 6);
    judge();
    assert_found(&findings, "version", LEVEL_ERROR, "7.0.4");
}

static void a_replica_is_an_error(void **state)
{
    (void)state;
    memcpy(facts.info.role, "slave", 6);
    judge();
    assert_found(&findings, "role", LEVEL_ERROR, "slave");
}

static void replicas_out_of_step_are_a_warning(void **state)
{
    (void)state;
    facts.info.replicas = 3;
    facts.info.replicas_behind = 1;
    judge();
    assert_found(&findings, "replicas", LEVEL_WARNING, "1 of 3");
}

static void cluster_is_a_warning(void **state)
{
    (void)state;
    facts.info.cluster_enabled = 1;
    judge();
    assert_found(&findings, "cluster", LEVEL_WARNING, "Cluster");
}

static void eviction_is_an_error_under_a_limit(void **state)
{
    (void)state;
    memcpy(facts.info.policy, "allkeys-lru", 12);
    judge();
    assert_found(&findings, "eviction", LEVEL_ERROR, "the queue");

    begin(state);
    memcpy(facts.info.policy, "volatile-ttl", 13);
    judge();
    assert_found(&findings, "eviction", LEVEL_ERROR, "heartbeats");

    begin(state);
    memcpy(facts.info.policy, "allkeys-lru", 12);
    facts.info.max_memory = 0;
    judge();
    assert_found(&findings, "eviction", LEVEL_WARNING, "allkeys-lru");
}

static void evicted_keys_are_a_warning(void **state)
{
    (void)state;
    facts.info.evicted_keys = 3;
    judge();
    assert_found(&findings, "evicted", LEVEL_WARNING, "3 keys");
}

static void memory_has_head_room(void **state)
{
    static const struct {
        int percent;
        enum level level;
    } cases[] = {
        {79, LEVEL_OK},      {80, LEVEL_OK},     {82, LEVEL_WARNING},
        {99, LEVEL_WARNING}, {100, LEVEL_ERROR},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        begin(state);
        facts.info.used_memory =
            facts.info.max_memory / 100 * cases[i].percent + (cases[i].percent == 100 ? 100 : 0);
        judge();
        assert_found(&findings, "memory", cases[i].level, "of 1.0 GB used");
    }
}

static void without_a_limit_the_machine_counts(void **state)
{
    facts.info.max_memory = 0;
    judge();
    assert_found(&findings, "memory", LEVEL_NOTE, "no maxmemory");

    begin(state);
    facts.info.max_memory = 0;
    facts.info.used_memory = facts.info.system_memory / 10 * 9;
    judge();
    assert_found(&findings, "memory", LEVEL_WARNING, "no maxmemory");

    begin(state);
    facts.info.max_memory = 0;
    facts.info.system_memory = INFO_NOT_TOLD;
    judge();
    assert_found(&findings, "memory", LEVEL_NOTE, "100.0 MB used");
}

static void weak_persistence_is_a_warning(void **state)
{
    facts.info.aof_enabled = 0;
    facts.appendfsync[0] = '\0';
    judge();
    assert_found(&findings, "persistence", LEVEL_WARNING, "appendonly is off");

    begin(state);
    memcpy(facts.appendfsync, "no", 3);
    judge();
    assert_found(&findings, "persistence", LEVEL_WARNING, "appendfsync is no");

    begin(state);
    facts.appendfsync[0] = '\0';
    judge();
    assert_string_equal(found(&findings, "persistence")->text, "appendonly");
}

static void failed_writes_are_errors(void **state)
{
    (void)state;
    memcpy(facts.info.aof_write, "err", 4);
    memcpy(facts.info.aof_rewrite, "err", 4);
    memcpy(facts.info.rdb_save, "err", 4);
    judge();
    assert_found(&findings, "aof-write", LEVEL_ERROR, "err");
    assert_found(&findings, "aof-rewrite", LEVEL_ERROR, "err");
    assert_found(&findings, "snapshot", LEVEL_ERROR, "err");
}

static void clocks_may_differ_a_little(void **state)
{
    static const struct {
        int64_t ahead_ms;
        enum level level;
        const char *text;
    } cases[] = {
        {2000, LEVEL_OK, "agrees"},
        {-2000, LEVEL_OK, "agrees"},
        {2001, LEVEL_WARNING, "2.0s ahead of"},
        {-30000, LEVEL_WARNING, "30.0s behind"},
        {30001, LEVEL_ERROR, "ahead of"},
        {-86400000, LEVEL_ERROR, "24h behind"},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        begin(state);
        facts.clock_ahead_ms = cases[i].ahead_ms;
        judge();
        assert_found(&findings, "clock", cases[i].level, cases[i].text);
    }
}

static void what_info_leaves_out_is_unchecked(void **state)
{
    static const char *const checks[] = {"version",     "cluster", "role",        "eviction",
                                         "evicted",     "memory",  "persistence", "aof-write",
                                         "aof-rewrite", "snapshot"};

    (void)state;
    info_read(BYTES(""), &facts.info);
    judge();
    for (size_t i = 0; i < sizeof(checks) / sizeof(checks[0]); i++)
        assert_found(&findings, checks[i], LEVEL_UNCHECKED, "could not check");
}

static void what_was_not_asked_is_not_judged(void **state)
{
    (void)state;
    facts.asked[ASK_INFO].answered = false;
    facts.asked[ASK_TIME].answered = false;
    facts.asked[ASK_WRITE].answered = false;
    judge();
    assert_int_equal(findings.len, 0);
}

static void a_queue_without_a_password_is_told(void **state)
{
    (void)state;
    facts.access = (struct access_facts){.asked = true};
    judge();
    assert_found(&findings, "access", LEVEL_OK, "needs a password");

    begin(state);
    facts.access = (struct access_facts){.asked = true, .is_open = true};
    judge();
    assert_found(&findings, "access", LEVEL_WARNING, "every client that reaches Redis");
    assert_non_null(strstr(found(&findings, "access")->advice, "ACL SETUSER default resetpass"));

    begin(state);
    facts.access = (struct access_facts){.asked = true, .is_open = true, .is_local = true};
    judge();
    assert_found(&findings, "access", LEVEL_NOTE, "every client on Redis' own machine");

    begin(state);
    facts.access = (struct access_facts){.asked = true, .refusal = "Redis answered: ERR x"};
    judge();
    assert_found(&findings, "access", LEVEL_UNCHECKED, "ERR x");
}

static void refuse(enum question question, const char *words)
{
    (void)snprintf(facts.asked[question].refusal, sizeof(facts.asked[question].refusal), "%s",
                   words);
    facts.asked[question].answered = false;
}

static void every_refusal_is_told_with_its_right(void **state)
{
    (void)state;
    for (enum question question = 0; question < QUESTIONS; question++) {
        begin(state);
        refuse(question,
               "Redis answered: NOPERM this user has no permissions to run the 'x' command");
        judge_refusals(&findings, &facts, &keys);
        assert_int_equal(findings.len, 1);
        assert_non_null(strstr(findings.list[0].text, "could not check "));
        assert_non_null(strstr(findings.list[0].text, "NOPERM"));
        assert_non_null(strchr(findings.list[0].advice, '+'));
        assert_int_equal(findings.list[0].level,
                         question == ASK_APPENDFSYNC ? LEVEL_NOTE : LEVEL_UNCHECKED);
    }
}

static void writes_that_are_refused_are_an_error(void **state)
{
    (void)state;
    refuse(ASK_WRITE, "Redis answered: NOREPLICAS Not enough good replicas to write.");
    facts.write_fault = FAULT_NOREPLICAS;
    judge();
    judge_refusals(&findings, &facts, &keys);
    assert_found(&findings, "writes", LEVEL_ERROR, "NOREPLICAS");
    assert_non_null(strstr(found(&findings, "writes")->advice, "min-replicas-to-write"));

    /* That it may not ask says nothing about writes. */
    begin(state);
    refuse(ASK_WRITE, "Redis answered: NOPERM this user has no permissions to run 'eval'");
    facts.write_fault = FAULT_NOPERM;
    judge();
    assert_null(found(&findings, "writes"));
    judge_refusals(&findings, &facts, &keys);
    assert_found(&findings, "writes", LEVEL_UNCHECKED, "NOPERM");
}

static void advice_fits_the_refusal(void **state)
{
    (void)state;
    refuse(ASK_INFO,
           "Redis answered: NOPERM this user has no permissions to run the 'info' command");
    refuse(ASK_QUEUE, "Redis answered: ERR The user executing the script can't run this command or "
                      "subcommand script: 510");
    refuse(ASK_COUNTERS, "Redis answered: NOPERM this user has no permissions to access one of the "
                         "keys used as arguments");
    refuse(ASK_LEASES, "Redis answered: ERR ACL failure in script: User some has no permissions to "
                       "run the 'hexists' command");
    refuse(ASK_ROOMS, "Redis answered: NOPERM No permissions to access a key");
    refuse(ASK_WORKERS, "Redis answered: WRONGTYPE Operation against a key");
    judge_refusals(&findings, &facts, &keys);
    assert_string_equal(found(&findings, "info")->advice, "give the user +info");
    assert_non_null(strstr(found(&findings, "queue")->advice, "+xinfo|groups"));
    assert_string_equal(found(&findings, "counters")->advice,
                        "give the user the keys ~{webhooks}:*");
    assert_non_null(strstr(found(&findings, "leases")->advice, "+hexists"));
    assert_string_equal(found(&findings, "hooks")->advice, "give the user the keys ~{webhooks}:*");
    assert_non_null(strstr(found(&findings, "workers")->advice, "mend that first"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(good_settings_are_ok, begin),
        cmocka_unit_test_setup(valkey_has_a_version_of_its_own, begin),
        cmocka_unit_test_setup(old_versions_are_errors, begin),
        cmocka_unit_test_setup(a_replica_is_an_error, begin),
        cmocka_unit_test_setup(replicas_out_of_step_are_a_warning, begin),
        cmocka_unit_test_setup(cluster_is_a_warning, begin),
        cmocka_unit_test_setup(eviction_is_an_error_under_a_limit, begin),
        cmocka_unit_test_setup(evicted_keys_are_a_warning, begin),
        cmocka_unit_test_setup(memory_has_head_room, begin),
        cmocka_unit_test_setup(without_a_limit_the_machine_counts, begin),
        cmocka_unit_test_setup(weak_persistence_is_a_warning, begin),
        cmocka_unit_test_setup(failed_writes_are_errors, begin),
        cmocka_unit_test_setup(clocks_may_differ_a_little, begin),
        cmocka_unit_test_setup(what_info_leaves_out_is_unchecked, begin),
        cmocka_unit_test_setup(what_was_not_asked_is_not_judged, begin),
        cmocka_unit_test_setup(a_queue_without_a_password_is_told, begin),
        cmocka_unit_test_setup(every_refusal_is_told_with_its_right, begin),
        cmocka_unit_test_setup(advice_fits_the_refusal, begin),
        cmocka_unit_test_setup(writes_that_are_refused_are_an_error, begin),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
