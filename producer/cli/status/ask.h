/*
 * Questions of status to Redis, many in one round trip.
 */
#ifndef CLI_STATUS_ASK_H
#define CLI_STATUS_ASK_H

#include <stdbool.h>
#include <stddef.h>

#include "cli/cli.h"

#define STATUS_QUERY_ARGS_MAX 6

struct status_query {
    struct bytes args[STATUS_QUERY_ARGS_MAX]; /* up to the first whose data is NULL */
};

/* False with the failure told. */
bool status_append(struct cli *cli, const struct status_query *queries, size_t len);

/* Gets the replies to all that was appended; what is a missing stream or group is NULL. False: the
 * first failure is told. The caller releases the replies in any case. */
bool status_get_replies(struct cli *cli, struct reply *ret_replies[], size_t len);
void status_free_replies(struct reply *replies[], size_t len);

#endif
