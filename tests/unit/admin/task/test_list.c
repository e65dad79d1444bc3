#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "admin/task/list.h"

#define NOW_MS INT64_C(1667548137257)

static struct task tasks[TASKS_READ_MAX];
static struct task_list list;

static int begin(void **state)
{
    (void)state;
    memset(tasks, 0, sizeof(tasks));
    list = (struct task_list){.now_ms = NOW_MS, .tasks = tasks};
    return 0;
}

static struct task *add(enum task_state state, int64_t at_ms)
{
    struct task *task = &tasks[list.len++];

    task->state = state;
    task->made_at = at_ms;
    task->ended_at = state == TASK_RUNNING ? 0 : at_ms;
    (void)snprintf(task->id, sizeof(task->id), "%lld-0", (long long)at_ms);
    return task;
}

static void those_that_ended_long_ago_expire(void **state)
{
    (void)state;
    struct bytes ids[TASKS_READ_MAX];

    add(TASK_RUNNING, 1);
    add(TASK_INVALID, 2);
    add(TASK_DONE, NOW_MS - TASKS_ENDED_KEPT_MS);
    add(TASK_CANCELLED, NOW_MS - TASKS_ENDED_KEPT_MS - 1);
    assert_int_equal(task_list_expired(&list, ids), 1);
    assert_true(bytes_equal_text(ids[0], "1666943337256-0"));
}

static void of_too_many_the_oldest_expire(void **state)
{
    (void)state;
    struct bytes ids[TASKS_READ_MAX];

    for (int i = 0; i < TASKS_ENDED_MAX + 2; i++)
        add(i % 2 ? TASK_DONE : TASK_CANCELLED, NOW_MS - 1000 + (i * 7) % 103);
    add(TASK_RUNNING, 1);
    assert_int_equal(task_list_expired(&list, ids), 2);
    for (size_t i = 0; i < 2; i++)
        assert_true(memcmp(ids[i].data, "166754813625", 12) == 0);
    assert_string_equal(tasks[0].id, "1-0"); /* it runs; then the newest */
    assert_string_equal(tasks[1].id, "1667548136359-0");
}

static struct task task_of(const char *by, const char *room)
{
    struct task task = {.state = TASK_RUNNING};

    (void)snprintf(task.by, sizeof(task.by), "%s", by);
    (void)room_id_of_text(bytes_of(room), &task.room);
    return task;
}

static bool has_place(const char *by, const char *room)
{
    struct task task = task_of(by, room);
    struct error_text why = {""};
    bool has = task_list_has_place(&list, &task, &why);

    assert_int_equal(has, why.text[0] == '\0');
    return has;
}

static void add_of(const char *by, const char *room)
{
    *add(TASK_RUNNING, NOW_MS) = task_of(by, room);
}

static void a_room_makes_one_at_a_time(void **state)
{
    (void)state;
    add_of("operate", "438");
    assert_true(has_place("room", "438"));
    add_of("room", "438");
    assert_false(has_place("room", "438"));
    assert_true(has_place("room", "439"));
    assert_true(has_place("operate", "438"));
    tasks[1].state = TASK_DONE;
    assert_true(has_place("room", "438"));
}

static void rooms_leave_places_for_operators(void **state)
{
    (void)state;
    char room[16];

    for (int i = 0; i < TASKS_ROOMS_MAX; i++) {
        (void)snprintf(room, sizeof(room), "r%d", i);
        assert_true(has_place("room", room));
        add_of("room", room);
    }
    assert_false(has_place("room", "more"));
    for (int i = TASKS_ROOMS_MAX; i < TASKS_RUNNING_MAX; i++) {
        assert_true(has_place("operate", ""));
        add_of("operate", "");
    }
    assert_false(has_place("operate", ""));
}

static void one_is_found_by_its_id(void **state)
{
    (void)state;
    add(TASK_DONE, 12);
    assert_ptr_equal(task_list_find(&list, "12-0"), &tasks[0]);
    assert_null(task_list_find(&list, "12-1"));
}

int main(void)
{
    const struct CMUnitTest tests_of_lists[] = {
        cmocka_unit_test_setup(those_that_ended_long_ago_expire, begin),
        cmocka_unit_test_setup(of_too_many_the_oldest_expire, begin),
        cmocka_unit_test_setup(a_room_makes_one_at_a_time, begin),
        cmocka_unit_test_setup(rooms_leave_places_for_operators, begin),
        cmocka_unit_test_setup(one_is_found_by_its_id, begin),
    };

    return cmocka_run_group_tests(tests_of_lists, NULL, NULL);
}
