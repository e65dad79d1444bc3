/* hook resume: forgets what workers learnt about a hook, and lets what waits for it come now. */
#include "cli/hook/resume.h"

#include <inttypes.h>
#include <stdio.h>

#include "admin/hook/actions.h"
#include "cli/hook/target.h"
#include "cli/terminal/json_output.h"

static const struct flag_spec resume_specs[] = {
    {"room", "ROOM", "the room; required", false},
    {"id", "ID", "the hook's id in the room; default main", false},
    {NULL, NULL, NULL, false},
};

int hook_resume_deliveries(struct cli *cli, const struct room_id *room, const char *hook_id,
                           int64_t waiting)
{
    struct buffer line;

    if (waiting > 0 && !hook_store_make_due(&cli->session, room, hook_id))
        return CLI_FAILED;
    if (!cli->json) {
        (void)printf("%" PRId64 " waiting %s due\n", waiting,
                     waiting == 1 ? "delivery is" : "deliveries are");
        return CLI_DONE;
    }
    buffer_init(&line, 256);
    object_begin(&line);
    object_put_room(&line, "room", room);
    object_put_text(&line, "id", bytes_of(hook_id));
    object_put_int(&line, "deliveries", waiting);
    int printed = object_print(&line);
    buffer_release(&line);
    return printed < 0 ? cli_failed("out of memory") : CLI_DONE;
}

static int run_resume(struct cli *cli)
{
    struct hook_target target;

    int result = hook_target_read(cli, &target);
    if (result == CLI_DONE)
        result = cli_exit(hook_resume(&cli->session, &target));
    if (result != CLI_DONE)
        return result;
    return hook_resume_deliveries(cli, &target.room, target.id, target.waiting);
}

const struct command command_hook_resume = {
    .name = "hook resume",
    .operands = "",
    .summary = "Resets a hook that failed, was paused or was disabled by workers.",
    .details =
        "Waiting deliveries are sent within seconds, each with the attempts it has left. Use\n"
        "hook enable for a hook that was disabled by hand.\n",
    .flags = resume_specs,
    .run = run_resume,
};
