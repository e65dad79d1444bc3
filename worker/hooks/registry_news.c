#include <stdio.h>

#include "contract/parse.h"
#include "hooks/registry_internal.h"

#define NEWS_MAX 1000 /* in one answer; what is not heard is forgotten by REGISTRY_TTL_MS */

void registry_link_up(struct registry *registry)
{
    snprintf(registry->news_id, sizeof(registry->news_id), "0-0");
    registry->news_at_ms = INT64_MIN / 2;
}

static void hear(struct registry *registry, const struct reply *entry)
{
    const struct reply *fields = reply_at(entry, 1);
    struct registry_room *room = NULL;
    int64_t room_id;
    for (size_t i = 0; i + 1 < reply_len(fields); i += 2) {
        struct bytes value = reply_text(reply_at(fields, i + 1));
        if (bytes_equal_text(reply_text(reply_at(fields, i)), "room") &&
            parse_int64(value, INT64_MIN, INT64_MAX, &room_id) == 0)
            room = registry_find_room(registry, room_id);
    }
    (void)bytes_copy_text(reply_text(reply_at(entry, 0)), registry->news_id,
                          sizeof(registry->news_id));
    if (room == NULL)
        return;
    room->fresh_until_ms = 0;
    room->is_outdated = true;
}

/* No news is good news: also when it could not be asked, the cache is as old as it was. */
static void on_news(void *context, const struct reply *reply)
{
    struct registry *registry = context;
    struct registry_queries askers = TAILQ_HEAD_INITIALIZER(askers);
    struct registry_query *query;
    registry->asking_news = false;
    const struct reply *entries = reply_at(reply_at(reply, 0), 1);
    for (size_t i = 0; i < reply_len(entries); i++)
        hear(registry, reply_at(entries, i));
    TAILQ_CONCAT(&askers, &registry->awaiting_news, link);
    TAILQ_FOREACH(query, &askers, link)
        query->waits_in = &askers;
    while ((query = TAILQ_FIRST(&askers)) != NULL) {
        registry_cancel(query);
        registry_ask(registry, query);
    }
}

static int ask_news(struct registry *registry)
{
    struct redis_args args;
    redis_args_init(&args);
    redis_args_text(&args, "XREAD");
    redis_args_text(&args, "COUNT");
    redis_args_int(&args, NEWS_MAX);
    redis_args_text(&args, "STREAMS");
    redis_args_text(&args, registry->queue->keys.hooks_changed);
    redis_args_text(&args, registry->news_id);
    int sent =
        redis_link_send(registry->queue->link, &args, REDIS_COMMAND_DEADLINE_MS, on_news, registry);
    redis_args_release(&args);
    return sent;
}

bool registry_wait_for_news(struct registry *registry, struct registry_query *query)
{
    int64_t now = loop_now_ms();
    if (!registry->asking_news) {
        if (now - registry->news_at_ms < REGISTRY_NEWS_MS || ask_news(registry) != 0)
            return false;
        registry->news_at_ms = now;
        registry->asking_news = true;
    }
    query->waits_in = &registry->awaiting_news;
    TAILQ_INSERT_TAIL(&registry->awaiting_news, query, link);
    return true;
}
