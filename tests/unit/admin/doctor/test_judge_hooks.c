#include "admin/doctor/judge.h"
#include "fixture.h"

#include "../../contract/room_of.h"

#define SECRET "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYo="

static struct findings findings;
static const struct room_id room = ROOM_OF("438");

static int begin(void **state)
{
    (void)state;
    findings = (struct findings){0};
    return 0;
}

/* Judges a hook of room 438; is it one that workers POST to? */
static bool judge(const char *id, const char *json)
{
    struct hook *hook = judge_hook(&findings, &room, bytes_of(id), bytes_of(json));
    bool is_used = hook != NULL;

    hook_free(hook);
    return is_used;
}

static void good_hooks_have_no_finding(void **state)
{
    static const char *const hooks[] = {
        "{\"url\":\"https://example.com/\",\"verificationSignature\":\"abc\"}",
        "{\"url\":\"https://example.com:8443/x\",\"secret\":\"" SECRET "\"}",
        "{\"url\":\"http://example.com/\"}",
        "{\"url\":\"https://8.8.8.8/\"}",
        "{\"url\":\"https://[2600::1]/\"}",
        "{\"url\":\"https://localhost.example/\"}",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(hooks) / sizeof(hooks[0]); i++) {
        assert_true(judge("main", hooks[i]));
        assert_worst(&findings, LEVEL_OK);
    }
    assert_int_equal(findings.len, 0);
}

static void bad_hooks_are_errors(void **state)
{
    static const struct {
        const char *id;
        const char *json;
        const char *check;
        const char *text;
    } cases[] = {
        {"main", "", "bad-hook", "room 438 hook main: "},
        {"main", "no", "bad-hook", "room 438 hook main: "},
        {"main", "{}", "bad-hook", "url"},
        {"main", "{\"url\":\"https://example.com/\",\"formta\":\"bare\"}", "bad-hook", "formta"},
        {"a\033b", "{\"url\":\"https://example.com/\"}", "bad-hook", "room 438 hook a?b: "},
        {"main", "{\"url\":\"ftp://example.com/\"}", "bad-url", "https://"},
        {"main", "{\"url\":\"https://a b/\"}", "bad-url", "room 438 hook main: url"},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        begin(state);
        assert_false(judge(cases[i].id, cases[i].json));
        assert_found(&findings, cases[i].check, LEVEL_ERROR, cases[i].text);
    }
}

static void only_the_length_of_a_long_hook_counts(void **state)
{
    (void)state;
    assert_null(judge_hook(&findings, &room, BYTES("main"), (struct bytes){"", HOOK_JSON_MAX + 1}));
    assert_found(&findings, "bad-hook", LEVEL_ERROR, "65537 bytes");
}

/* What the operator types goes through a shell: no words of strangers in there. */
static void advice_has_no_strange_id(void **state)
{
    (void)state;
    judge("$(reboot)", "{}");
    assert_null(strstr(found(&findings, "bad-hook")->advice, "reboot"));
    begin(state);
    judge("good", "{}");
    assert_non_null(strstr(found(&findings, "bad-hook")->advice, "--room 438 --id good"));
}

static void a_room_in_advice_is_quoted_for_the_shell(void **state)
{
    static const struct {
        const char *room;
        const char *shown;
    } cases[] = {
        {"!a:matrix.org", "--room='!a:matrix.org' --id main"},
        {"#general", "--room='#general' --id main"},
        {"$HOME", "--room='$HOME' --id main"},
        {"~root", "--room='~root' --id main"},
        {"--all", "--room='--all' --id main"},
        {"room@conference.example.org", "--room room@conference.example.org --id main"},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct room_id named;

        begin(state);
        assert_int_equal(room_id_of_text(bytes_of(cases[i].room), &named), 0);
        assert_null(judge_hook(&findings, &named, BYTES("main"), BYTES("{}")));
        assert_non_null(strstr(found(&findings, "bad-hook")->text, cases[i].room));
        assert_non_null(strstr(found(&findings, "bad-hook")->advice, cases[i].shown));
        begin(state);
        judge_hook_state(&findings, &named, "main", "0ecbac1b",
                         BYTES("{\"fingerprint\":\"0ecbac1b\",\"disabled\":true}"));
        assert_non_null(strstr(findings.list[0].advice, cases[i].shown));
    }
}

