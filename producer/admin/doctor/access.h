/*
 * Whether a client without a password may use the queue. A second connection tries it, so that the
 * doctor's own user needs no rights for it.
 */
#ifndef ADMIN_DOCTOR_ACCESS_H
#define ADMIN_DOCTOR_ACCESS_H

#include "admin/doctor/facts.h"
#include "admin/session.h"

/* False, with the failure reported, when Redis cannot be reached. */
bool doctor_read_access(struct session *session, struct doctor_facts *facts);

#endif
