#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
/* cmocka.h needs those above. */
#include <cmocka.h>

#include "http/lookups.h"

static struct lookups lookups;

static int begin_anew(void **unused)
{
    (void)unused;
    lookups_init(&lookups, 4711);
    return 0;
}

/* Each host is asked for by an owner of its own. */
static uint64_t owner_of(const char *host)
{
    return lookups_owner(&lookups, bytes_of(host));
}

static int64_t begin_of(const char *host, int64_t now_ms)
{
    return lookups_begin(&lookups, host, owner_of(host), now_ms);
}

static bool have_room(const char *host, int64_t now_ms)
{
    return lookups_have_room(&lookups, host, owner_of(host), now_ms);
}

static int64_t begin_host(int n, int64_t now_ms)
{
    char host[32];

    snprintf(host, sizeof(host), "host-%d.example", n);
    return begin_of(host, now_ms);
}

static int64_t must_begin(const char *host, int64_t now_ms)
{
    int64_t id = lookups_begin(&lookups, host, (uint64_t)lookups.last_id + 1, now_ms);

    assert_true(id > 0);
    return id;
}

/* Hosts nobody answers for, as many as are let in. */
static int fill(int64_t now_ms)
{
    int n = 0;

    while (begin_host(n, now_ms) > 0)
        n++;
    return n;
}

static void a_host_that_was_answered_has_two_at_a_time(void **unused)
{
    int64_t first;

    (void)unused;
    first = must_begin("a.example", 0);
    assert_int_equal(begin_of("a.example", 0), 0);
    assert_true(have_room("b.example", 0));
    lookups_end(&lookups, first, true);
    first = must_begin("a.example", 0);
    must_begin("a.example", 0);
    assert_false(have_room("a.example", 0));
    assert_int_equal(begin_of("a.example", 0), 0);
    must_begin("b.example", 0);
    lookups_end(&lookups, first, false);
    assert_false(have_room("a.example", 0));
}

static void hosts_that_fail_do_not_displace_those_that_were_answered_for(void **unused)
{
    char host[32];

    (void)unused;
    lookups_end(&lookups, must_begin("g", 0), true);
    for (int n = 0; n < 16 * LOOKUPS_REMEMBERED; n++) {
        snprintf(host, sizeof(host), "bad-%d", n);
        lookups_end(&lookups, must_begin(host, 0), false);
    }
    fill(1);
    must_begin("g", 1);
}

static void unknown_hosts_leave_places_for_those_that_were_answered_for(void **unused)
{
    static const char *const good[LOOKUPS_KEPT / 2] = {"g0",  "g1",  "g2",  "g3", "g4",  "g5",
                                                       "g6",  "g7",  "g8",  "g9", "g10", "g11",
                                                       "g12", "g13", "g14", "g15"};

    (void)unused;
    for (size_t i = 0; i < LOOKUPS_KEPT / 2; i++)
        lookups_end(&lookups, must_begin(good[i], 0), true);
    assert_int_equal(fill(1), LOOKUPS_MAX - LOOKUPS_KEPT);
    assert_int_equal(begin_host(1000, 1), 0);
    for (size_t i = 0; i < LOOKUPS_KEPT / 2; i++) {
        must_begin(good[i], 1);
        must_begin(good[i], 1);
    }
    assert_int_equal(lookups.running_len, LOOKUPS_MAX);
    assert_int_equal(begin_of("g0", 1), 0);
}

static void hosts_that_failed_leave_places_for_unknown_ones(void **unused)
{
    char host[32];
    int begun = 0;

    (void)unused;
    for (int n = 0; n < LOOKUPS_MAX; n++) {
        snprintf(host, sizeof(host), "bad-%d", n);
        lookups_end(&lookups, must_begin(host, 0), false);
    }
    for (int n = 0; n < LOOKUPS_MAX; n++) {
        snprintf(host, sizeof(host), "bad-%d", n);
        begun += begin_of(host, 1) > 0 ? 1 : 0;
    }
    assert_in_range(begun, LOOKUPS_MAX - 2 * LOOKUPS_KEPT, LOOKUPS_MAX - LOOKUPS_KEPT);
    assert_false(have_room("bad-127", 1));
    for (int n = begun; n < LOOKUPS_MAX - LOOKUPS_KEPT; n++)
        assert_true(begin_host(n, 1) > 0);
    assert_int_equal(begin_host(1000, 1), 0);
}

