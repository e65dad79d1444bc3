#include "queue/log_tidy.h"

#include "contract/lane.h"

#define CANDIDATES 64

static void next(struct log_tidy *tidy, const struct reply *candidates);

static void on_tidied(void *context, const struct reply *reply)
{
    struct log_tidy *tidy = context;
    tidy->running = false;
    if (reply_is_list(reply) && reply_len(reply) > 0)
        next(tidy, reply);
}

static void next(struct log_tidy *tidy, const struct reply *candidates)
{
    const struct keys *keys = &tidy->queue->keys;
    size_t len = candidates == NULL ? 0 : reply_len(candidates);
    struct redis_args args;
    char lane[LANE_SIZE];
    char key[KEY_SIZE];
    redis_args_init(&args);
    redis_args_text(&args, keys->logs);
    redis_args_text(&args, keys->log_sizes);
    redis_args_text(&args, keys->hooks_recent);
    for (size_t i = 0; i < len; i++) {
        /* One that is too long was put there by hand, and has no log. */
        if (!bytes_copy_text(reply_text(reply_at(candidates, i)), lane, sizeof(lane)))
            lane[0] = '\0';
        redis_args_copy(&args, bytes_of(keys_log(keys, lane, key)));
    }
    int keys_len = (int)args.len;
    redis_args_int(&args, tidy->max_bytes);
    redis_args_int(&args, LOG_LASTS_MS);
    redis_args_int(&args, CANDIDATES);
    redis_args_int(&args, tidy->logs_all ? 1 : 0);
    for (size_t i = 0; i < len; i++)
        redis_args_copy(&args, reply_text(reply_at(candidates, i)));
    tidy->running = queue_call(tidy->queue, SCRIPT_LOG_TIDY, keys_len, &args, on_tidied, tidy) == 0;
    redis_args_release(&args);
}

void log_tidy_run(struct log_tidy *tidy)
{
    if (!tidy->running)
        next(tidy, NULL);
}
