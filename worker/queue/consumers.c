#include "queue/consumers.h"

#include <stdlib.h>
#include <string.h>

#define CONSUMERS_MAX 1000

struct consumers {
    struct queue *queue;
    struct consumers_config config;
    char (*names)[CONSUMER_NAME_SIZE]; /* asked about in this round */
    size_t len;
    bool asking;
    bool again; /* asked meanwhile */
};

struct consumers *consumers_new(struct queue *queue, const struct consumers_config *config)
{
    struct consumers *consumers = calloc(1, sizeof(*consumers));
    if (consumers == NULL)
        return NULL;
    consumers->queue = queue;
    consumers->config = *config;
    consumers->names = calloc(CONSUMERS_MAX, sizeof(*consumers->names));
    if (consumers->names == NULL) {
        free(consumers);
        return NULL;
    }
    return consumers;
}

void consumers_free(struct consumers *consumers)
{
    if (consumers == NULL)
        return;
    free(consumers->names);
    free(consumers);
}

bool consumers_has_our_contract(const struct reply *heartbeat)
{
    struct bytes text = reply_text(heartbeat);
    size_t len = sizeof(CONSUMERS_HEARTBEAT) - 1;
    return text.len > len && memcmp(text.data, CONSUMERS_HEARTBEAT, len) == 0;
}

static void end(struct consumers *consumers)
{
    bool again = consumers->again;
    consumers->asking = consumers->again = false;
    if (again)
        consumers_ask(consumers);
}

static void on_heartbeats(void *context, const struct reply *reply)
{
    struct consumers *consumers = context;
    const struct consumers_config *config = &consumers->config;
    size_t len = reply_len(reply);
    for (size_t i = 0; i < len && i < consumers->len; i++)
        config->each(config->context, consumers->names[i], reply_at(reply, i));
    if (reply_is_list(reply))
        config->each(config->context, NULL, NULL);
    end(consumers);
}

static void on_consumers(void *context, const struct reply *reply)
{
    struct consumers *consumers = context;
    struct redis_args args;
    char key[KEY_SIZE];
    if (!reply_is_list(reply) && redis_fault_of(reply) != FAULT_NOGROUP) {
        end(consumers);
        return;
    }
    consumers->len = 0;
    redis_args_init(&args);
    redis_args_text(&args, "MGET");
    for (size_t i = 0; i < reply_len(reply) && consumers->len < CONSUMERS_MAX; i++) {
        struct bytes name = reply_text(reply_value(reply_at(reply, i), "name"));
        char *known = consumers->names[consumers->len];
        if (name.len == 0 || bytes_equal_text(name, consumers->queue->consumer) ||
            !bytes_copy_text(name, known, CONSUMER_NAME_SIZE))
            continue;
        redis_args_copy(&args, bytes_of(keys_worker(&consumers->queue->keys, known, key)));
        consumers->len++;
    }
    if (consumers->len == 0) {
        consumers->config.each(consumers->config.context, NULL, NULL);
        end(consumers);
    } else if (redis_link_send(consumers->queue->link, &args, REDIS_COMMAND_DEADLINE_MS,
                               on_heartbeats, consumers) != 0) {
        end(consumers);
    }
    redis_args_release(&args);
}

void consumers_ask(struct consumers *consumers)
{
    struct redis_args args;
    if (consumers->asking) {
        consumers->again = true;
        return;
    }
    redis_args_init(&args);
    redis_args_text(&args, "XINFO");
    redis_args_text(&args, "CONSUMERS");
    redis_args_text(&args, consumers->queue->keys.events);
    redis_args_text(&args, KEYS_GROUP);
    consumers->asking = redis_link_send(consumers->queue->link, &args, REDIS_COMMAND_DEADLINE_MS,
                                        on_consumers, consumers) == 0;
    redis_args_release(&args);
}
