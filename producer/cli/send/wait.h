/*
 * What becomes of an event that was sent: asked of Redis until every hook has an outcome. It reads
 * more of the queue than a producer may.
 */
#ifndef CLI_SEND_WAIT_H
#define CLI_SEND_WAIT_H

#include "cli/cli.h"

struct sent_event {
    const struct room_id *room;
    const char *hook; /* only for this one, or NULL */
    const char *stream_id;
    const char *event_id; /* NULL: made of the stream id */
};

/* Prints each hook's outcome. CLI_DONE when all were delivered or skipped; else CLI_FAILED: one is
 * a dead letter, or time is up. failures are reported. */
int send_wait(struct cli *cli, const struct sent_event *event, int64_t timeout_ms);

#endif
