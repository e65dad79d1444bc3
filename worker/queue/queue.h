/*
 * What every part that talks to Redis about the queue needs: the connection, the queue's names, the
 * scripts, this worker's name and its counters. Owned by process/worker.c; outlives all parts.
 */
#ifndef QUEUE_QUEUE_H
#define QUEUE_QUEUE_H

#include "base/counters.h"
#include "contract/keys.h"
#include "queue/scripts.h"
#include "redis/link.h"

/* What others delete of the queue (losses.h). Zeroed: it was not seen yet. */
struct queue_losses {
    int64_t events; /* in the stream, when it was seen last */
    int64_t deliveries;
    int64_t seen_at_ms;
    int64_t unlogged; /* deleted entries */
    int64_t logged_at_ms;
};

struct queue {
    struct keys keys;
    struct scripts scripts;
    struct redis_link *link; /* the control connection: scripts and short commands */
    const char *consumer;
    struct counters *counters;
    uint64_t random;
    struct queue_losses losses;
};

/* Sets keys, scripts and random; the rest is the caller's. -1: no queue's name, or no SHA-1. */
int queue_init(struct queue *queue, const char *name);

/* Runs a script with keys_len keys leading args; the rest as for redis_link_eval. */
int queue_call(struct queue *queue, enum script_number number, int keys_len,
               const struct redis_args *args, redis_reply_fn *fn, void *context);

/* How long to wait before asking again for what was refused: 100 ms, then twice as long each time,
 * at most 5 s, with jitter. *failures counts refusals in a row; the caller clears it. */
#define QUEUE_AGAIN_FIRST_MS 100
#define QUEUE_AGAIN_MAX_MS 5000
int64_t queue_again_ms(struct queue *queue, int *failures);

#endif
