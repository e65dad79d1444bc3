/*
 * Taking a hook up again: its deliveries that wait come now instead of when they would be due.
 */
#ifndef CLI_HOOK_RESUME_H
#define CLI_HOOK_RESUME_H

#include "cli/cli.h"

/*
 * Makes the hook's waiting deliveries due, a second from now and a millisecond apart, and prints
 * how many they are. Those that a worker holds, and those due sooner, stay as they are. Comes after
 * what keeps workers from sending was changed. An exit code, failures are told.
 */
int hook_resume_deliveries(struct cli *cli, int64_t room_id, const char *hook_id);

#endif
