/*
 * Looking at lanes: what waits in each, and what for.
 */
#ifndef ADMIN_LANE_LOOK_H
#define ADMIN_LANE_LOOK_H

#include <stdint.h>

#include "admin/hook/state.h"
#include "admin/lane/condition.h"
#include "admin/lane/find.h"
#include "admin/session.h"
#include "contract/url.h"

struct lane_look {
    enum lane_condition condition;
    int64_t waiting;   /* deliveries */
    int64_t oldest_ms; /* when the oldest event of the next ones was sent; 0: not known */
    struct stored_state state;
    char *url; /* of a registered hook; "" when it is not known */
};

/* Looks at up to SESSION_BATCH lanes. False with the failure reported, and nothing to release. */
bool lanes_look(struct session *session, const struct lane_found *lanes, size_t len, int64_t now_ms,
                struct lane_look ret_looks[]);
void lanes_look_release(struct lane_look looks[], size_t len);

/* When the event of a delivery was sent; -1: the id is none. */
int64_t lane_sent_ms(struct bytes delivery_id);

/* Members of an object: lane, room, hook, waiting, state, … */
void lane_put_json(struct buffer *line, const struct lane_found *lane, const struct lane_look *look,
                   int64_t now_ms);

/* "now", "in 12m"; at least 32 bytes. */
const char *lane_when(int64_t at_ms, int64_t now_ms, char *out);

#endif
