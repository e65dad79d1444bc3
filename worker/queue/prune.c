#include "queue/prune.h"

#include <stdio.h>
#include <string.h>

void prune_init(struct prune *prune)
{
    for (size_t i = 0; i < PRUNE_CURSORS; i++)
        snprintf(prune->cursors[i], sizeof(prune->cursors[i]), "0");
}

int prune_send(struct prune *prune, struct queue *queue, redis_reply_fn *fn, void *context)
{
    const struct keys *keys = &queue->keys;
    struct redis_args args;
    redis_args_init(&args);
    redis_args_text(&args, keys->hooks_state);
    redis_args_text(&args, keys->gates);
    redis_args_text(&args, keys->lanes);
    redis_args_text(&args, keys->lanes_shut);
    redis_args_text(&args, keys->hooks_pace);
    for (size_t i = 0; i < PRUNE_CURSORS; i++)
        redis_args_text(&args, prune->cursors[i]);
    int sent = queue_call(queue, SCRIPT_PRUNE, 5, &args, fn, context);
    redis_args_release(&args);
    return sent;
}

int64_t prune_read(struct prune *prune, const struct reply *reply)
{
    for (size_t i = 0; i < PRUNE_CURSORS && reply_is_list(reply); i++) {
        if (!bytes_copy_text(reply_text(reply_at(reply, i)), prune->cursors[i],
                             sizeof(prune->cursors[i])))
            snprintf(prune->cursors[i], sizeof(prune->cursors[i]), "0");
    }
    return reply_int(reply_at(reply, PRUNE_CURSORS));
}

bool prune_is_over(const struct prune *prune)
{
    for (size_t i = 0; i < PRUNE_CURSORS; i++) {
        if (strcmp(prune->cursors[i], "0") != 0)
            return false;
    }
    return true;
}
