/* dead list and dead show: looking at dead letters. */
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "admin/dead/document.h"
#include "admin/dead/filter.h"
#include "admin/dead/json.h"
#include "admin/dead/scan.h"
#include "admin/human_text.h"
#include "cli/cli.h"
#include "cli/terminal/json_output.h"
#include "cli/terminal/table.h"
#include "contract/parse.h"

#define LIST_DEFAULT 20
#define LIST_MAX 100000
#define VALUE_COLUMN 18                    /* where dead show has them */
#define LINE_MAX_BYTES ((size_t)128 << 20) /* a letter with its document, escaped */

static const struct flag_spec list_specs[] = {
    DEAD_FILTER_SPECS,
    {"limit", "N", "how many, newest first; default 20", false},
    {NULL, NULL, NULL, false},
};

static const struct flag_spec no_specs[] = {
    {NULL, NULL, NULL, false},
};

static const struct table_column columns[] = {
    {.title = "ID"},
    {.title = "DIED"},
    {.title = "REASON"},
    {.title = "ROOM", .least = 12},
    {.title = "HOOK", .least = 8},
    {.title = "ATTEMPTS", .is_optional = true},
    {.title = "STATUS", .is_optional = true},
    {.title = "EVENT", .least = 12, .is_optional = true},
    {.title = "ERROR", .least = 16},
};

static void add_row(struct table *table, const struct dead_entry *entry, int64_t now_ms)
{
    static const char *const fields[] = {"reason", "room",     "hook", "attempts",
                                         "status", "event_id", "error"};
    char when[HUMAN_TEXT_SIZE];

    table_add(table, entry->id);
    table_add(table, bytes_of(human_when(dead_died_ms(entry), now_ms, when)));
    for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
        table_add(table, dead_field(entry, fields[i]));
}

struct listing {
    const struct cli *cli;
    int64_t now_ms; /* of Redis */
    struct table table;
    struct buffer line;
};

/* One letter of the list. 0, or -1: out of memory. */
static int list_entry(struct listing *listing, const struct dead_entry *entry)
{
    if (!listing->cli->json) {
        add_row(&listing->table, entry, listing->now_ms);
        return 0;
    }
    object_begin(&listing->line);
    dead_put_json(&listing->line, entry);
    return object_print(&listing->line);
}

static int list(struct dead_scan *scan, struct listing *listing, int64_t limit)
{
    struct dead_entry entries[SESSION_BATCH];
    size_t len;
    int more;

    while (limit > 0 && (more = dead_scan_next(scan, entries, &len)) != 0) {
        if (more < 0)
            return CLI_FAILED;
        for (size_t i = 0; i < len && limit > 0; i++, limit--) {
            if (list_entry(listing, &entries[i]) < 0)
                return cli_failed("out of memory");
        }
    }
    if (!listing->cli->json && table_print(&listing->table) < 0)
        return cli_failed("out of memory");
    return CLI_DONE;
}

static int run_list(struct cli *cli)
{
    const char *given = flags_value(&cli->flags, "limit");
    int64_t limit = LIST_DEFAULT;
    struct listing listing = {.cli = cli};
    struct dead_filter filter;
    struct dead_scan scan;
    struct error_text why;

    if (given && parse_int64(bytes_of(given), 1, LIST_MAX, &limit) < 0)
        return cli_usage(cli, "--limit is a number from 1 to %d", LIST_MAX);
    if (!session_server_time(&cli->session, &listing.now_ms))
        return CLI_FAILED;
    if (dead_filter_read(&filter, &cli->flags, listing.now_ms, &why) < 0)
        return cli_usage(cli, "%s", why.text);
    if (!dead_scan_begin(&scan, &cli->session, &filter, DEAD_NEWEST_FIRST))
        return CLI_FAILED;
    table_init(&listing.table, columns, sizeof(columns) / sizeof(columns[0]));
    buffer_init(&listing.line, LINE_MAX_BYTES);
    int result = list(&scan, &listing, limit);
    table_release(&listing.table);
    buffer_release(&listing.line);
    dead_scan_end(&scan);
    return result;
}

/* --- show --- */

static int show_json(const struct dead_entry *entry, const struct dead_document *document)
{
    struct buffer line;

    buffer_init(&line, LINE_MAX_BYTES);
    object_begin(&line);
    dead_put_json(&line, entry);
    dead_document_put_json(&line, document);
    int printed = object_print(&line);
    buffer_release(&line);
    return printed < 0 ? cli_failed("out of memory") : CLI_DONE;
}

static int show_text(const struct dead_entry *entry, const struct dead_document *document)
{
    char since[32];

    (void)printf("%-17s ", "id");
    print_value(entry->id);
    (void)printf("%-17s %s\n", "dead_since", dead_since(entry, since, sizeof(since)));
    for (size_t i = 0; i + 1 < reply_len(entry->fields); i += 2) {
        struct bytes name = reply_text(reply_at(entry->fields, i));
        char shown[64];
        if (dead_is_document(name))
            continue;
        (void)printf("%-17s ", bytes_printable(name, shown, sizeof(shown)));
        print_wrapped_value(VALUE_COLUMN, reply_text(reply_at(entry->fields, i + 1)));
    }
    if (!document->encoding)
        return CLI_DONE;
    (void)printf("%-17s %s, %zu bytes%s\n", "document", document->encoding, document->stored.len,
                 document->json.len > 0 ? "" : ", not valid:");
    if (document->json.len > 0)
        print_pretty_json(buffer_bytes(&document->json), 4);
    else
        print_value(document->stored);
    return CLI_DONE;
}

static int show(const struct cli *cli, const struct dead_entry *entry)
{
    struct dead_document document;

    dead_document_read(entry, &document);
    int result = cli->json ? show_json(entry, &document) : show_text(entry, &document);
    dead_document_release(&document);
    return result;
}

static int run_show(struct cli *cli)
{
    uint64_t ms;
    uint64_t seq;
    struct reply *reply;

    if (cli->flags.operands_len != 1)
        return cli_usage(cli, "give one ID, as dead list shows it");
    struct bytes id = bytes_of(cli->flags.operands[0]);
    if (parse_stream_id(id, &ms, &seq) < 0)
        return cli_usage(cli, "an ID is like 1667548137257-0");
    const struct bytes args[] = {BYTES("XRANGE"), bytes_of(cli->session.keys.dead), id, id};
    if (!session_ask(&cli->session, args, 4, &reply))
        return CLI_FAILED;
    int result;
    if (reply_len(reply) == 0) {
        result = cli_failed("there is no dead letter %s", cli->flags.operands[0]);
    } else {
        struct dead_entry entry = dead_entry_of(reply_at(reply, 0));
        result = show(cli, &entry);
    }
    reply_free(reply);
    return result;
}

const struct command command_dead_list = {
    .name = "dead list",
    .operands = "",
    .summary = "Lists dead letters, newest first.",
    .details = "",
    .flags = list_specs,
    .run = run_list,
};

const struct command command_dead_show = {
    .name = "dead show",
    .operands = "ID",
    .summary = "Shows one dead letter in full, including its event.",
    .details = "",
    .flags = no_specs,
    .run = run_show,
};
