/* hook resume: forgets what workers learnt about a hook, and lets what waits for it come now. */
#include "cli/hook/resume.h"

#include <inttypes.h>
#include <stdio.h>

#include "admin/hook/store.h"
#include "cli/terminal/json_output.h"
#include "contract/hook.h"

static const struct flag_spec resume_specs[] = {
    {"room", "ROOM", "the room; needed", false},
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

/* What a disabled or broken hook has waiting would only die sooner. */
static int check_hook(struct cli *cli, const struct room_id *room, const char *hook_id)
{
    char room_key[KEY_SIZE];
    const struct bytes args[] = {
        BYTES("HGET"), bytes_of(keys_room(&cli->session.keys, room, room_key)), bytes_of(hook_id)};
    struct hook *hook = NULL;
    struct error_text why;
    struct reply *reply;
    int result = CLI_DONE;

    if (!session_ask(&cli->session, args, 3, &reply))
        return CLI_FAILED;
    if (reply_is_nil(reply))
        result = cli_failed("room %s has no hook %s", room->text, hook_id);
    else if (hook_parse(bytes_of(hook_id), reply_text(reply), &hook, &why) != HOOK_OK)
        result = cli_failed("the hook is not valid: %s; roomhook hook set mends it", why.text);
    else if (!hook->enabled)
        result = cli_failed("the hook is disabled; roomhook hook enable takes it up");
    hook_free(hook);
    reply_free(reply);
    return result;
}

static int run_resume(struct cli *cli)
{
    const char *hook_id;
    struct room_id room;
    struct hook_store_found found;

    if (cli_room(cli, &room) != CLI_DONE || cli_name(cli, "id", &hook_id) != CLI_DONE)
        return CLI_USAGE;
    if (!hook_id)
        hook_id = "main";
    int result = check_hook(cli, &room, hook_id);
    if (result != CLI_DONE)
        return result;
    if (!hook_store_change(&cli->session, &room, hook_id, HOOK_STORE_RESUME, &found))
        return CLI_FAILED;
    return hook_resume_deliveries(cli, &room, hook_id, found.waiting);
}

const struct command command_hook_resume = {
    .name = "hook resume",
    .operands = "",
    .summary = "Forgets that a hook failed, was paused or was disabled by workers: sends again.",
    .details = "What waits for the hook comes within seconds, each delivery with the attempts it\n"
               "has left. A hook that was disabled by hand is taken up by hook enable.\n",
    .flags = resume_specs,
    .run = run_resume,
};
