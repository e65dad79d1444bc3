/*
 * All of the doctor: looks, and judges what it saw.
 */
#ifndef ADMIN_DOCTOR_EXAMINE_H
#define ADMIN_DOCTOR_EXAMINE_H

#include "admin/doctor/facts.h"
#include "admin/doctor/findings.h"
#include "admin/doctor/read.h"

struct doctor {
    struct doctor_facts facts;
    struct findings findings;
    struct worker_names names;
};

/* Its facts have what workers have set by default. NULL: no memory. */
struct doctor *doctor_new(void);
void doctor_free(struct doctor *doctor); /* NULL allowed */

/* False with the failure reported. */
bool doctor_examine(struct session *session, struct doctor *doctor);

/* The counts of findings and the findings, part by part, as one object. */
void doctor_put_json(struct buffer *out, const char *queue, const struct findings *findings);

#endif
