#include "contract/keys.h"

#include <stdio.h>

#include "contract/parse.h"

static void set_key(const struct keys *keys, char out[KEY_SIZE], const char *name)
{
    snprintf(out, KEY_SIZE, "{%s}:%s", keys->queue, name);
}

int keys_init(struct keys *keys, const char *queue)
{
    if (!parse_is_name(bytes_of(queue)))
        return -1;
    bytes_copy_text(bytes_of(queue), keys->queue, sizeof(keys->queue));
    set_key(keys, keys->events, "events");
    set_key(keys, keys->retries, "retries");
    set_key(keys, keys->deliveries, "deliveries");
    set_key(keys, keys->documents, "documents");
    set_key(keys, keys->leases, "leases");
    set_key(keys, keys->lanes, "lanes");
    set_key(keys, keys->lanes_shut, "lanes-shut");
    set_key(keys, keys->gates, "gates");
    set_key(keys, keys->dead, "dead");
    set_key(keys, keys->dead_by_room, "dead-by-room");
    set_key(keys, keys->dead_bytes, "dead-bytes");
    set_key(keys, keys->hooks_state, "hooks-state");
    set_key(keys, keys->hooks_recent, "hooks-recent");
    set_key(keys, keys->hooks_changed, "hooks-changed");
    set_key(keys, keys->hooks_pace, "hooks-pace");
    set_key(keys, keys->logs, "logs");
    set_key(keys, keys->log_sizes, "log-sizes");
    set_key(keys, keys->delivered, "delivered");
    set_key(keys, keys->delivered_documents, "delivered-documents");
    set_key(keys, keys->leader, "leader");
    set_key(keys, keys->stats, "stats");
    set_key(keys, keys->alerted, "alerted");
    set_key(keys, keys->alerted_dead, "alerted-dead");
    set_key(keys, keys->times, "times");
    set_key(keys, keys->history, "history");
    set_key(keys, keys->tasks, "tasks");
    set_key(keys, keys->happened, "happened");
    set_key(keys, keys->meta, "meta");
    return 0;
}

const char *keys_room(const struct keys *keys, const struct room_id *room, char out[KEY_SIZE])
{
    snprintf(out, KEY_SIZE, "{%s}:room:%s", keys->queue, room->text);
    return out;
}

const char *keys_worker(const struct keys *keys, const char *consumer, char out[KEY_SIZE])
{
    snprintf(out, KEY_SIZE, "{%s}:worker:%.*s", keys->queue, CONSUMER_NAME_SIZE - 1, consumer);
    return out;
}

const char *keys_lane(const struct keys *keys, const char *lane, char out[KEY_SIZE])
{
    snprintf(out, KEY_SIZE, "{%s}:lane:%s", keys->queue, lane);
    return out;
}

const char *keys_log(const struct keys *keys, const char *lane, char out[KEY_SIZE])
{
    snprintf(out, KEY_SIZE, "{%s}:log:%s", keys->queue, lane);
    return out;
}

const char *keys_holders(const struct keys *keys, const char *stream, char out[KEY_SIZE])
{
    snprintf(out, KEY_SIZE, "{%s}:holders:%s", keys->queue, stream);
    return out;
}

const char *keys_reply(const struct keys *keys, const char *stream_id, char out[KEY_SIZE])
{
    snprintf(out, KEY_SIZE, "{%s}:reply:%s", keys->queue, stream_id);
    return out;
}
