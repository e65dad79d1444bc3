#include "cli/lane/select.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "contract/parse.h"

static bool is_hook(struct bytes text)
{
    if (text.len > 0 && text.data[0] == ':')
        return text.len == HOOK_FINGERPRINT_SIZE &&
               strspn(text.data + 1, "0123456789abcdef") == text.len - 1;
    return parse_is_name(text);
}

static int read_operand(const struct cli *cli, struct lane_selection *selection)
{
    struct bytes name = bytes_of(cli->flags.operands[0]);
    struct lane_parts parts;

    if (cli->flags.operands_len > 1 || flags_has(&cli->flags, "room") ||
        flags_has(&cli->flags, "hook"))
        return cli_usage(cli, "give one LANE, or --room and --hook");
    if ((lane_split(name, &parts) < 0 && !bytes_equal_text(name, "unreadable")) ||
        !bytes_copy_text(name, selection->exact, sizeof(selection->exact)))
        return cli_usage(cli, "a LANE is like 438/main, as lane list shows it");
    return CLI_DONE;
}

int lane_selection_read(const struct cli *cli, struct lane_selection *ret_selection)
{
    const char *hook = flags_value(&cli->flags, "hook");
    struct lane_selection selection = {.sets =
                                           flags_has(&cli->flags, "shut") ? LANES_SHUT : LANES_ALL};
    struct room_id room = {.len = 0};

    *ret_selection = selection;
    if (cli->flags.operands_len > 0)
        return read_operand(cli, ret_selection);
    if (flags_has(&cli->flags, "room")) {
        if (cli_room(cli, &room) != CLI_DONE)
            return CLI_USAGE;
    }
    if (hook && !is_hook(bytes_of(hook)))
        return cli_usage(cli, "--hook is an id, or \":\" and 16 hex digits");
    if (hook && room.len > 0)
        (void)snprintf(selection.exact, sizeof(selection.exact), "%s/%s", room.text, hook);
    else if (hook || room.len > 0)
        (void)snprintf(selection.pattern, sizeof(selection.pattern), "%s/%s",
                       room.len > 0 ? room.text : "*", hook ? hook : "*");
    else
        (void)snprintf(selection.pattern, sizeof(selection.pattern), "*");
    *ret_selection = selection;
    return CLI_DONE;
}
