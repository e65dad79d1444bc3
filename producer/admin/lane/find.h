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

/* A lane's place among those of a set: by its score, then by its name. */
struct lane_place {
    double score;
    char name[LANE_SIZE];
};

/* As "1667548137257:438/main"; a score by hand may be any. */
#define LANE_PLACE_SIZE (LANE_SIZE + 32)
const char *lane_place_text(const struct lane_place *place, char out[LANE_PLACE_SIZE]);
int lane_place_parse(struct bytes text, struct lane_place *ret_place); /* 0 or -1 */

enum lane_sets {
    LANES_ALL,
    LANES_SHUT,    /* only those in {Q}:lanes-shut */
    LANES_NOT_SHUT /* only those in {Q}:lanes */
};

struct lane_selection {
    char exact[LANE_SIZE];       /* the only one; "" when there may be several */
    char pattern[LANE_SIZE + 2]; /* else a glob, "*" for all */
    enum lane_sets sets;
    const struct lane_place *after; /* only what is behind it; NULL: all */
};

struct lane_found {
    char name[LANE_SIZE];
    bool is_shut; /* in {Q}:lanes-shut */
    double score;
    int64_t next_ms; /* the same: when a worker looks at it */
};

struct lanes_found {
    struct lane_found *list; /* the one that is looked at first comes first; free() it */
    size_t len;
    int64_t more; /* that are not in the list; behind a place: at least this many */
};

int64_t lane_score_ms(struct bytes score); /* one by hand may be anything */

/* At most limit of them. False with the failure reported, and nothing to free. */
bool lanes_find(struct session *session, const struct lane_selection *selection, size_t limit,
                struct lanes_found *ret_found);

#endif
