#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "process/slots.h"

#define LEN 3

static void next_life_begins_anew_but_for_what_was_not_sent(void **unused)
{
    struct pool_slot *slots = pool_slots_new(LEN);

    (void)unused;
    assert_non_null(slots);
    assert_int_equal(pool_slot_state(&slots[1]), PROCESS_ENDED);
    pool_slot_prepare(&slots[1], 77);
    memset(slots[1].consumer, 'x', sizeof(slots[1].consumer));
    counters_add(&slots[1].counters, COUNTER_DELIVERED, 5);
    slots[1].counters.unsent[COUNTER_DELIVERED] = 2;
    slots[1].counters.unsent[COUNTER_DEAD] = -3;
    slots[1].counters.sending = true;
    atomic_store(&slots[1].state, PROCESS_WORKING);
    atomic_store(&slots[1].in_flight, 9);

    pool_slot_prepare(&slots[1], 78);
    assert_int_equal(pool_slot_state(&slots[1]), PROCESS_STARTING);
    assert_int_equal(atomic_load(&slots[1].in_flight), 0);
    assert_int_equal(atomic_load(&slots[1].turned_at_ms), 78);
    assert_string_equal(slots[1].consumer, "");
    assert_int_equal(slots[1].counters.total[COUNTER_DELIVERED], 0);
    assert_int_equal(slots[1].counters.unsent[COUNTER_DELIVERED], 2);
    assert_int_equal(slots[1].counters.unsent[COUNTER_DEAD], 0);
    assert_false(slots[1].counters.sending);
    assert_int_equal(pool_slot_state(&slots[0]), PROCESS_ENDED);
    assert_int_equal(pool_slot_state(&slots[2]), PROCESS_ENDED);
    pool_slots_free(slots, LEN);
    pool_slots_free(NULL, LEN);
}

/* A worker that was taken over by a stranger may write anything. */
static void state_that_is_none_is_still_one_with_a_name(void **unused)
{
    static const int wrong[] = {-1, PROCESS_STATES, INT32_MAX, INT32_MIN};
    struct pool_slot *slots = pool_slots_new(LEN);

    (void)unused;
    assert_non_null(slots);
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        atomic_store(&slots[0].state, wrong[i]);
        assert_string_equal(process_state_name(pool_slot_state(&slots[0])), "starting");
    }
    pool_slots_free(slots, LEN);
}

static void child_tells(struct pool_slot *slot, pid_t parent)
{
    const struct pool_place place = {.slot = slot, .parent = parent};

    pool_place_turn(&place, 4711, 12);
    pool_place_change(&place, PROCESS_WORKING);
    pool_place_change(&place, PROCESS_DRAINING);
    _exit(0);
}

static void parent_sees_what_a_child_tells_and_is_woken(void **unused)
{
    struct pool_slot *slots = pool_slots_new(LEN);
    sigset_t wake;
    sigset_t before;
    const struct timespec limit = {.tv_sec = 10};

    (void)unused;
    assert_non_null(slots);
    sigemptyset(&wake);
    sigaddset(&wake, SIGUSR1);
    assert_int_equal(sigprocmask(SIG_BLOCK, &wake, &before), 0);
    pid_t parent = getpid();
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0)
        child_tells(&slots[2], parent);
    assert_int_equal(sigtimedwait(&wake, NULL, &limit), SIGUSR1);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    assert_int_equal(pool_slot_state(&slots[2]), PROCESS_DRAINING);
    assert_int_equal(atomic_load(&slots[2].turned_at_ms), 4711);
    assert_int_equal(atomic_load(&slots[2].in_flight), 12);
    (void)sigtimedwait(&wake, NULL, &(struct timespec){0});
    assert_int_equal(sigprocmask(SIG_SETMASK, &before, NULL), 0);
    pool_slots_free(slots, LEN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(next_life_begins_anew_but_for_what_was_not_sent),
        cmocka_unit_test(state_that_is_none_is_still_one_with_a_name),
        cmocka_unit_test(parent_sees_what_a_child_tells_and_is_woken),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
