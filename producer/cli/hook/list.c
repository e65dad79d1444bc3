/* hook list: the hooks of a room, or of all, their credentials' presence, and what workers learnt
 * about them. */
#include <inttypes.h>
#include <stdio.h>

#include "admin/hook/list.h"
#include "admin/hook/rooms.h"
#include "admin/hook/state.h"
#include "cli/cli.h"
#include "cli/hook/print.h"
#include "cli/hook/tone.h"
#include "cli/terminal/json_output.h"
#include "cli/terminal/table.h"
#include "contract/hook.h"

static const struct flag_spec list_specs[] = {
    {"room", "ROOM", "only of this room", false},
    HOOK_SHOW_SECRETS_FLAG,
    {NULL, NULL, NULL, false},
};

static const struct table_column columns[] = {
    {.title = "ROOM", .least = 12},
    {.title = "ID", .least = 8},
    {.title = "STATE"},
    {.title = "FORMAT", .is_optional = true},
    {.title = "SECRETS", .is_optional = true},
    {.title = "LIMITS", .least = 8, .is_optional = true},
    {.title = "HEADERS", .least = 8, .is_optional = true},
    {.title = "SIGNATURE", .is_optional = true},
    {.title = "DESCRIPTION", .least = 8, .is_optional = true},
    {.title = "URL", .least = 20},
    {.title = "WHY", .least = 16},
};

struct listing {
    struct cli *cli;
    bool shows_signatures;
    struct room_id room;
    int64_t now_ms; /* of Redis */
    struct table table;
    struct buffer line;
};

/* Adds what is in the line as the next cell. */
static void add_line(struct listing *listing)
{
    table_add(&listing->table, buffer_bytes(&listing->line));
    buffer_clear(&listing->line);
}

static void add_row(struct listing *listing, const struct hook *hook,
                    const struct stored_state *state)
{
    enum hook_condition condition = hook_condition_of(hook, state, listing->now_ms);
    struct table *table = &listing->table;

    table_add(table, room_id_bytes(&listing->room));
    table_add(table, bytes_of(hook->id));
    table_add_toned(table, bytes_of(hook_condition_name(condition)),
                    hook_condition_tone(condition));
    table_add(table, bytes_of(hook_format_name(hook->format)));
    table_add_number(table, (int64_t)hook->secrets_len);
    hook_put_limits(&listing->line, hook);
    add_line(listing);
    hook_put_header_names(&listing->line, hook);
    add_line(listing);
    table_add(table, bytes_of(hook_signature_shown(hook, listing->shows_signatures)));
    table_add(table, bytes_of(hook->description));
    table_add(table, bytes_of(hook->url_text));
    if (hook->enabled)
        hook_state_put_why(&listing->line, state, condition);
    add_line(listing);
}

static int print_object(struct listing *listing, const struct hook *hook,
                        const struct stored_state *state)
{
    struct buffer *line = &listing->line;

    object_begin(line);
    hook_put_json(line, &listing->room, hook, listing->shows_signatures);
    hook_put_state(line, hook, state, listing->now_ms);
    return object_print(line);
}

/* A hook nobody can use, for instance one set by hand. */
static int add_invalid(struct listing *listing, struct bytes id, const char *why)
{
    struct table *table = &listing->table;
    if (listing->cli->json) {
        char state[320];

        (void)snprintf(state, sizeof(state), "not valid: %s", why);
        object_begin(&listing->line);
        object_put_room(&listing->line, "room", &listing->room);
        object_put_text(&listing->line, "id", id);
        object_put_text(&listing->line, "state", bytes_of(state));
        return object_print(&listing->line);
    }
    table_add(table, room_id_bytes(&listing->room));
    table_add(table, id);
    table_add_toned(table, BYTES("not valid"), TONE_ERROR);
    for (size_t i = 0; i < 7; i++)
        table_add(table, BYTES(""));
    table_add(table, bytes_of(why));
    return 0;
}

/* 0, or -1: no memory. */
static int add_hook(void *context, const struct hook_listed *listed)
{
    struct listing *listing = context;

    if (!listed->hook)
        return add_invalid(listing, listed->id, listed->why);
    if (listing->cli->json)
        return print_object(listing, listed->hook, listed->state);
    add_row(listing, listed->hook, listed->state);
    return 0;
}

/* 0, or -1 with the failure reported. */
static int list_room(struct listing *listing, const struct room_id *room)
{
    listing->room = *room;
    return hooks_list(&listing->cli->session, room, add_hook, listing) ? 0 : -1;
}

static int list_all(struct listing *listing)
{
    struct rooms rooms;

    if (!rooms_find(&listing->cli->session, &rooms))
        return -1;
    int result = 0;
    for (size_t i = 0; i < rooms.len && result == 0; i++)
        result = list_room(listing, &rooms.ids[i]);
    rooms_release(&rooms);
    return result;
}

static int run_list(struct cli *cli)
{
    struct listing listing = {.cli = cli,
                              .shows_signatures = flags_has(&cli->flags, "show-secrets")};
    bool is_all = !flags_has(&cli->flags, "room");
    struct room_id room = {.len = 0};

    if (!is_all && cli_room(cli, &room) != CLI_DONE)
        return CLI_USAGE;
    if (!session_server_time(&cli->session, &listing.now_ms))
        return CLI_FAILED;
    buffer_init(&listing.line, HOOK_JSON_MAX);
    table_init(&listing.table, columns, sizeof(columns) / sizeof(columns[0]));
    int result = is_all ? list_all(&listing) : list_room(&listing, &room);
    result = result < 0 ? CLI_FAILED : CLI_DONE;
    if (result == CLI_DONE && !cli->json && table_print(&listing.table) < 0)
        result = cli_failed("out of memory");
    table_release(&listing.table);
    buffer_release(&listing.line);
    return result;
}

const struct command command_hook_list = {
    .name = "hook list",
    .operands = "",
    .summary = "Lists the hooks of all rooms, or of one. Secrets are counted, signatures masked.",
    .details =
        "STATE is disabled, open (it failed so often that only probes are sent), paused by its\n"
        "receiver, failing (3 of its last 10 attempts failed, or all), slow (half of its last\n"
        "deliveries took more than a second), healthy, or not valid. LIMITS are its rate\n"
        "limit, timeout and max-age, HEADERS the names of its own headers. On a terminal,\n"
        "columns that do not fit are omitted or cut.\n",
    .flags = list_specs,
    .run = run_list,
};
