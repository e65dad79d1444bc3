#include "hooks/registry.h"

#include <stdlib.h>

#include "hooks/registry_internal.h"

static void read_due(void *context);

struct registry *registry_new(struct loop *loop, struct queue *queue,
                              const struct registry_rules *rules)
{
    struct registry *registry = calloc(1, sizeof(*registry));
    if (registry == NULL)
        return NULL;
    registry->loop = loop;
    registry->queue = queue;
    registry->rules = *rules;
    registry->random = loop_seed();
    TAILQ_INIT(&registry->due);
    registry_news_init(registry);
    if (registry_state_init(registry) != 0 ||
        loop_timer_init(loop, &registry->due_timer, read_due, registry) != 0) {
        registry_free(registry);
        return NULL;
    }
    return registry;
}

static void not_due(struct registry_room *room)
{
    if (room->is_due)
        TAILQ_REMOVE(&room->registry->due, room, due);
    room->is_due = false;
}

static void room_free(struct registry_room *room)
{
    not_due(room);
    HASH_DEL(room->registry->rooms, room);
    room->registry->bytes -= room->bytes;
    hook_set_drop(room->set);
    hook_set_drop(room->arriving);
    free(room);
}

void registry_set_rules(struct registry *registry, const struct registry_rules *rules)
{
    registry->rules = *rules;
}

void registry_free(struct registry *registry)
{
    if (registry == NULL)
        return;
    while (registry->rooms != NULL)
        room_free(registry->rooms);
    registry_state_release(registry);
    loop_timer_release(&registry->due_timer);
    free(registry);
}

/* The oldest go first; one that is being asked for stays. */
static void make_space(struct registry *registry)
{
    struct registry_room *room;
    struct registry_room *next;
    HASH_ITER(hh, registry->rooms, room, next) {
        if (HASH_COUNT(registry->rooms) < REGISTRY_ROOMS_MAX &&
            registry->bytes < REGISTRY_BYTES_MAX)
            return;
        if (!room->reading && TAILQ_EMPTY(&room->queries))
            room_free(room);
    }
}

struct registry_room *registry_find_room(struct registry *registry, const struct room_id *room_id)
{
    struct registry_room *room = NULL;
    HASH_FIND(hh, registry->rooms, room_id->text, room_id->len, room);
    return room;
}

static struct registry_room *add_room(struct registry *registry, const struct room_id *room_id)
{
    struct registry_room *room = calloc(1, sizeof(*room));
    if (room == NULL)
        return NULL;
    make_space(registry);
    room->room_id = *room_id;
    room->registry = registry;
    TAILQ_INIT(&room->queries);
    HASH_ADD(hh, registry->rooms, room_id.text, room_id->len, room);
    if (registry_find_room(registry, room_id) == NULL) { /* the table could not grow */
        free(room);
        return NULL;
    }
    return room;
}

/* Now, or a little later when the room was read only just now. */
static void read_soon(struct registry_room *room)
{
    struct registry *registry = room->registry;
    if (loop_now_ms() - room->sent_at_ms >= REGISTRY_PAUSE_MS) {
        registry_read_room(room);
        return;
    }
    TAILQ_INSERT_TAIL(&registry->due, room, due);
    room->is_due = true;
    if (!loop_timer_is_armed(&registry->due_timer))
        loop_timer_arm(&registry->due_timer, REGISTRY_PAUSE_MS);
}

static void read_due(void *context)
{
    struct registry *registry = context;
    struct registry_room *room;
    size_t left = 0;
    TAILQ_FOREACH(room, &registry->due, due)
        left++;
    /* Those that are due again at once come later. */
    while (left-- > 0 && (room = TAILQ_FIRST(&registry->due)) != NULL) {
        not_due(room);
        registry_read_room(room);
    }
}

uint64_t registry_stamp(struct registry *registry)
{
    return ++registry->stamp;
}

uint64_t registry_changed(const struct registry *registry, const struct registry_room *room)
{
    return room->changed > registry->forgotten ? room->changed : registry->forgotten;
}

/* Takes the askers out of the room, but for those that came after the question was sent and want a
 * newer answer: for them it is asked again. */
static void take_askers(struct registry_room *room, bool failed, struct registry_queries *askers)
{
    struct registry_query *query;
    struct registry_query *next;
    for (query = TAILQ_FIRST(&room->queries); query != NULL; query = next) {
        next = TAILQ_NEXT(query, link);
        if (!failed && query->since >= room->sent)
            continue;
        registry_cancel(query);
        query->waits_in = askers;
        TAILQ_INSERT_TAIL(askers, query, link);
    }
    room->reading = false;
    if (!TAILQ_EMPTY(&room->queries))
        read_soon(room);
}

/* Gives every asker the answer. An asker may ask again from its callback, and the room may be
 * forgotten in one. */
void registry_answer_room(struct registry_room *room, struct hook_set *set)
{
    struct registry_queries askers = TAILQ_HEAD_INITIALIZER(askers);
    struct registry_query *query;
    if (set != NULL)
        hook_set_keep(set);
    take_askers(room, set == NULL, &askers);
    while ((query = TAILQ_FIRST(&askers)) != NULL) {
        registry_cancel(query);
        query->fn(query->context, set);
    }
    hook_set_drop(set);
}

static bool is_fresh(const struct registry_room *room, uint64_t since)
{
    return room->set != NULL && loop_now_ms() < room->fresh_until_ms && room->read > since;
}

/* From the cache or from Redis; what changed lately is known, or the query wants something newer.
 */
void registry_ask(struct registry *registry, struct registry_room *room,
                  struct registry_query *query)
{
    if (room == NULL)
        room = add_room(registry, query->room_id);
    if (room == NULL) {
        query->fn(query->context, NULL);
        return;
    }
    if (is_fresh(room, query->since)) {
        struct hook_set *set = room->set;
        hook_set_keep(set);
        query->fn(query->context, set);
        hook_set_drop(set);
        return;
    }
    query->waits_in = &room->queries;
    TAILQ_INSERT_TAIL(&room->queries, query, link);
    if (!room->reading && !room->is_due)
        read_soon(room);
}

/* There is, or will be, something to answer with but what is asked for now. */
static bool is_cached(const struct registry *registry, const struct registry_room *room)
{
    return room != NULL && !room->is_due &&
           (room->reading || is_fresh(room, registry_changed(registry, room)));
}

void registry_look_up(struct registry *registry, const struct room_id *room_id,
                      enum registry_source source, uint64_t arrived, struct registry_query *query,
                      registry_fn *fn, void *context)
{
    struct registry_room *room = registry_find_room(registry, room_id);
    query->fn = fn;
    query->context = context;
    query->waits_in = NULL;
    query->room_id = room_id;
    query->since = arrived;
    /* What is read again needs no news. */
    if (source == REGISTRY_ANEW || !is_cached(registry, room) ||
        !registry_wait_for_news(registry, source, query))
        registry_ask(registry, room, query);
}

void registry_cancel(struct registry_query *query)
{
    if (query->waits_in == NULL)
        return;
    TAILQ_REMOVE(query->waits_in, query, link);
    query->waits_in = NULL;
}

bool hook_state_is_clear(const struct hook_state *state, int64_t now_ms)
{
    return state->opens == 0 && state->paused_until_ms <= now_ms;
}
