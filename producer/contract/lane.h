/*
 * Names of what waits. A lane is what waits for one hook: "<room>/<hook id>", and for a hook that
 * came with its event "<room>/:<fingerprint>" (16 hex of URL and credentials; nothing before the
 * '/' when the event has no room). A delivery is one event for one hook: "<stream>/<hook id>",
 * where stream is the stream id of the event, "<ms, padded to 13>-<seq, padded to 6>": the order
 * of their text is the order of the stream up to sequence number 999,999.
 */
#ifndef CONTRACT_LANE_H
#define CONTRACT_LANE_H

#include <roomhook/event.h>
#include <stdbool.h>
#include <stdint.h>

#include "contract/bytes.h"
#include "contract/hook.h"
#include "contract/room.h"

#define LANE_SIZE (ROOM_ID_MAX + 1 + RH_NAME_MAX + 1)
#define LANE_UNREADABLE "unreadable" /* no lane's name: where what cannot be read is buried */
#define LANE_STREAM_SIZE 42          /* two numbers of up to 20 digits */
#define DELIVERY_ID_SIZE (LANE_STREAM_SIZE + 1 + RH_NAME_MAX)

/* Of a registered hook; returns out. */
const char *lane_of(const struct room_id *room, const char *hook_id, char out[LANE_SIZE]);

/* Of a hook that came with its event, which may have no room. Returns out. */
const char *lane_of_inline(const struct hook *hook, const struct room_id *room,
                           char out[LANE_SIZE]);

struct lane_parts {
    struct room_id room; /* an inline one may have none */
    bool is_inline;
    char hook_id[RH_NAME_MAX + 1]; /* "" of an inline one */
};

/* 0, or -1: it is no lane's name. */
int lane_split(struct bytes lane, struct lane_parts *ret_parts);

/* The fingerprint that gates and states of a hook name: 8 hex. Returns out. */
const char *lane_fingerprint(const struct hook *hook, char out[HOOK_STATE_FINGERPRINT_SIZE]);

/* The same of a lane's gate; hook is NULL when it is not known: "-", unless it came with its event.
 */
const char *lane_gate_fingerprint(const char *lane, const struct hook *hook,
                                  char out[HOOK_STATE_FINGERPRINT_SIZE]);

const char *lane_stream(uint64_t ms, uint64_t seq, char out[LANE_STREAM_SIZE]);
const char *delivery_id(const char *stream, const char *hook_id, char out[DELIVERY_ID_SIZE]);

/* Cuts a delivery's name: its stream id as Redis writes it, and its hook's id. -1: it is something
 * else. */
int delivery_split(struct bytes id, char ret_stream_id[RH_STREAM_ID_SIZE],
                   char ret_hook_id[RH_NAME_MAX + 1]);

#endif
