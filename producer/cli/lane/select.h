/*
 * Which lanes a command is about, by its flags.
 */
#ifndef CLI_LANE_SELECT_H
#define CLI_LANE_SELECT_H

#include "admin/lane/find.h"
#include "cli/cli.h"

#define LANE_LIMIT_MAX 1000000

/* The rows of the flags, for the tables of several commands. */
#define LANE_SELECT_SPECS                                                                       \
    {"room", "ROOM", "only of this room", false},                                               \
        {"hook", "ID", "only of this hook; for an inline hook \":\" and 16 hex digits", false}, \
    {                                                                                           \
        "shut", NULL, "only those whose hook is open or disabled by workers", false             \
    }

/* From the flags, or the operand where a command has one. CLI_DONE, or CLI_USAGE with the failure
 * reported. */
int lane_selection_read(const struct cli *cli, struct lane_selection *ret_selection);

#endif
