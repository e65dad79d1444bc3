/*
 * How a queue is, for eyes.
 */
#ifndef CLI_STATUS_TEXT_H
#define CLI_STATUS_TEXT_H

#include <stdio.h>

#include "admin/status/rates.h"
#include "admin/status/read.h"
#include "cli/cli.h"
#include "cli/terminal/screen.h"

/* An exit code, failures are reported. */
int status_text(const struct cli *cli, const struct status *status, const struct rates *rates,
                FILE *out, const struct screen *screen);

#endif
