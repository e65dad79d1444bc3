/* doctor: what is wrong with Redis and the queue, and what to do about it. */
#include <stdlib.h>

#include "admin/doctor/examine.h"
#include "cli/cli.h"
#include "cli/doctor/print.h"
#include "contract/parse.h"

static const struct flag_spec doctor_specs[] = {
    {"dead-max", "N", "as set for the workers; default 100000", false},
    {"dead-max-bytes", "SIZE", "as set for the workers; default 1g", false},
    {NULL, NULL, NULL, false},
};

static int read_options(const struct cli *cli, struct doctor_facts *facts)
{
    const char *dead_max = flags_value(&cli->flags, "dead-max");
    const char *dead_max_bytes = flags_value(&cli->flags, "dead-max-bytes");
    uint64_t bytes = (uint64_t)facts->dead_max_bytes;

    if (dead_max && parse_int64(bytes_of(dead_max), 1, INT64_MAX, &facts->dead_max) < 0)
        return cli_usage(cli, "--dead-max is a whole number from 1");
    if (dead_max_bytes && parse_size(bytes_of(dead_max_bytes), 1, INT64_MAX, &bytes) < 0)
        return cli_usage(cli, "--dead-max-bytes is a size, like 512m");
    facts->dead_max_bytes = (int64_t)bytes;
    return CLI_DONE;
}

static int examine(struct cli *cli, struct doctor *doctor)
{
    int failed = read_options(cli, &doctor->facts);

    if (failed != CLI_DONE)
        return failed;
    if (!doctor_examine(&cli->session, doctor))
        return CLI_FAILED;
    if (!cli->json)
        doctor_print_text(cli, &doctor->findings);
    else if (doctor_print_json(cli, &doctor->findings) != CLI_DONE)
        return CLI_FAILED;
    return findings_are_bad(&doctor->findings) ? CLI_FAILED : CLI_DONE;
}

static int run_doctor(struct cli *cli)
{
    struct doctor *doctor = doctor_new();

    if (!doctor)
        return cli_failed("out of memory");
    int result = examine(cli, doctor);
    doctor_free(doctor);
    return result;
}

const struct command command_doctor = {
    .name = "doctor",
    .operands = "",
    .summary = "Checks Redis, the queue, its workers and hooks, and advises what to do.",
    .details =
        "Levels: error (events are lost, or not delivered), warning (something is wrong, or\n"
        "will be), unchecked (Redis refused the check), note (worth knowing), ok. Exit status:\n"
        "0 if there are at most notes, 1 for the others and when Redis cannot be reached, 2 for\n"
        "wrong usage. It only reads.\n",
    .flags = doctor_specs,
    .run = run_doctor,
};
