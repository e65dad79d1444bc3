#include <stdio.h>
#include <string.h>

#include "contract/lane.h"
#include "hooks/registry_internal.h"

/*
 * News are asked for from the last one that was heard on, which has to come again, first: then none
 * behind it was missed. Else some were trimmed away, the stream was deleted, or this is a server
 * that has not got them, and nothing that is cached is taken for true.
 */

#define NEWS_MAX 1000 /* in one answer; when there are as many, there may be more */
#define NONE "0-0"

void registry_news_init(struct registry *registry)
{
    for (int i = 0; i < REGISTRY_SOURCES; i++) {
        registry->news[i].registry = registry;
        TAILQ_INIT(&registry->news[i].awaiting);
    }
    registry->news[REGISTRY_CONTROL].link = registry->queue->link;
    snprintf(registry->news_id, sizeof(registry->news_id), NONE);
}

void registry_link_up(struct registry *registry)
{
    registry->forgotten = registry_stamp(registry);
    snprintf(registry->news_id, sizeof(registry->news_id), NONE); /* all are heard again */
}

/* With "by" it is from a worker, about what it learnt of the hook. */
static void hear_of_hook(const struct registry *registry, const struct room_id *room_id,
                         const struct reply *fields)
{
    char hook_id[RH_NAME_MAX + 1];
    char lane[LANE_SIZE];
    struct bytes hook = reply_text(reply_value(fields, "hook"));
    if (registry->rules.hook_changed != NULL && reply_text(reply_value(fields, "by")).len == 0 &&
        hook.len > 0 && bytes_copy_text(hook, hook_id, sizeof(hook_id)))
        registry->rules.hook_changed(registry->rules.context,
                                     bytes_of(lane_of(room_id, hook_id, lane)));
}

static void hear(struct registry *registry, const struct reply *entry)
{
    const struct reply *fields = reply_at(entry, 1);
    struct bytes lane = reply_text(reply_value(fields, "lane"));
    struct registry_room *room;
    struct room_id room_id;
    if (lane.len > 0 && registry->rules.lane_changed != NULL)
        registry->rules.lane_changed(registry->rules.context, lane);
    if (room_id_of_text(reply_text(reply_value(fields, "room")), &room_id) != 0)
        return;
    if ((room = registry_find_room(registry, &room_id)) != NULL)
        room->changed = registry_stamp(registry);
    hear_of_hook(registry, &room_id, fields);
}

/* From the one that was heard last on, and all behind it. */
static bool is_whole(const char *from, const struct reply *entries)
{
    size_t len = reply_len(entries);
    if (strcmp(from, NONE) == 0)
        return len == 0;
    return len > 0 && len < NEWS_MAX &&
           bytes_equal_text(reply_text(reply_at(reply_at(entries, 0), 0)), from);
}

static void hear_all(struct registry *registry, const char *from, const struct reply *entries)
{
    size_t len = reply_len(entries);
    struct bytes last = len > 0 ? reply_text(reply_at(reply_at(entries, len - 1), 0)) : BYTES(NONE);
    bool missed = !is_whole(from, entries);
    if (missed)
        registry->forgotten = registry_stamp(registry);
    for (size_t i = missed ? 0 : 1; i < len; i++)
        hear(registry, reply_at(entries, i));
    if (!bytes_copy_text(last, registry->news_id, sizeof(registry->news_id)))
        snprintf(registry->news_id, sizeof(registry->news_id), NONE);
}

/* With the news what is cached may answer. Without, only what is read again. */
static void ask_now(struct registry *registry, struct registry_query *query, bool heard)
{
    struct registry_room *room = registry_find_room(registry, query->room_id);
    registry_cancel(query);
    if (heard && room != NULL)
        query->since = registry_changed(registry, room);
    registry_ask(registry, room, query);
}

static void on_news(void *context, const struct reply *reply)
{
    struct registry_news *news = context;
    struct registry *registry = news->registry;
    struct registry_queries askers = TAILQ_HEAD_INITIALIZER(askers);
    struct registry_query *query;
    bool heard = reply_is_list(reply);
    news->asking = false;
    if (heard)
        hear_all(registry, news->from, reply);
    TAILQ_CONCAT(&askers, &news->awaiting, link);
    TAILQ_FOREACH(query, &askers, link)
        query->waits_in = &askers;
    while ((query = TAILQ_FIRST(&askers)) != NULL)
        ask_now(registry, query, heard);
    if (news->followed != NULL)
        news->followed(news->context);
}

static int ask_news(struct registry_news *news, int64_t deadline_ms)
{
    struct registry *registry = news->registry;
    struct redis_args args;
    memcpy(news->from, registry->news_id, sizeof(news->from));
    redis_args_init(&args);
    redis_args_text(&args, "XRANGE");
    redis_args_text(&args, registry->queue->keys.hooks_changed);
    redis_args_text(&args, news->from);
    redis_args_text(&args, "+");
    redis_args_text(&args, "COUNT");
    redis_args_int(&args, NEWS_MAX);
    news->asking = redis_link_send(news->link, &args, deadline_ms, on_news, news) == 0;
    redis_args_release(&args);
    return news->asking ? 0 : -1;
}

int registry_follow_read(struct registry *registry, struct redis_link *reader, int64_t deadline_ms,
                         loop_fn *followed, void *context)
{
    struct registry_news *news = &registry->news[REGISTRY_READER];
    news->link = reader;
    news->followed = followed;
    news->context = context;
    return ask_news(news, deadline_ms);
}

/* A question under way on the connection that brought an event was sent behind the command that
 * brought it. */
bool registry_wait_for_news(struct registry *registry, enum registry_source source,
                            struct registry_query *query)
{
    struct registry_news *news = &registry->news[source];
    if (!news->asking &&
        (source == REGISTRY_READER || ask_news(news, REDIS_COMMAND_DEADLINE_MS) != 0))
        return false;
    query->waits_in = &news->awaiting;
    TAILQ_INSERT_TAIL(&news->awaiting, query, link);
    return true;
}
