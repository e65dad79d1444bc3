/*
 * Whether a client without a password may use the queue. A second connection tries it, so that the
 * doctor's own user needs no rights for it.
 */
#ifndef CLI_DOCTOR_ACCESS_H
#define CLI_DOCTOR_ACCESS_H

#include "cli/cli.h"
#include "cli/doctor/facts.h"

/* False, with the failure told, when Redis cannot be reached. */
bool doctor_read_access(struct cli *cli, struct doctor_facts *facts);

#endif
