/*
 * The movers keep lists and counts: whatever moves are made, they say what a look at everything
 * would say.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/backoff.h"
#include "delivery/entries.h"

#define ENTRIES 12
#define MOVES 20000

/* --- what there is, counted anew --- */

static size_t count_entries(const struct entries *entries)
{
    const struct entry *entry;
    size_t len = 0;

    for (int state = 0; state < ENTRY_STATES; state++) {
        TAILQ_FOREACH(entry, &entries->of_state[state], of_state) {
            assert_int_equal(entry->state, state);
            len++;
        }
    }
    return len;
}

static void check_deliveries_of_states(const struct entries *entries)
{
    const struct delivery *delivery;

    for (int state = 0; state < DELIVERY_STATES; state++) {
        size_t len[SOURCES] = {0};

        TAILQ_FOREACH(delivery, &entries->deliveries[state], of_state) {
            assert_int_equal(delivery->state, state);
            len[delivery->entry->source]++;
        }
        for (int source = 0; source < SOURCES; source++)
            assert_int_equal(len[source], entries->deliveries_len[state][source]);
    }
}

static void check(const struct entries *entries, struct entry *const *all)
{
    size_t unfinished = 0;
    size_t unstarted = 0;
    size_t len = 0;

    for (int i = 0; i < ENTRIES; i++) {
        const struct delivery *delivery;
        size_t open = 0;

        if (!all[i])
            continue;
        len++;
        unstarted += all[i]->source == SOURCE_STREAM && all[i]->state == ENTRY_LOOKING_UP;
        TAILQ_FOREACH(delivery, &all[i]->deliveries, link) {
            open += delivery->state != DELIVERY_CONCLUDED;
            unstarted += all[i]->source == SOURCE_STREAM && delivery->state < DELIVERY_SENDING;
        }
        assert_int_equal(all[i]->open, open);
        unfinished += open;
    }
    assert_int_equal(entries->len, len);
    assert_int_equal(count_entries(entries), len);
    check_deliveries_of_states(entries);
    for (int state = 0; state < DELIVERY_CONCLUDED; state++)
        unfinished -= entries->deliveries_len[state][SOURCE_STREAM] +
                      entries->deliveries_len[state][SOURCE_LANE];
    assert_int_equal(unfinished, 0);
    assert_int_equal(entries_unstarted(entries), unstarted);
}

/* --- tests --- */

static struct entry *make(struct entries *entries, int number, enum entry_source source)
{
    char id[RH_STREAM_ID_SIZE];
    struct entry *entry;

    snprintf(id, sizeof(id), "1667548137257-%d", number);
    entry = entry_new(entries, source, bytes_of(id), RH_JSON, BYTES("{}"));
    assert_non_null(entry);
    return entry;
}

static struct delivery *any_delivery(const struct entry *entry, uint64_t random)
{
    struct delivery *delivery = TAILQ_FIRST(&entry->deliveries);

    for (uint64_t n = random % 4; n > 0 && delivery && TAILQ_NEXT(delivery, link); n--)
        delivery = TAILQ_NEXT(delivery, link);
    return delivery;
}

static void move_something(struct entries *entries, struct entry *entry, uint64_t random)
{
    struct delivery *delivery = any_delivery(entry, random >> 8);

    switch (random % 5) {
    case 0:
        assert_non_null(delivery_new(entries, entry, NULL, NULL, "main"));
        break;
    case 1:
        entry_move(entries, entry, (enum entry_state)((random >> 16) % ENTRY_STATES));
        break;
    case 2:
        if (delivery)
            delivery_free(entries, delivery);
        break;
    default: /* a delivery is concluded once */
        if (delivery && delivery->state != DELIVERY_CONCLUDED)
            delivery_move(entries, delivery,
                          (enum delivery_state)((random >> 16) % DELIVERY_STATES));
        break;
    }
}

static void counts_are_those_of_what_there_is(void **unused)
{
    struct entries entries;
    struct entry *all[ENTRIES] = {NULL};
    uint64_t seed = 4;

    (void)unused;
    entries_init(&entries);
    for (int i = 0; i < MOVES; i++) {
        uint64_t random = backoff_random(&seed);
        size_t at = (size_t)(random >> 32) % ENTRIES;

        if (!all[at]) {
            all[at] = make(&entries, (int)at, random % 2 == 0 ? SOURCE_STREAM : SOURCE_LANE);
        } else if (random % 40 == 0) {
            entry_free(&entries, all[at]);
            all[at] = NULL;
        } else {
            move_something(&entries, all[at], random);
        }
        check(&entries, all);
    }
    for (int i = 0; i < ENTRIES; i++) {
        if (all[i])
            entry_free(&entries, all[i]);
        all[i] = NULL;
    }
    check(&entries, all);
    assert_int_equal(entries.looking_up, 0);
}

static void entry_has_its_names(void **unused)
{
    struct entries entries;
    struct entry *entry;
    const struct delivery *delivery;

    (void)unused;
    entries_init(&entries);
    entry = entry_new(&entries, SOURCE_STREAM, BYTES("1667548137-7"), RH_MSGPACK, BYTES("\x80"));
    assert_non_null(entry);
    assert_string_equal(entry->stream_id, "1667548137-7");
    assert_string_equal(entry->stream, "0001667548137-000007");
    assert_string_equal(entry->event_id, "msg_1667548137-7");
    assert_true(entry->queued_at_ms == 1667548137);
    assert_true(bytes_equal(entry->document, BYTES("\x80")));
    delivery = delivery_new(&entries, entry, NULL, NULL, "main");
    assert_non_null(delivery);
    assert_string_equal(delivery->id, "0001667548137-000007/main");
    assert_ptr_equal(delivery->settlement.id.data, delivery->id);
    assert_ptr_equal(entry->settlement.id.data, entry->stream_id);
    entry_free(&entries, entry);
    assert_null(entry_new(&entries, SOURCE_STREAM, BYTES("no id"), RH_JSON, BYTES("{}")));
    assert_int_equal(entries.len, 0);
}

