/*
 * Looking at lanes: what waits in each, and what for.
 */
#ifndef CLI_LANE_LOOK_H
#define CLI_LANE_LOOK_H

#include <stdint.h>

#include "cli/cli.h"
#include "cli/hook/state.h"
#include "cli/lane/condition.h"
#include "cli/lane/select.h"
#include "contract/url.h"

struct lane_look {
    enum lane_condition condition;
    int64_t waiting;   /* deliveries */
    int64_t oldest_ms; /* when the oldest event of the next ones was sent; 0: not known */
    struct stored_state state;
    char *url; /* of a registered hook; "" when it is not known */
};

/* Looks at up to CLI_BATCH lanes. False with the failure told, and nothing to release. */
bool lanes_look(struct cli *cli, const struct lane_found *lanes, size_t len, int64_t now_ms,
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
