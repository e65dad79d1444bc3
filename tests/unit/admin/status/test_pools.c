#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "admin/status/pools.h"

#define LEN(rows) (sizeof(rows) / sizeof((rows)[0]))

static void add(struct status_pools *pools, const char *heartbeat)
{
    assert_int_equal(status_pools_add(pools, bytes_of(heartbeat)), 0);
}

static void workers_of_one_parent_are_one_pool(void **unused)
{
    struct status_pools pools = {NULL, 0, 0};

    (void)unused;
    add(&pools, "{\"host\":\"a\",\"pid\":8,\"in_flight\":3,\"pool\":7,\"process\":1,"
                "\"processes\":4,\"restarts\":0}");
    add(&pools, "{\"host\":\"a\",\"pid\":9,\"in_flight\":4,\"pool\":7,\"process\":3,"
                "\"processes\":4,\"restarts\":5}");
    add(&pools, "{\"host\":\"b\",\"pid\":8,\"in_flight\":1,\"pool\":7,\"process\":1,"
                "\"processes\":4,\"restarts\":0}");
    add(&pools, "{\"host\":\"a\",\"pid\":3,\"in_flight\":1}");
    assert_int_equal(pools.len, 2);
    assert_string_equal(pools.list[0].host, "a");
    assert_int_equal(pools.list[0].pid, 7);
    assert_int_equal(pools.list[0].processes, 4);
    assert_int_equal(pools.list[0].alive, 2);
    assert_int_equal(pools.list[0].restarts, 5);
    assert_int_equal(pools.list[0].in_flight, 7);
    assert_string_equal(pools.list[1].host, "b");
    assert_int_equal(pools.list[1].alive, 1);
    status_pools_release(&pools);
    assert_int_equal(pools.len, 0);
}

static void place_counts_once_by_its_latest_life(void **unused)
{
    static const char *const lives[] = {
        "{\"host\":\"a\",\"in_flight\":3,\"pool\":7,\"process\":2,\"processes\":2,\"restarts\":0}",
        "{\"host\":\"a\",\"in_flight\":9,\"pool\":7,\"process\":2,\"processes\":2,\"restarts\":2}",
        "{\"host\":\"a\",\"in_flight\":5,\"pool\":7,\"process\":2,\"processes\":2,\"restarts\":1}",
    };

    (void)unused;
    for (size_t first = 0; first < LEN(lives); first++) {
        struct status_pools pools = {NULL, 0, 0};
        for (size_t i = 0; i < LEN(lives); i++)
            add(&pools, lives[(first + i) % LEN(lives)]);
        assert_int_equal(pools.len, 1);
        assert_int_equal(pools.list[0].alive, 1);
        assert_int_equal(pools.list[0].restarts, 2);
        assert_int_equal(pools.list[0].in_flight, 9);
        status_pools_release(&pools);
    }
}

/* Anybody may have written it. */
static void what_cannot_be_read_is_no_pool(void **unused)
{
    static const char *const rows[] = {
        "",
        "what",
        "[]",
        "{}",
        "{\"host\":7,\"in_flight\":3,\"pool\":7,\"process\":1,\"processes\":2,\"restarts\":0}",
        "{\"host\":\"a\",\"in_flight\":3,\"pool\":0,\"process\":1,\"processes\":2,\"restarts\":0}",
        "{\"host\":\"a\",\"in_flight\":3,\"pool\":7,\"process\":0,\"processes\":2,\"restarts\":0}",
        "{\"host\":\"a\",\"in_flight\":3,\"pool\":7,\"process\":3,\"processes\":2,\"restarts\":0}",
        "{\"host\":\"a\",\"in_flight\":3,\"pool\":7,\"process\":1,\"processes\":65,\"restarts\":0}",
        "{\"host\":\"a\",\"in_flight\":-1,\"pool\":7,\"process\":1,\"processes\":2,\"restarts\":0}",
        "{\"host\":\"a\",\"in_flight\":3,\"pool\":7,\"process\":1,\"processes\":2,\"restarts\":-1}",
        "{\"host\":\"a\",\"in_flight\":3,\"pool\":7,\"process\":1,\"processes\":2,\"restarts\":{}}",
        "{\"host\":\"a\",\"in_flight\":3,\"pool\":7,\"process\":1,\"processes\":2}",
    };
    struct status_pools pools = {NULL, 0, 0};

    (void)unused;
    for (size_t i = 0; i < LEN(rows); i++)
        add(&pools, rows[i]);
    assert_int_equal(pools.len, 0);
    status_pools_release(&pools);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(workers_of_one_parent_are_one_pool),
        cmocka_unit_test(place_counts_once_by_its_latest_life),
        cmocka_unit_test(what_cannot_be_read_is_no_pool),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
