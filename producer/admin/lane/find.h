/*
 * Finding lanes in {Q}:lanes and {Q}:lanes-shut.
 */
#ifndef ADMIN_LANE_FIND_H
#define ADMIN_LANE_FIND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "admin/session.h"
#include "contract/lane.h"

struct lane_selection {
    char exact[LANE_SIZE];       /* the only one; "" when there may be several */
    char pattern[LANE_SIZE + 2]; /* else a glob, "*" for all */
    bool shut_only;
};

struct lane_found {
    char name[LANE_SIZE];
    bool is_shut;    /* in {Q}:lanes-shut */
    int64_t next_ms; /* when a worker looks at it */
};

struct lanes_found {
    struct lane_found *list; /* the one that is looked at first comes first; free() it */
    size_t len;
    int64_t more; /* that are not in the list */
};

int64_t lane_score_ms(struct bytes score); /* one by hand may be anything */

/* At most limit of them. False with the failure reported, and nothing to free. */
bool lanes_find(struct session *session, const struct lane_selection *selection, size_t limit,
                struct lanes_found *ret_found);

#endif
