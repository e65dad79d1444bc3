#include "admin/doctor/judge.h"
#include "fixture.h"

static struct findings findings;
static struct doctor_facts facts;
static struct keys keys;

static int begin(void **state)
{
    (void)state;
    findings = (struct findings){0};
    facts = (struct doctor_facts){.tasks = {.stored = 3, .running = 2}};
    facts.asked[ASK_TASKS].answered = true;
    return keys_init(&keys, "webhooks");
}

static void judge(void)
{
    judge_tasks(&findings, &facts, &keys);
}

static void tasks_that_go_on_are_well(void **state)
{
    (void)state;
    judge();
    assert_found(&findings, "tasks", LEVEL_OK, "2 running");
}

static void nothing_is_said_of_what_was_not_asked(void **state)
{
    (void)state;
    facts.asked[ASK_TASKS].answered = false;
    judge();
    assert_null(found(&findings, "tasks"));
}

static void what_cannot_be_read_is_a_warning(void **state)
{
    (void)state;
    facts.tasks.invalid = (struct task_example){2, "1-1"};
    judge();
    assert_found(&findings, "tasks", LEVEL_WARNING, "2 records cannot be read, like that of 1-1");
    assert_string_equal(found(&findings, "tasks")->advice,
                        "redis-cli HDEL '{webhooks}:tasks' '1-1'");
    assert_int_equal(findings.len, 1);
}

static void too_many_are_a_warning(void **state)
{
    (void)state;
    facts.tasks.stored = 501;
    facts.tasks.too_many = true;
    judge();
    assert_found(&findings, "tasks", LEVEL_WARNING, "501 fields");
}

static void without_a_service_it_is_a_warning(void **state)
{
    (void)state;
    facts.tasks.free = (struct task_example){1, "5-0"};
    judge();
    assert_found(&findings, "tasks", LEVEL_WARNING, "no roomhook-web works on: 1, like 5-0");
}

static void a_step_that_failed_is_a_warning(void **state)
{
    (void)state;
    facts.tasks.refused = (struct task_example){1, "5-0"};
    memcpy(facts.tasks.error, "OOM", 4);
    judge();
    assert_found(&findings, "tasks", LEVEL_WARNING, "like 5-0: OOM");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(tasks_that_go_on_are_well, begin),
        cmocka_unit_test_setup(nothing_is_said_of_what_was_not_asked, begin),
        cmocka_unit_test_setup(what_cannot_be_read_is_a_warning, begin),
        cmocka_unit_test_setup(too_many_are_a_warning, begin),
        cmocka_unit_test_setup(without_a_service_it_is_a_warning, begin),
        cmocka_unit_test_setup(a_step_that_failed_is_a_warning, begin),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
