#include "events.h"

#include <assert.h>
#include <stdlib.h>

void *grown(void *array, size_t len, size_t *size, size_t each)
{
    if (len < *size)
        return array;
    *size = *size ? 2 * *size : 64;
    array = realloc(array, *size * each);
    assert(array);
    return array;
}

static bool is_before(const struct event *a, const struct event *b)
{
    return a->at_us != b->at_us ? a->at_us < b->at_us : a->seq < b->seq;
}

void events_add(struct events *events, int64_t at_us, struct event event)
{
    size_t hole = events->len;

    events->heap = grown(events->heap, events->len, &events->size, sizeof(*events->heap));
    events->len++;
    event.at_us = at_us;
    event.seq = events->seq++;
    while (hole > 0 && is_before(&event, &events->heap[(hole - 1) / 2])) {
        events->heap[hole] = events->heap[(hole - 1) / 2];
        hole = (hole - 1) / 2;
    }
    events->heap[hole] = event;
}

struct event events_take(struct events *events)
{
    struct event first = events->heap[0], last = events->heap[--events->len];
    size_t hole = 0;

    for (;;) {
        size_t child = 2 * hole + 1;

        if (child >= events->len)
            break;
        if (child + 1 < events->len && is_before(&events->heap[child + 1], &events->heap[child]))
            child++;
        if (!is_before(&events->heap[child], &last))
            break;
        events->heap[hole] = events->heap[child];
        hole = child;
    }
    events->heap[hole] = last;
    return first;
}
