#include "cli/hook/target.h"

int hook_target_read(const struct cli *cli, struct hook_target *target)
{
    const char *id;
    struct room_id room;

    if (cli_room(cli, &room) != CLI_DONE || cli_name(cli, "id", &id) != CLI_DONE)
        return CLI_USAGE;
    hook_target_init(&cli->session, target, &room, id ? id : "main");
    return CLI_DONE;
}