static void a_host_that_fails_loses_its_place(void **unused)
{
    int64_t bad;

    (void)unused;
    lookups_end(&lookups, must_begin("g", 0), true);
    bad = must_begin("g", 0);
    fill(1);
    assert_true(have_room("g", 1));
    lookups_end(&lookups, bad, false);
    assert_false(have_room("g", 1));
}

/* So many names of one owner run at a time. */
static int fill_of_owner(uint64_t owner, int64_t now_ms)
{
    char host[32];
    int n = 0;

    do
        snprintf(host, sizeof(host), "%llu-%d.example", (unsigned long long)owner, n);
    while (lookups_begin(&lookups, host, owner, now_ms) > 0 && ++n < LOOKUPS_MAX);
    return n;
}

static void an_owner_leaves_places_to_others(void **unused)
{
    int all = 0;

    (void)unused;
    assert_int_equal(fill_of_owner(1, 0), 20);
    assert_int_equal(fill_of_owner(2, 0), 16);
    for (uint64_t owner = 3; owner < 10; owner++) {
        int n = fill_of_owner(owner, 0);

        assert_true(n > 0);
        all += n;
    }
    assert_in_range(all, 20, LOOKUPS_MAX - LOOKUPS_KEPT - 36);
}

/* Who holds many gets the places that end only when few are taken. */
static void a_place_that_ends_goes_to_an_owner_that_has_none(void **unused)
{
    int64_t first;

    (void)unused;
    first = lookups_begin(&lookups, "first.example", 1, 0);
    fill_of_owner(1, 0);
    lookups_end(&lookups, first, false);
    assert_true(lookups_have_room(&lookups, "new.example", 1, 0));
    fill_of_owner(2, 0);
    assert_false(lookups_have_room(&lookups, "new.example", 1, 0));
    assert_true(lookups_have_room(&lookups, "new.example", 3, 0));
}

static void an_end_frees_one_place_and_counts_once(void **unused)
{
    int64_t first;
    int n;

    (void)unused;
    first = must_begin("first.example", 0);
    n = fill(0);
    assert_int_equal(n, LOOKUPS_MAX - LOOKUPS_KEPT - 1);
    lookups_end(&lookups, first, false);
    lookups_end(&lookups, first, false);
    lookups_end(&lookups, 0, true);
    lookups_end(&lookups, 999999, true);
    assert_true(begin_host(n, 0) > 0);
    assert_int_equal(begin_host(n + 1, 0), 0);
}

static void what_never_ends_is_forgotten_in_the_end(void **unused)
{
    int64_t old;

    (void)unused;
    old = must_begin("a.example", 0);
    assert_false(have_room("a.example", LOOKUPS_LOST_MS - 1));
    assert_true(have_room("a.example", LOOKUPS_LOST_MS));
    must_begin("a.example", LOOKUPS_LOST_MS);
    lookups_end(&lookups, old, true); /* late news of what was forgotten */
    assert_false(have_room("a.example", LOOKUPS_LOST_MS));
    assert_int_equal(lookups.running_len, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_host_that_was_answered_has_two_at_a_time, begin_anew),
        cmocka_unit_test_setup(hosts_that_fail_do_not_displace_those_that_were_answered_for,
                               begin_anew),
        cmocka_unit_test_setup(unknown_hosts_leave_places_for_those_that_were_answered_for,
                               begin_anew),
        cmocka_unit_test_setup(hosts_that_failed_leave_places_for_unknown_ones, begin_anew),
        cmocka_unit_test_setup(a_host_that_fails_loses_its_place, begin_anew),
        cmocka_unit_test_setup(an_owner_leaves_places_to_others, begin_anew),
        cmocka_unit_test_setup(a_place_that_ends_goes_to_an_owner_that_has_none, begin_anew),
        cmocka_unit_test_setup(an_end_frees_one_place_and_counts_once, begin_anew),
        cmocka_unit_test_setup(what_never_ends_is_forgotten_in_the_end, begin_anew),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
