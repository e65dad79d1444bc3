#include "contract/keys.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
/* cmocka.h needs those above. */
#include <cmocka.h>

#include "contract/lane.h"
#include "room_of.h"

static void all_keys_carry_the_hash_tag(void **state)
{
    struct keys keys;
    char key[KEY_SIZE];

    (void)state;
    assert_int_equal(keys_init(&keys, "webhooks"), 0);
    assert_string_equal(keys.queue, "webhooks");
    assert_string_equal(keys.events, "{webhooks}:events");
    assert_string_equal(keys.retries, "{webhooks}:retries");
    assert_string_equal(keys.deliveries, "{webhooks}:deliveries");
    assert_string_equal(keys.dead, "{webhooks}:dead");
    assert_string_equal(keys.hooks_state, "{webhooks}:hooks-state");
    assert_string_equal(keys.hooks_changed, "{webhooks}:hooks-changed");
    assert_string_equal(keys.leader, "{webhooks}:leader");
    assert_string_equal(keys.stats, "{webhooks}:stats");
    assert_string_equal(keys.meta, "{webhooks}:meta");
    assert_string_equal(keys_room(&keys, &ROOM_OF("438"), key), "{webhooks}:room:438");
    assert_string_equal(keys_room(&keys, &ROOM_OF("!a:b.org"), key), "{webhooks}:room:!a:b.org");
    assert_string_equal(keys_worker(&keys, "host-1-0a0b0c0d", key),
                        "{webhooks}:worker:host-1-0a0b0c0d");
}

static void a_queue_name_cannot_break_out_of_the_tag(void **state)
{
    static const char *const bad[] = {"", "a}b", "{a", "a b", "a:b", "a\n", "é"};
    struct keys keys = {.queue = "kept"};

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_int_equal(keys_init(&keys, bad[i]), -1);
    assert_int_equal(keys_init(&keys, NULL), -1);
    assert_string_equal(keys.queue, "kept");
}

static void the_longest_names_fit(void **state)
{
    struct keys keys;
    char queue[RH_NAME_MAX + 1];
    char consumer[CONSUMER_NAME_SIZE];
    char hook[RH_NAME_MAX + 1] = "";
    struct room_id room = {.len = ROOM_ID_MAX};
    char lane[LANE_SIZE];
    char key[KEY_SIZE];

    (void)state;
    memset(queue, 'q', sizeof(queue));
    queue[RH_NAME_MAX] = '\0';
    memset(consumer, 'c', sizeof(consumer));
    consumer[CONSUMER_NAME_SIZE - 1] = '\0';
    assert_int_equal(keys_init(&keys, queue), 0);
    assert_int_equal(strlen(keys_worker(&keys, consumer, key)),
                     RH_NAME_MAX + 2 + strlen(":worker:") + CONSUMER_NAME_SIZE - 1);
    memset(room.text, 'r', ROOM_ID_MAX);
    assert_int_equal(strlen(keys_room(&keys, &room, key)),
                     RH_NAME_MAX + 2 + strlen(":room:") + ROOM_ID_MAX);
    memset(hook, 'h', RH_NAME_MAX);
    assert_int_equal(strlen(keys_lane(&keys, lane_of(&room, hook, lane), key)),
                     RH_NAME_MAX + 2 + strlen(":lane:") + LANE_SIZE - 1);
    assert_string_equal(keys.hooks_state + RH_NAME_MAX + 2, ":hooks-state");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_keys_carry_the_hash_tag),
        cmocka_unit_test(a_queue_name_cannot_break_out_of_the_tag),
        cmocka_unit_test(the_longest_names_fit),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