static void entry_is_known_while_it_is_remembered(void **unused)
{
    struct entries entries;
    struct entry *one, *other;

    (void)unused;
    entries_init(&entries);
    one = make(&entries, 1, SOURCE_STREAM);
    other = make(&entries, 2, SOURCE_STREAM);
    assert_false(entries_know(&entries, BYTES("1667548137257-1")));
    assert_true(entry_remember(&entries, one) && entry_remember(&entries, other));
    assert_true(entries_know(&entries, BYTES("1667548137257-1")));
    assert_false(entries_know(&entries, BYTES("1667548137257-11")));
    entry_forget(&entries, one);
    entry_forget(&entries, one);
    assert_false(entries_know(&entries, BYTES("1667548137257-1")));
    assert_true(entries_know(&entries, BYTES("1667548137257-2")));
    entry_free(&entries, other); /* forgets it */
    assert_false(entries_know(&entries, BYTES("1667548137257-2")));
    entry_free(&entries, one);
}

static void timed_entries_are_in_their_order(void **unused)
{
    struct entries entries;
    struct entry *all[4];
    struct entry_list *later = &entries.timed[DETACH_LATER];
    struct entry_list *soon = &entries.timed[DETACH_SOON];

    (void)unused;
    entries_init(&entries);
    for (int i = 0; i < 4; i++) {
        all[i] = make(&entries, i, SOURCE_STREAM);
        entry_detach_at(&entries, all[i], DETACH_LATER, 1000 + i);
    }
    assert_ptr_equal(TAILQ_FIRST(later), all[0]);
    entry_keep(all[0]);
    entry_keep(all[0]);
    assert_ptr_equal(TAILQ_FIRST(later), all[1]);
    entry_detach_at(&entries, all[2], DETACH_SOON, 20); /* sooner than before */
    entry_detach_at(&entries, all[2], DETACH_LATER, 2000);
    entry_detach_at(&entries, all[2], DETACH_SOON, 40);
    assert_ptr_equal(TAILQ_FIRST(soon), all[2]);
    assert_int_equal(all[2]->detach_at_ms, 20);
    entry_free(&entries, all[1]); /* is timed no more */
    assert_ptr_equal(TAILQ_FIRST(later), all[3]);
    entry_free(&entries, all[2]);
    entry_free(&entries, all[3]);
    assert_true(TAILQ_EMPTY(later) && TAILQ_EMPTY(soon));
    entry_free(&entries, all[0]);
}

static void probes_are_counted_until_they_end(void **unused)
{
    struct entries entries;
    struct entry *entry;
    struct delivery *ends;
    struct delivery *forgotten;

    (void)unused;
    entries_init(&entries);
    entry = make(&entries, 0, SOURCE_LANE);
    ends = delivery_new(&entries, entry, NULL, NULL, "main");
    forgotten = delivery_new(&entries, entry, NULL, NULL, "other");
    assert_non_null(ends);
    assert_non_null(forgotten);
    delivery_set_probe(&entries, ends);
    delivery_set_probe(&entries, forgotten);
    assert_int_equal(entries.probes, 2);
    delivery_move(&entries, ends, DELIVERY_CONCLUDED);
    assert_int_equal(entries.probes, 1);
    delivery_free(&entries, ends);
    assert_int_equal(entries.probes, 1);
    entry_free(&entries, entry); /* with one that never had an outcome */
    assert_int_equal(entries.probes, 0);
}

static void delivery_holds_its_hook_set(void **unused)
{
    struct hook_set *set = calloc(1, sizeof(*set) + sizeof(set->slots[0]));
    struct entries entries;
    struct entry *entry;

    (void)unused;
    assert_non_null(set);
    set->references = 1;
    entries_init(&entries);
    entry = make(&entries, 1, SOURCE_LANE);
    assert_non_null(delivery_new(&entries, entry, set, NULL, "main"));
    assert_non_null(delivery_new(&entries, entry, set, NULL, "other"));
    assert_int_equal(set->references, 3);
    delivery_free(&entries, TAILQ_FIRST(&entry->deliveries));
    assert_int_equal(set->references, 2);
    entry_free(&entries, entry);
    assert_int_equal(set->references, 1);
    hook_set_drop(set);
}

static void waiter_leads_to_its_delivery(void **unused)
{
    struct delivery delivery = {.state = DELIVERY_NEW};

    (void)unused;
    assert_ptr_equal(delivery_of(&delivery.waiter), &delivery);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counts_are_those_of_what_there_is),
        cmocka_unit_test(entry_has_its_names),
        cmocka_unit_test(entry_is_known_while_it_is_remembered),
        cmocka_unit_test(timed_entries_are_in_their_order),
        cmocka_unit_test(probes_are_counted_until_they_end),
        cmocka_unit_test(delivery_holds_its_hook_set),
        cmocka_unit_test(waiter_leads_to_its_delivery),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
