/*
 * The hook that a command is about.
 */
#ifndef CLI_HOOK_TARGET_H
#define CLI_HOOK_TARGET_H

#include "admin/hook/change.h"
#include "cli/cli.h"

/* From --room and --id. CLI_DONE, or CLI_USAGE with the failure reported. */
int hook_target_read(const struct cli *cli, struct hook_target *target);

#endif
