/*
 * What the files of the registry share:
 *   registry.c         look-ups and the cache of rooms
 *   registry_read.c    a room's hooks and their state, from Redis
 *   registry_news.c    what changed lately, and that none of it was missed
 *   registry_state.c   what attempts tell about hooks, and telling it the other workers
 *   hook_set.c         the sets themselves
 */
#ifndef HOOKS_REGISTRY_INTERNAL_H
#define HOOKS_REGISTRY_INTERNAL_H

#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#include "hooks/breaker.h"
#include "hooks/registry.h"

#define HOOK_ERROR_SIZE 160

struct registry_room {
    UT_hash_handle hh;
    struct room_id room_id;
    struct registry *registry;
    struct hook_set *set; /* NULL until read */
    size_t bytes;         /* of its JSON, when set */
    uint64_t read;        /* when the question for it was sent */
    uint64_t changed;     /* when it was heard that it had changed */
    int64_t fresh_until_ms;
    uint64_t sent; /* the question under way, or the last one */
    int64_t sent_at_ms;
    bool reading;
    bool is_due; /* in the registry's list of those */
    TAILQ_ENTRY(registry_room) due;
    struct hook_set *arriving; /* read, its state not yet */
    size_t arriving_bytes;
    struct registry_queries queries;
};

/* What this worker counted about a hook that failed lately, and has not shared yet. */
struct hook_health {
    UT_hash_handle hh;
    TAILQ_ENTRY(hook_health) link; /* the one that failed longest ago first */
    struct breaker breaker;
    struct hook_state state; /* of an inline hook; others have theirs in the room's set */
    bool is_inline;
    struct room_id room_id; /* unless it is inline */
    char hook_id[RH_NAME_MAX + 1];
    char fingerprint[HOOK_STATE_FINGERPRINT_SIZE];
    int64_t max_age_ms;
    int64_t interval_us; /* of its rate; 0: none */
    bool is_told;        /* others know of a failure */
    bool is_untold;
    bool ok; /* tell the success that came before what follows */
    int64_t ok_at_ms;
    int64_t failures;
    int64_t failed_at_ms; /* the last of them */
    int status;
    char error[HOOK_ERROR_SIZE];
    int opens;
    int64_t probe_ms;
    char lane[];
};

TAILQ_HEAD(hook_healths, hook_health);

/* The question for news on one connection. */
struct registry_news {
    struct registry *registry;
    struct redis_link *link;
    loop_fn *followed; /* called when the answer came; NULL: nobody is */
    void *context;
    bool asking;
    char from[RH_STREAM_ID_SIZE]; /* what had been heard when it was sent */
    struct registry_queries awaiting;
};

struct registry {
    struct loop *loop;
    struct queue *queue;
    struct registry_rules rules;
    struct registry_room *rooms; /* uthash, in order of insertion */
    size_t bytes;                /* of all rooms */
    uint64_t random;
    TAILQ_HEAD(, registry_room) due; /* to be read when the timer fires */
    struct loop_timer due_timer;

    uint64_t stamp;                              /* the last one given */
    uint64_t forgotten;                          /* all that was asked for before is no answer */
    struct registry_news news[REGISTRY_SOURCES]; /* of REGISTRY_READER and REGISTRY_CONTROL */
    char news_id[RH_STREAM_ID_SIZE];             /* the last one heard; "0-0": there was none */

    struct hook_health *healths;
    struct hook_healths by_age;
    size_t untold;
    struct loop_timer tell_timer;
    struct loop_turn tell_turn;
};

struct registry_room *registry_find_room(struct registry *registry, const struct room_id *room_id);
void registry_answer_room(struct registry_room *room, struct hook_set *set);
/* room: of the query's room, or NULL when it is not cached. */
void registry_ask(struct registry *registry, struct registry_room *room,
                  struct registry_query *query);

/* registry_read.c: ends in registry_answer_room */
void registry_read_room(struct registry_room *room);

/* What was asked for by then is outdated. */
uint64_t registry_changed(const struct registry *registry, const struct registry_room *room);

/* registry_news.c: true when the query waits for news, which then asks */
void registry_news_init(struct registry *registry);
bool registry_wait_for_news(struct registry *registry, enum registry_source source,
                            struct registry_query *query);

/* registry_state.c */
int registry_state_init(struct registry *registry);
void registry_state_release(struct registry *registry);

#endif
