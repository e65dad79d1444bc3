#include "admin/doctor/examine.h"

#include <stdlib.h>

#include "admin/doctor/access.h"
#include "admin/doctor/judge.h"
#include "contract/json_object.h"

#define DEAD_MAX_DEFAULT 100000
#define DEAD_MAX_BYTES_DEFAULT (INT64_C(1) << 30)

struct doctor *doctor_new(void)
{
    struct doctor *doctor = calloc(1, sizeof(*doctor));

    if (doctor) {
        doctor->facts.dead_max = DEAD_MAX_DEFAULT;
        doctor->facts.dead_max_bytes = DEAD_MAX_BYTES_DEFAULT;
    }
    return doctor;
}

void doctor_free(struct doctor *doctor)
{
    if (!doctor)
        return;
    free(doctor->facts.workers.list);
    free(doctor);
}

static bool look(struct session *session, struct doctor *doctor)
{
    struct doctor_facts *facts = &doctor->facts;

    return doctor_read_access(session, facts) && doctor_read_redis(session, facts) &&
           doctor_read_queue(session, facts) && doctor_read_walks(session, facts) &&
           doctor_read_lanes(session, facts) && doctor_read_tasks(session, facts) &&
           doctor_read_rooms(session, facts, &doctor->findings, &doctor->names) &&
           doctor_read_workers(session, facts, &doctor->names);
}

static void judge(const struct session *session, struct doctor *doctor)
{
    const struct doctor_facts *facts = &doctor->facts;
    struct findings *findings = &doctor->findings;

    judge_redis(findings, facts);
    judge_queue(findings, facts, &session->keys);
    judge_walks(findings, facts, &session->keys);
    judge_tasks(findings, facts, &session->keys);
    judge_workers(findings, facts, &session->keys);
    judge_rooms(findings, facts);
    judge_dead(findings, facts, &session->keys);
    judge_refusals(findings, facts, &session->keys);
}

bool doctor_examine(struct session *session, struct doctor *doctor)
{
    bool looked = look(session, doctor);

    if (looked)
        judge(session, doctor);
    return looked;
}

static void put_finding(struct buffer *out, const struct finding *finding)
{
    object_begin(out);
    object_put_text(out, "level", bytes_of(level_name(finding->level)));
    object_put_text(out, "part", bytes_of(part_name(finding->part)));
    object_put_text(out, "check", bytes_of(finding->check));
    object_put_text(out, "text", bytes_of(finding->text));
    if (finding->advice[0] != '\0')
        object_put_text(out, "advice", bytes_of(finding->advice));
    if (finding->more > 0)
        object_put_int(out, "more", finding->more);
    buffer_append_char(out, '}');
}

/* Part by part, as for eyes. */
static void put_findings(struct buffer *out, const struct findings *findings)
{
    const char *comma = "";

    for (enum part part = 0; part < PARTS; part++) {
        for (size_t i = 0; i < findings->len; i++) {
            if (findings->list[i].part != part)
                continue;
            buffer_append_text(out, comma);
            put_finding(out, &findings->list[i]);
            comma = ",";
        }
    }
}

void doctor_put_json(struct buffer *out, const char *queue, const struct findings *findings)
{
    object_begin(out);
    object_put_text(out, "queue", bytes_of(queue));
    for (int level = LEVEL_ERROR; level >= LEVEL_OK; level--)
        object_put_int(out, level_name((enum level)level), findings->counts[level]);
    object_put_json(out, "findings", BYTES("["));
    put_findings(out, findings);
    buffer_append_char(out, ']');
    object_end(out);
}
