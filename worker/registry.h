/*
 * The hooks of rooms, read from Redis and kept for a few seconds, with what all workers learnt
 * about them ({Q}:hooks-state). Look-ups of one room that are asked while one is under way share
 * its answer.
 *
 * A hook set is reference-counted: it stays as it was for whoever holds it, whatever changes in
 * Redis.
 */
#ifndef WORKER_REGISTRY_H
#define WORKER_REGISTRY_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "event_codec.h"
#include "hook.h"
#include "keys.h"
#include "loop.h"
#include "redis_link.h"
#include "scripts.h"

#define REGISTRY_TTL_MS 5000
#define REGISTRY_PAUSE_MS 20     /* a room is read at most so often */
#define REGISTRY_ROOMS_MAX 20000 /* cached at once */
#define HOOKS_PER_ROOM_MAX 256

struct hook_slot {
    char id[RH_NAME_MAX + 1];
    struct hook *hook;         /* NULL when the stored JSON is not a valid hook */
    enum hook_problem problem; /* then why, for the dead letter */
    char why[200];
    int64_t paused_until_ms; /* wall clock; 0: not paused */
    bool disabled;           /* by a 410, or by "enabled": false */
};

struct hook_set {
    int references;
    size_t len;
    struct hook_slot slots[];
};

void hook_set_keep(struct hook_set *set);
void hook_set_drop(struct hook_set *set);                               /* NULL allowed */
struct hook_slot *hook_set_find(struct hook_set *set, struct bytes id); /* NULL: no such hook */

/* The hooks given inline in an event, as inline-0, inline-1 …; a new set, or NULL: no memory. */
struct hook_set *hook_set_inline(const struct event *event);

struct registry;

/* set is borrowed: keep it to hold it. NULL: the look-up failed, ask again later. */
typedef void registry_fn(void *context, struct hook_set *set);

/* One question. Embedded in its owner, who must cancel it before going away. */
struct registry_query {
    TAILQ_ENTRY(registry_query) link;
    struct registry_room *room; /* NULL: not waiting */
    int64_t since_ms;
    unsigned round; /* of the room's answers, when it was asked */
    registry_fn *fn;
    void *context;
};

struct registry *registry_new(struct loop *loop, struct redis_link *link, const struct keys *keys,
                              const struct scripts *scripts);
void registry_free(struct registry *registry); /* NULL allowed */

/* Answers at once from the cache, or later; fn may be called before this returns. What was read
 * before since_ms (monotonic) is no answer; 0: whatever is not too old is. */
void registry_look_up(struct registry *registry, int64_t room_id, int64_t since_ms,
                      struct registry_query *query, registry_fn *fn, void *context);
void registry_cancel(struct registry_query *query);

/* Remembers a pause or a disabling of this hook as it was when the receiver answered, and tells the
 * other workers. A hook that was changed meanwhile has another fingerprint and is not touched.
 * until_ms is wall clock. */
void registry_pause(struct registry *registry, int64_t room_id, const struct hook *hook,
                    int64_t until_ms);
void registry_disable(struct registry *registry, int64_t room_id, const struct hook *hook,
                      const char *reason);

#endif
