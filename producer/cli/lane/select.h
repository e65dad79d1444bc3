/*
 * Which lanes a command is about, and finding them in {Q}:lanes and {Q}:lanes-shut.
 */
#ifndef CLI_LANE_SELECT_H
#define CLI_LANE_SELECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cli/cli.h"
#include "contract/lane.h"

#define LANE_LIMIT_MAX 1000000

/* The rows of the flags, for the tables of several commands. */
#define LANE_SELECT_SPECS                                                                      \
    {"room", "ROOM", "only of this room", false},                                              \
        {"hook", "ID", "only of this hook; of one that came with its events \":\" and 16 hex", \
         false},                                                                               \
    {                                                                                          \
        "shut", NULL, "only those whose hook is open, disabled or removed", false              \
    }

struct lane_selection {
    char exact[LANE_SIZE];       /* the only one; "" when there may be several */
    char pattern[LANE_SIZE + 2]; /* else a glob, "*" for all */
    bool shut_only;
};

/* From the flags, or the operand where a command has one. CLI_DONE, or CLI_USAGE with the failure
 * told. */
int lane_selection_read(const struct cli *cli, struct lane_selection *ret_selection);

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

/* At most limit of them. False with the failure told, and nothing to free. */
bool lanes_find(struct cli *cli, const struct lane_selection *selection, size_t limit,
                struct lanes_found *ret_found);

#endif
