/* lane show: the deliveries that wait for one hook. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "admin/human_text.h"
#include "admin/lane/look.h"
#include "admin/lane/record.h"
#include "cli/cli.h"
#include "cli/lane/select.h"
#include "cli/terminal/json_output.h"
#include "cli/terminal/table.h"
#include "contract/parse.h"

#define LIMIT_DEFAULT 20
#define LINE_MAX_BYTES 65536

static const struct flag_spec show_specs[] = {
    {"room", "ROOM", "the room", false},
    {"hook", "ID", "the hook; for an inline hook \":\" and 16 hex digits", false},
    {"limit", "N", "how many, the next first; default 20", false},
    {NULL, NULL, NULL, false},
};

static const struct table_column columns[] = {
    {.title = "ID"},
    {.title = "TRIES"},
    {.title = "NEXT"},
    {.title = "EVENT", .least = 12},
    {.title = "HELD BY, OR LAST ERROR", .least = 16},
};

struct showing {
    struct cli *cli;
    const struct lane_found *lane;
    int64_t now_ms;
    struct table table;
    struct buffer line;
};

static void print_head(const struct showing *showing, const struct lane_look *look)
{
    char when[HUMAN_TEXT_SIZE];
    struct buffer why;

    (void)printf("%-8s  ", "lane");
    print_value(bytes_of(showing->lane->name));
    if (look->url[0] != '\0')
        (void)printf("%-8s  %s\n", "url", look->url);
    (void)printf("%-8s  %" PRId64 "\n", "waiting", look->waiting);
    (void)printf("%-8s  %s\n", "state", lane_condition_name(look->condition));
    (void)printf("%-8s  %s\n", "next", lane_when(showing->lane->next_ms, showing->now_ms, when));
    buffer_init(&why, 1024);
    hook_state_put_why(&why, &look->state, hook_state_condition(&look->state, showing->now_ms));
    if (why.len > 0) {
        struct screen screen = screen_of_stdout();
        (void)printf("%-8s  ", "why");
        screen_put_wrapped(stdout, &screen, 10, why.data);
    }
    buffer_release(&why);
    (void)putchar('\n');
}

static void add_row(struct showing *showing, const struct lane_record *record)
{
    struct table *table = &showing->table;
    char text[HUMAN_TEXT_SIZE];

    table_add(table, bytes_of(record->stream_id));
    table_add_number(table, record->attempts);
    table_add(table, bytes_of(lane_when(record->score_ms, showing->now_ms, text)));
    table_add(table, bytes_of(record->event_id));
    const char *note = record->worker[0] != '\0' ? record->worker : record->error;
    table_add(table, bytes_of(note));
}

static int print_object(struct showing *showing, const struct lane_record *record)
{
    object_begin(&showing->line);
    lane_record_put_json(&showing->line, record);
    return object_print(&showing->line);
}

static int show_deliveries(struct showing *showing, int64_t limit)
{
    struct lane_record records[SESSION_BATCH];
    int64_t at = 0;
    size_t len = 1;

    while (at < limit && len > 0) {
        size_t most = limit - at < SESSION_BATCH ? (size_t)(limit - at) : SESSION_BATCH;
        if (!lane_records_read(&showing->cli->session, showing->lane->name, at, most, records,
                               &len))
            return CLI_FAILED;
        for (size_t i = 0; i < len; i++) {
            if (!showing->cli->json)
                add_row(showing, &records[i]);
            else if (print_object(showing, &records[i]) < 0)
                return cli_failed("out of memory");
        }
        at += (int64_t)len;
    }
    if (!showing->cli->json && table_print(&showing->table) < 0)
        return cli_failed("out of memory");
    return CLI_DONE;
}

static int show(struct cli *cli, const struct lane_found *lane, int64_t limit)
{
    struct showing showing = {.cli = cli, .lane = lane};
    struct lane_look look;

    if (!session_server_time(&cli->session, &showing.now_ms) ||
        !lanes_look(&cli->session, lane, 1, showing.now_ms, &look))
        return CLI_FAILED;
    table_init(&showing.table, columns, sizeof(columns) / sizeof(columns[0]));
    buffer_init(&showing.line, LINE_MAX_BYTES);
    if (!cli->json)
        print_head(&showing, &look);
    int result = show_deliveries(&showing, limit);
    table_release(&showing.table);
    buffer_release(&showing.line);
    lanes_look_release(&look, 1);
    return result;
}

static int run_show(struct cli *cli)
{
    const char *given = flags_value(&cli->flags, "limit");
    struct lane_selection selection;
    struct lanes_found found;
    int64_t limit = LIMIT_DEFAULT;

    if (lane_selection_read(cli, &selection) != CLI_DONE)
        return CLI_USAGE;
    if (selection.exact[0] == '\0')
        return cli_usage(cli, "give a LANE, or --room and --hook");
    if (given && parse_int64(bytes_of(given), 1, LANE_LIMIT_MAX, &limit) < 0)
        return cli_usage(cli, "--limit is a number from 1 to %d", LANE_LIMIT_MAX);
    if (!lanes_find(&cli->session, &selection, 1, &found))
        return CLI_FAILED;
    int result = found.len > 0 ? show(cli, &found.list[0], limit)
                               : cli_failed("nothing waits in lane %s", selection.exact);
    free(found.list);
    return result;
}

const struct command command_lane_show = {
    .name = "lane show",
    .operands = "[LANE]",
    .summary = "Shows the deliveries that wait for one hook, the next one first.",
    .details =
        "NEXT is the earliest time that a worker takes it; for one that a worker holds, when\n"
        "its lease ends. With --json times are ms since 1970, and texts are not cut.\n",
    .flags = show_specs,
    .run = run_show,
};
