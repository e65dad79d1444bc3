/* lane list: the hooks that something waits for. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "admin/human_text.h"
#include "admin/lane/look.h"
#include "cli/cli.h"
#include "cli/hook/tone.h"
#include "cli/lane/select.h"
#include "cli/terminal/json_output.h"
#include "cli/terminal/table.h"
#include "contract/parse.h"

#define LIMIT_DEFAULT 20
#define LINE_MAX_BYTES 16384

static const struct flag_spec list_specs[] = {
    LANE_SELECT_SPECS,
    {"limit", "N", "how many, due ones first; default 20", false},
    {NULL, NULL, NULL, false},
};

static const struct table_column columns[] = {
    {.title = "LANE", .least = 12},
    {.title = "WAITING"},
    {.title = "STATE"},
    {.title = "OLDEST"},
    {.title = "NEXT"},
    {.title = "WHY", .least = 12},
};

struct listing {
    struct cli *cli;
    int64_t now_ms; /* of Redis */
    struct table table;
    struct buffer line;
};

static void add_row(struct listing *listing, const struct lane_found *lane,
                    const struct lane_look *look)
{
    struct table *table = &listing->table;
    struct buffer *why = &listing->line;
    char text[HUMAN_TEXT_SIZE];

    table_add(table, bytes_of(lane->name));
    table_add_number(table, look->waiting);
    table_add_toned(table, bytes_of(lane_condition_name(look->condition)),
                    lane_condition_tone(look->condition));
    table_add(table, bytes_of(human_when(look->oldest_ms, listing->now_ms, text)));
    table_add(table, bytes_of(lane_when(lane->next_ms, listing->now_ms, text)));
    hook_state_put_why(why, &look->state, hook_state_condition(&look->state, listing->now_ms));
    table_add(table, buffer_bytes(why));
    buffer_clear(why);
}

static int print_object(struct listing *listing, const struct lane_found *lane,
                        const struct lane_look *look)
{
    object_begin(&listing->line);
    lane_put_json(&listing->line, lane, look, listing->now_ms);
    return object_print(&listing->line);
}

/* Up to SESSION_BATCH lanes. 0, or -1 with the failure reported. */
static int show_some(struct listing *listing, const struct lane_found *lanes, size_t len)
{
    struct lane_look looks[SESSION_BATCH];
    int result = 0;

    if (!lanes_look(&listing->cli->session, lanes, len, listing->now_ms, looks))
        return -1;
    for (size_t i = 0; i < len && result == 0; i++) {
        if (looks[i].waiting == 0 && looks[i].condition != LANE_BROKEN)
            continue; /* emptied since */
        if (!listing->cli->json)
            add_row(listing, &lanes[i], &looks[i]);
        else if (print_object(listing, &lanes[i], &looks[i]) < 0)
            result = cli_failed("out of memory") == CLI_DONE ? 0 : -1;
    }
    lanes_look_release(looks, len);
    return result;
}

static int show_all(struct listing *listing, const struct lanes_found *found)
{
    size_t n;

    for (size_t at = 0; at < found->len; at += n) {
        n = found->len - at < SESSION_BATCH ? found->len - at : SESSION_BATCH;
        if (show_some(listing, &found->list[at], n) < 0)
            return CLI_FAILED;
    }
    if (listing->cli->json)
        return CLI_DONE;
    if (table_print(&listing->table) < 0)
        return cli_failed("out of memory");
    if (found->more > 0)
        (void)printf("and %" PRId64 " more: --limit\n", found->more);
    return CLI_DONE;
}

static int run_list(struct cli *cli)
{
    const char *given = flags_value(&cli->flags, "limit");
    struct listing listing = {.cli = cli};
    struct lane_selection selection;
    struct lanes_found found;
    int64_t limit = LIMIT_DEFAULT;

    if (lane_selection_read(cli, &selection) != CLI_DONE)
        return CLI_USAGE;
    if (given && parse_int64(bytes_of(given), 1, LANE_LIMIT_MAX, &limit) < 0)
        return cli_usage(cli, "--limit is a number from 1 to %d", LANE_LIMIT_MAX);
    if (!session_server_time(&cli->session, &listing.now_ms) ||
        !lanes_find(&cli->session, &selection, (size_t)limit, &found))
        return CLI_FAILED;
    table_init(&listing.table, columns, sizeof(columns) / sizeof(columns[0]));
    buffer_init(&listing.line, LINE_MAX_BYTES);
    int result = show_all(&listing, &found);
    table_release(&listing.table);
    buffer_release(&listing.line);
    free(found.list);
    return result;
}

const struct command command_lane_list = {
    .name = "lane list",
    .operands = "",
    .summary = "Lists waiting deliveries by hook: how many, since when, why, and until when.",
    .details =
        "The deliveries that wait for one hook are its lane, ROOM/HOOK; for an inline hook\n"
        "ROOM/:16 hex digits. A lane is due, waits for its next retry, is paused by its\n"
        "receiver, open (its hook keeps failing; one delivery is a probe, at NEXT), at its rate\n"
        "limit, or disabled or removed: then workers make dead letters of it. OLDEST is when\n"
        "the oldest event of the next 20 was sent.\n",
    .flags = list_specs,
    .run = run_list,
};
