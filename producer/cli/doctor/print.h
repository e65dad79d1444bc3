/*
 * The doctor's findings on stdout: for eyes, or as one JSON object.
 */
#ifndef CLI_DOCTOR_PRINT_H
#define CLI_DOCTOR_PRINT_H

#include "admin/doctor/findings.h"
#include "cli/cli.h"

void doctor_print_text(const struct cli *cli, const struct findings *findings);
int doctor_print_json(const struct cli *cli, const struct findings *findings); /* an exit code */

#endif
