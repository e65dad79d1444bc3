/*
 * Names of a queue's keys in Redis. All carry the hash tag {Q}, so they share a cluster slot.
 */
#ifndef CONTRACT_KEYS_H
#define CONTRACT_KEYS_H

#include <roomhook/event.h>
#include <stdint.h>

#define KEYS_GROUP "workers"   /* the stream's only consumer group */
#define KEYS_CONTRACT "1"      /* value of field "contract" in meta */
#define KEY_SIZE 224           /* room for any key of a queue, with its NUL */
#define CONSUMER_NAME_SIZE 128 /* "<host>-<pid>-<8 hex>" */

struct keys {
    char queue[RH_NAME_MAX + 1];
    char events[KEY_SIZE];        /* stream: events not yet settled */
    char retries[KEY_SIZE];       /* zset: delivery id -> due time, ms */
    char deliveries[KEY_SIZE];    /* hash: delivery id -> record */
    char dead[KEY_SIZE];          /* stream: dead letters */
    char hooks_state[KEY_SIZE];   /* hash: what workers learnt about hooks */
    char hooks_changed[KEY_SIZE]; /* stream: which hooks changed lately */
    char hooks_pace[KEY_SIZE];    /* hash: when a hook with a rate may be sent the next one, us */
    char leader[KEY_SIZE];        /* string: maintenance lease */
    char stats[KEY_SIZE];         /* hash: counters */
    char meta[KEY_SIZE];          /* hash: contract version */
};

/* 0, or -1 when queue is not [A-Za-z0-9_-]{1,64}. */
int keys_init(struct keys *keys, const char *queue);

/* {Q}:room:<id> and {Q}:worker:<consumer>; both return out. */
const char *keys_room(const struct keys *keys, int64_t room_id, char out[KEY_SIZE]);
const char *keys_worker(const struct keys *keys, const char *consumer, char out[KEY_SIZE]);

#endif
