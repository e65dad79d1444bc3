/*
 * Takes entries from the stream: by blocking reads on a connection of its own, and, after every
 * (re)connect, by looking through what Redis says is pending for this consumer.
 *
 * It asks for no more entries than there is room for; room offered to a blocking read counts as
 * taken until the read returns. An entry is told once for each time it is taken: the receiver drops
 * ids it knows already.
 */
#ifndef QUEUE_INTAKE_H
#define QUEUE_INTAKE_H

#include <roomhook/event.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/counters.h"
#include "base/loop.h"
#include "contract/keys.h"
#include "queue/scripts.h"
#include "redis/link.h"

#define INTAKE_BLOCK_MS 5000
#define INTAKE_IDLE_MS 10000 /* past it nothing is on its way to the reader any more */

/* An entry as read. Views are borrowed for the call. */
struct intake_entry {
    struct bytes id;
    int claims;        /* how often it was given to a worker; 1 for a fresh one */
    struct bytes json; /* data is NULL when the field is absent */
    struct bytes msgpack;
    struct bytes event_id; /* field "id" */
    struct bytes hook;
    struct bytes traceparent;
};

struct intake;

struct intake_config {
    const struct keys *keys;
    const struct scripts *scripts;
    const char *consumer;
    struct redis_link *control; /* scans and scripts */
    struct redis_link *reader;  /* blocking reads only */
    struct counters *counters;
    int64_t max_event_bytes;
    int64_t dead_max;
    size_t (*room)(void *context);                 /* how many entries may be read now */
    bool (*knows)(void *context, struct bytes id); /* is this entry being worked on? */
    void (*entry)(void *context, const struct intake_entry *entry);
    void *context;
};

struct intake *intake_new(struct loop *loop, const struct intake_config *config);
void intake_free(struct intake *intake); /* NULL allowed */

void intake_control_up(struct intake *intake); /* the control link is up and the group exists */
void intake_reader_up(struct intake *intake);
void intake_link_down(struct intake *intake); /* one of the links was lost */

void intake_kick(struct intake *intake); /* there may be room again */
/* Look through what has been pending for us for so long: 0 after a reconnect or a take-over. Longer
 * for an audit, so that what is on its way to the reader is not taken for forgotten. */
void intake_adopt(struct intake *intake, int64_t min_idle_ms);
void intake_stop(struct intake *intake);             /* end the blocking read and start no other */
bool intake_is_stopped(const struct intake *intake); /* no read is under way any more */
size_t intake_offered(const struct intake *intake);  /* room offered to the read under way */

#endif