static void disabled_hooks_are_not_looked_at(void **state)
{
    (void)state;
    assert_false(judge("main", "{\"url\":\"http://10.0.0.1/\",\"enabled\":false}"));
    assert_int_equal(findings.len, 0);
}

static void refused_addresses_are_a_note(void **state)
{
    static const char *const origins[] = {
        "http://127.0.0.1:80",    "https://10.1.2.3:443",      "http://192.168.0.1:8080",
        "https://172.16.0.1:443", "http://169.254.169.254:80", "https://[::1]:443",
        "https://[fd00::1]:8443", "http://localhost:80",       "https://a.localhost:443",
        "https://example.com:22", "https://8.8.8.8:6379",      "http://0.0.0.0:80",
    };
    static const char *const spellings[] = {"127.1", "2130706433", "0x7f.1", "0177.0.0.1"};
    char json[128];

    for (size_t i = 0; i < sizeof(origins) / sizeof(origins[0]); i++) {
        begin(state);
        (void)snprintf(json, sizeof(json), "{\"url\":\"%s/\",\"verificationSignature\":\"abc\"}",
                       origins[i]);
        assert_true(judge("main", json));
        assert_found(&findings, "address", LEVEL_NOTE, origins[i]);
        assert_non_null(strstr(findings.list[0].text, "room 438 hook main"));
        assert_int_equal(findings.len, 1);
    }
    for (size_t i = 0; i < sizeof(spellings) / sizeof(spellings[0]); i++) {
        begin(state);
        (void)snprintf(json, sizeof(json), "{\"url\":\"http://%s/\"}", spellings[i]);
        assert_true(judge("main", json));
        assert_found(&findings, "address", LEVEL_NOTE, "http://127.0.0.1:80");
    }
}

static void credentials_over_http_are_a_note(void **state)
{
    assert_true(judge("main", "{\"url\":\"http://a.example/\",\"verificationSignature\":\"x\"}"));
    assert_found(&findings, "plain-http", LEVEL_NOTE, "room 438 hook main: has a signature");

    begin(state);
    assert_true(judge("main", "{\"url\":\"http://a.example/\",\"secret\":\"" SECRET "\"}"));
    assert_found(&findings, "plain-http", LEVEL_NOTE, "has a secret");
    assert_null(strstr(findings.list[0].text, "whsec"));
}

static void a_room_is_judged_by_its_key(void **state)
{
    const struct key_fact hash = {"hash", -1};

    judge_room(&findings, BYTES("438"), &hash, HOOKS_PER_ROOM_MAX);
    judge_room(&findings, BYTES("-7"), &hash, 1);
    judge_room(&findings, BYTES("!OGEhHVWSdvArJzumhm:matrix.org"), &hash, 1);
    assert_int_equal(findings.len, 0);
    judge_room(&findings, BYTES("438"), &hash, HOOKS_PER_ROOM_MAX + 1);
    assert_found(&findings, "too-many", LEVEL_ERROR, "room 438: 257 hooks");
    judge_room(&findings, BYTES("439"), &(struct key_fact){"string", -1}, 0);
    assert_found(&findings, "room-type", LEVEL_ERROR, "room 439: its key is a string");
    judge_room(&findings, BYTES("440"), &(struct key_fact){"hash", 5000}, 1);
    assert_found(&findings, "room-expiry", LEVEL_WARNING, "room 440: its hooks expire in 5.0s");

    static const char *const wrong[] = {"",    ".",  "..",  "7 ",      "7\033",
                                        "a/b", "a*", "{a}", "\xc3\xa4"};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        begin(state);
        judge_room(&findings, bytes_of(wrong[i]), &hash, 1);
        assert_found(&findings, "room-id", LEVEL_WARNING, "is for no room");
    }
}

