#include "queue/queue.h"

#include "base/backoff.h"
#include "base/loop.h"

int queue_init(struct queue *queue, const char *name)
{
    queue->random = loop_seed();
    return keys_init(&queue->keys, name) == 0 ? scripts_init(&queue->scripts) : -1;
}

int queue_call(struct queue *queue, enum script_number number, int keys_len,
               const struct redis_args *args, redis_reply_fn *fn, void *context)
{
    return redis_link_eval(queue->link, &queue->scripts.script[number], keys_len, args, fn,
                           context);
}

int64_t queue_again_ms(struct queue *queue, int *failures)
{
    return backoff_exponential(QUEUE_AGAIN_FIRST_MS, QUEUE_AGAIN_MAX_MS, (*failures)++,
                               backoff_random(&queue->random));
}
