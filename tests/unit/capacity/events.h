/* What happens in virtual time, in order: a binary heap. */
#ifndef TESTS_CAPACITY_EVENTS_H
#define TESTS_CAPACITY_EVENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct delivery;

enum event_kind {
    EVENT_FEED,
    EVENT_BURST,
    EVENT_END,
    EVENT_STATUS,
    EVENT_RETRY,
    EVENT_RELEASED,
    EVENT_PROBE,
    EVENT_CLAIMED,
    EVENT_TICK
};

struct event {
    int64_t at_us;
    uint64_t seq;
    enum event_kind kind;
    size_t index;
    struct delivery *delivery;
    unsigned attempt;
};

struct events {
    struct event *heap;
    size_t len, size;
    uint64_t seq;
};

/* Of the same time, the one that was added first comes first. */
void events_add(struct events *events, int64_t at_us, struct event event);
struct event events_take(struct events *events); /* there is one */

/* The array, made larger when it is full. */
void *grown(void *array, size_t len, size_t *size, size_t each);

#endif
