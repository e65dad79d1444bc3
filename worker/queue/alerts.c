#include "queue/alerts.h"

#include <stdio.h>

#include "base/log.h"

#define PAGE 500

void alerts_init(struct alerts *alerts, struct queue *queue)
{
    *alerts = (struct alerts){.queue = queue, .hook = BYTES(""), .lane = ""};
    for (int i = 0; i < ALERTS_CURSORS; i++)
        snprintf(alerts->cursors[i], ALERTS_CURSOR_SIZE, "0");
}

static void on_looked(void *context, const struct reply *reply)
{
    struct alerts *alerts = context;
    int64_t sent = reply_int(reply_at(reply, 0));
    if (!reply_is_list(reply))
        return; /* the same pages again */
    for (size_t i = 0; i < ALERTS_CURSORS; i++)
        bytes_copy_text(reply_text(reply_at(reply, i + 1)), alerts->cursors[i], ALERTS_CURSOR_SIZE);
    if (sent > 0)
        log_at(LOG_INFO, "alerts", log_int("sent", sent));
}

void alerts_look(struct alerts *alerts)
{
    const struct keys *keys = &alerts->queue->keys;
    struct redis_args args;
    redis_args_init(&args);
    redis_args_text(&args, keys->hooks_state);
    redis_args_text(&args, keys->alerted);
    redis_args_text(&args, keys->alerted_dead);
    redis_args_text(&args, keys->events);
    redis_args_borrow(&args, alerts->hook);
    redis_args_text(&args, alerts->lane);
    redis_args_int(&args, alerts->disable_after_ms);
    redis_args_int(&args, PAGE);
    for (int i = 0; i < ALERTS_CURSORS; i++)
        redis_args_text(&args, alerts->cursors[i]);
    (void)queue_call(alerts->queue, SCRIPT_ALERT, 4, &args, on_looked, alerts);
    redis_args_release(&args);
}