/* members: "{" and more. */
static void judge_state(const char *members)
{
    char json[512];

    (void)snprintf(json, sizeof(json), "{\"fingerprint\":\"0ecbac1b\",%s", members + 1);
    judge_hook_state(&findings, &room, "main", "0ecbac1b", bytes_of(json));
}

static void disabled_and_open_hooks_are_told(void **state)
{
    (void)state;
    judge_hook_state(&findings, &room, "main", "0ecbac1b", BYTES(""));
    judge_hook_state(&findings, &room, "main", "0ecbac1b", BYTES("no"));
    judge_hook_state(&findings, &room, "main", "0ecbac1b",
                     BYTES("{\"fingerprint\":\"another\",\"disabled\":true,\"reason\":\"gone\"}"));
    judge_state("{\"until\":99999999999999,\"disabled\":false,\"reason\":\"retry-after\"}");
    judge_state("{\"failing_since\":1667548137257,\"failures\":3}");
    assert_int_equal(findings.len, 0);

    judge_state("{\"at\":1,\"disabled\":true,\"reason\":\"gone\",\"error\":\"answered 410\"}");
    assert_found(&findings, "disabled", LEVEL_WARNING,
                 "room 438 hook main: disabled: gone: answered 410");
    assert_non_null(strstr(findings.list[0].advice, "hook resume --room 438 --id main"));

    judge_state("{\"opens\":1,\"probe_at\":1667548137257,\"error\":\"answered 503\"}");
    assert_found(&findings, "open", LEVEL_NOTE,
                 "room 438 hook main: open, next probe 2022-11-04T07:48:57.257Z: answered 503");
}

static void rooms_are_summed_up(void **state)
{
    static struct doctor_facts facts;

    judge_rooms(&findings, &facts);
    assert_int_equal(findings.len, 0);

    facts.asked[ASK_KEYS].answered = true;
    judge_rooms(&findings, &facts);
    assert_found(&findings, "hooks", LEVEL_OK, "0, of rooms: 0");

    begin(state);
    facts.rooms = (struct rooms_facts){.keys = 1000, .rooms = 2, .hooks = 3};
    judge_rooms(&findings, &facts);
    assert_worst(&findings, LEVEL_OK);
    assert_found(&findings, "hooks", LEVEL_OK, "3, of rooms: 2");

    begin(state);
    facts.rooms.cut = true;
    judge_rooms(&findings, &facts);
    assert_found(&findings, "hooks-cut", LEVEL_NOTE, "there are more rooms");

    begin(state);
    facts.rooms.cut = false;
    facts.asked[ASK_ROOMS] = (struct asking){.refusal = "Redis answered: NOPERM"};
    judge_rooms(&findings, &facts);
    assert_int_equal(findings.len, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(good_hooks_have_no_finding, begin),
        cmocka_unit_test_setup(bad_hooks_are_errors, begin),
        cmocka_unit_test_setup(only_the_length_of_a_long_hook_counts, begin),
        cmocka_unit_test_setup(advice_has_no_strange_id, begin),
        cmocka_unit_test_setup(a_room_in_advice_is_quoted_for_the_shell, begin),
        cmocka_unit_test_setup(disabled_hooks_are_not_looked_at, begin),
        cmocka_unit_test_setup(refused_addresses_are_a_note, begin),
        cmocka_unit_test_setup(credentials_over_http_are_a_note, begin),
        cmocka_unit_test_setup(a_room_is_judged_by_its_key, begin),
        cmocka_unit_test_setup(disabled_and_open_hooks_are_told, begin),
        cmocka_unit_test_setup(rooms_are_summed_up, begin),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
