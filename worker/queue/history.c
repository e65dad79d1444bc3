#include "queue/history.h"

#define KEPT (7 * 24 * 60)
#define LASTS_MS (INT64_C(7) * 24 * 3600 * 1000)

static const enum counter counted[] = {
    COUNTER_EVENTS,  COUNTER_ATTEMPTS,       COUNTER_DELIVERED,    COUNTER_RETRIES,
    COUNTER_WAITED,  COUNTER_BREAKER_OPENED, COUNTER_DEAD,         COUNTER_DEAD_DROPPED,
    COUNTER_NO_HOOK, COUNTER_HOOK_DISABLED,  COUNTER_REDIS_ERRORS, COUNTER_DELETED_EXTERNALLY,
    COUNTER_LOST,
};

static void on_written(void *context, const struct reply *reply)
{
    (void)context;
    (void)reply; /* a refusal is counted and logged by the link */
}

void history_write(struct queue *queue)
{
    const struct keys *keys = &queue->keys;
    const int64_t len = sizeof(counted) / sizeof(counted[0]);
    struct redis_args args;
    redis_args_init(&args);
    redis_args_text(&args, keys->history);
    redis_args_text(&args, keys->stats);
    redis_args_text(&args, keys->times);
    redis_args_text(&args, keys->events);
    redis_args_text(&args, keys->deliveries);
    redis_args_text(&args, keys->lanes);
    redis_args_text(&args, keys->lanes_shut);
    redis_args_text(&args, keys->dead);
    int keys_len = (int)args.len;
    redis_args_int(&args, KEPT);
    redis_args_int(&args, LASTS_MS);
    redis_args_int(&args, len);
    for (int64_t i = 0; i < len; i++)
        redis_args_text(&args, counter_name(counted[i]));
    for (int i = 0; i < COUNTER_TIMES; i++)
        redis_args_text(&args, counter_name((enum counter)((int)COUNTER_DELIVERED_TIMES + i)));
    (void)queue_call(queue, SCRIPT_HISTORY, keys_len, &args, on_written, queue);
    redis_args_release(&args);
}
