/*
 * Names of a queue's keys in Redis. All carry the hash tag {Q}, so they share a cluster slot.
 */
#ifndef CONTRACT_KEYS_H
#define CONTRACT_KEYS_H

#include <roomhook/event.h>

#include "contract/room.h"

#define KEYS_GROUP "workers"   /* the stream's only consumer group */
#define KEYS_CONTRACT "2"      /* value of field "contract" in meta */
#define KEYS_CONTRACT_OLD "1"  /* workers convert it */
#define KEY_SIZE 288           /* room for any key of a queue, with its NUL */
#define CONSUMER_NAME_SIZE 128 /* "<host>-<pid>-<8 hex>" */

struct keys {
    char queue[RH_NAME_MAX + 1];
    char events[KEY_SIZE];        /* stream: events not yet settled */
    char deliveries[KEY_SIZE];    /* hash: delivery id -> record of one that waits */
    char documents[KEY_SIZE];     /* hash: stream id -> document that several of these share */
    char leases[KEY_SIZE];        /* hash: delivery id -> fence, expired leases, its place */
    char lanes[KEY_SIZE];         /* zset: lane -> when it is worth a look, ms */
    char lanes_shut[KEY_SIZE];    /* the same for lanes whose hook is open or disabled by workers */
    char gates[KEY_SIZE];         /* hash: lane -> what keeps its deliveries back */
    char dead[KEY_SIZE];          /* stream: dead letters */
    char dead_by_room[KEY_SIZE];  /* zset, all scores 0: "<room> <letter id> <bytes>" */
    char dead_bytes[KEY_SIZE];    /* hash: room -> bytes of its letters; "*": of all */
    char hooks_state[KEY_SIZE];   /* hash: lane -> what workers learnt about its hook */
    char hooks_recent[KEY_SIZE];  /* hash: lane -> its newest attempts, when some were not fine */
    char hooks_changed[KEY_SIZE]; /* stream: which hooks changed lately */
    char retries[KEY_SIZE];       /* of contract 1: zset, delivery id -> due time */
    char hooks_pace[KEY_SIZE];    /* of contract 1 */
    char logs[KEY_SIZE];          /* zset: lane -> when its log was written last, ms */
    char log_sizes[KEY_SIZE];     /* hash: lane -> bytes of its log; "*": of all */
    char delivered[KEY_SIZE];     /* stream: events that were delivered, with keep-delivered */
    char delivered_documents[KEY_SIZE]; /* hash: padded stream id -> document of such an event */
    char leader[KEY_SIZE];              /* string: maintenance lease */
    char stats[KEY_SIZE];               /* hash: counters */
    char alerted[KEY_SIZE];      /* hash: lane -> what was reported of its hook to alert-url */
    char alerted_dead[KEY_SIZE]; /* hash: lane -> dead letters to be reported */
    char times[KEY_SIZE];        /* hash: how long attempts and deliveries took, in buckets */
    char history[KEY_SIZE];      /* stream: a snapshot of counters each minute */
    char tasks[KEY_SIZE];        /* hash: task id -> record of a bulk task, as JSON */
    char happened[KEY_SIZE];     /* stream: hooks that opened, workers that died, … */
    char meta[KEY_SIZE];         /* hash: contract version */
};

/* 0, or -1 when queue is not [A-Za-z0-9_-]{1,64}. */
int keys_init(struct keys *keys, const char *queue);

/* {Q}:room:<id>, {Q}:worker:<consumer>, {Q}:lane:<lane>, {Q}:log:<lane>,
 * {Q}:holders:<padded stream id> and {Q}:reply:<stream id>; each returns out. */
const char *keys_room(const struct keys *keys, const struct room_id *room, char out[KEY_SIZE]);
const char *keys_worker(const struct keys *keys, const char *consumer, char out[KEY_SIZE]);
const char *keys_lane(const struct keys *keys, const char *lane, char out[KEY_SIZE]);
const char *keys_log(const struct keys *keys, const char *lane, char out[KEY_SIZE]);
const char *keys_holders(const struct keys *keys, const char *stream, char out[KEY_SIZE]);
const char *keys_reply(const struct keys *keys, const char *stream_id, char out[KEY_SIZE]);

#endif
