#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "redis/login.h"
#include "redis/version.h"
#include "reply_of.h"

/* The commands of a greeting, one after the other. */
static const char *greeting_of(const char *url, unsigned wants)
{
    static char text[500];
    struct redis_address address;
    struct error_text why;
    struct login login;
    size_t at = 0;

    assert_int_equal(redis_address_parse(bytes_of(url), &address, &why), 0);
    login_init(&login, &address, "me", wants);
    text[0] = '\0';
    for (size_t i = 0; i < login.len; i++) {
        for (size_t n = 0; n < login.commands[i].args_len; n++)
            at += (size_t)snprintf(text + at, sizeof(text) - at, "%s%s", n > 0 ? " " : "",
                                   login.commands[i].args[n].data);
        at += (size_t)snprintf(text + at, sizeof(text) - at, "; ");
    }
    return text;
}

static void a_greeting_has_what_the_address_and_the_client_want(void **unused)
{
    (void)unused;
    assert_string_equal(greeting_of("redis://h", 0), "CLIENT SETNAME me; ");
    assert_string_equal(greeting_of("redis://:p@h/3", 0), "AUTH p; SELECT 3; CLIENT SETNAME me; ");
    assert_string_equal(greeting_of("redis://u:p@h", LOGIN_TO_MASTER),
                        "AUTH u p; CLIENT SETNAME me; ROLE; ");
    assert_string_equal(greeting_of("redis://h", LOGIN_TO_MASTER | LOGIN_TO_READY),
                        "CLIENT SETNAME me; ROLE; EVAL " REDIS_VERSION_SCRIPT " 0; ");
}

static enum redis_fault judge(enum login_step step, const char *bytes, struct error_text *why)
{
    struct reply *reply = reply_of(bytes);
    enum redis_fault fault = login_judge(step, reply, why);

    reply_free(reply);
    return fault;
}

/* Each refusal of the table, at each step: only a command that is refused by itself, and that
 * nothing hangs on, lets the greeting go on. */
static void refusals_end_it_but_for_what_is_cosmetic(void **unused)
{
    static const struct {
        const char *words;
        enum redis_fault fault;
    } refusals[] = {
#define REFUSAL(words, fault, status, heals) {words, FAULT_##fault},
#include "../../support/redis_faults.def"
#undef REFUSAL
    };

    (void)unused;
    for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
        for (int step = 0; step < LOGIN_STEPS; step++) {
            enum redis_fault fault = refusals[i].fault;
            bool is_borne =
                (step == LOGIN_NAME || step == LOGIN_ROLE) &&
                (fault == FAULT_NOPERM || strncmp(refusals[i].words, "ERR unk", 7) == 0);
            struct error_text why = {""};
            char bytes[200];
            snprintf(bytes, sizeof(bytes), "-%s\r\n", refusals[i].words);
            if (judge((enum login_step)step, bytes, &why) != (is_borne ? FAULT_NONE : fault) ||
                strcmp(why.text, is_borne ? "" : refusals[i].words) != 0)
                fail_msg("step %d: %s", step, refusals[i].words);
        }
    }
}

static void what_is_no_master_is_left(void **unused)
{
    static const char *const others[] = {"*2\r\n$5\r\nslave\r\n$1\r\nh\r\n",
                                         "*1\r\n$8\r\nsentinel\r\n", "*0\r\n", "$-1\r\n",
                                         "+master\r\n"};
    struct error_text why;

    (void)unused;
    assert_int_equal(judge(LOGIN_ROLE, "*1\r\n$6\r\nmaster\r\n", &why), FAULT_NONE);
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        why.text[0] = '\0';
        assert_int_equal(judge(LOGIN_ROLE, others[i], &why), FAULT_READONLY);
        assert_non_null(strstr(why.text, "not the master"));
    }
    assert_int_equal(judge(LOGIN_AUTH, "+OK\r\n", &why), FAULT_NONE);
    assert_int_equal(judge(LOGIN_SCRIPT, "$6\r\n7.0.15\r\n", &why), FAULT_NONE);
    assert_int_equal(judge(LOGIN_SCRIPT, "$5\r\n6.2.1\r\n", &why), FAULT_OTHER);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_greeting_has_what_the_address_and_the_client_want),
        cmocka_unit_test(refusals_end_it_but_for_what_is_cosmetic),
        cmocka_unit_test(what_is_no_master_is_left),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
