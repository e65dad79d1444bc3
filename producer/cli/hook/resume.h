/*
 * Taking a hook up again: its deliveries that wait come now instead of when they would be due.
 */
#ifndef CLI_HOOK_RESUME_H
#define CLI_HOOK_RESUME_H

#include "cli/cli.h"

/*
 * Makes the hook's retries due and prints how many deliveries wait for it. Those that a worker
 * holds stay as they are. Comes after what keeps workers from sending was changed. An exit code,
 * failures are reported.
 */
int hook_resume_deliveries(struct cli *cli, const struct room_id *room, const char *hook_id,
                           int64_t waiting);

#endif
