/*
 * Takes entries from the stream: by blocking reads on a connection of its own, and, after every
 * (re)connect, by looking through what Redis says is pending for this consumer.
 *
 * It asks for no more entries than there is room for; room offered to a blocking read counts as
 * taken until the read returns. An entry is reported each time it is taken: the receiver drops
 * ids it knows already.
 */
#ifndef QUEUE_INTAKE_H
#define QUEUE_INTAKE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/loop.h"
#include "queue/queue.h"
#include "queue/stream_entry.h"

#define INTAKE_BLOCK_MS 5000
#define INTAKE_DEADLINE_MS (INTAKE_BLOCK_MS + 5000) /* of what waits behind it */

struct intake;

/* reader: a connection for blocking reads only. NULL: no memory. */
struct intake *intake_new(struct loop *loop, struct queue *queue, struct redis_link *reader,
                          const struct stream_taker *taker);
void intake_free(struct intake *intake); /* NULL allowed */

void intake_control_up(struct intake *intake); /* the control link is up and the group exists */
void intake_reader_up(struct intake *intake);
void intake_link_down(struct intake *intake); /* one of the links was lost */

void intake_followed(struct intake *intake);
void intake_kick(struct intake *intake);     /* there may be room again */
void intake_end_read(struct intake *intake); /* there is none any more: end the blocking read */
/* Look through what has been pending for us for so long: 0 after a reconnect or a take-over. Longer
 * for an audit, so that what is on its way to the reader is not taken for forgotten. */
void intake_reclaim(struct intake *intake, int64_t min_idle_ms);
void intake_take_again(struct intake *intake);       /* what was left pending by the taker itself */
void intake_stop(struct intake *intake);             /* end the blocking read and start no other */
bool intake_is_stopped(const struct intake *intake); /* no read is under way any more */

#endif
