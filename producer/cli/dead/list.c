/* dead list and dead show: looking at dead letters. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/dead/document.h"
#include "cli/dead/filter.h"
#include "cli/dead/scan.h"
#include "cli/terminal/json_output.h"
#include "cli/terminal/table.h"
#include "contract/parse.h"

#define LIST_DEFAULT 20
#define LIST_MAX 100000
#define LINE_MAX_BYTES ((size_t)128 << 20) /* a letter with its document, escaped */

static const struct flag_spec list_specs[] = {
    DEAD_FILTER_SPECS,
    {"limit", "N", "how many, newest first; default 20", false},
    {NULL, NULL, NULL, false},
};

static const struct flag_spec no_specs[] = {
    {NULL, NULL, NULL, false},
};

static const char *const titles[] = {"ID",       "DEAD SINCE", "REASON", "ROOM", "HOOK",
                                     "ATTEMPTS", "STATUS",     "EVENT",  "ERROR"};

/* When it died is told by its id; "" when that is none. */
static const char *dead_since(const struct dead_entry *entry, char *out, size_t size)
{
    uint64_t ms;
    uint64_t seq;

    if (parse_stream_id(entry->id, &ms, &seq) < 0 || ms > INT64_MAX)
        return "";
    return format_iso8601((int64_t)ms, out, size);
}

static bool is_document(struct bytes name)
{
    return bytes_equal_text(name, "json") || bytes_equal_text(name, "msgpack");
}

static bool is_number(struct bytes name)
{
    return bytes_equal_text(name, "status") || bytes_equal_text(name, "attempts") ||
           bytes_equal_text(name, "room");
}

/* All fields but the document, as an object's members. */
static void put_fields(struct buffer *line, const struct dead_entry *entry)
{
    char since[32];

    object_put_text(line, "id", entry->id);
    object_put_text(line, "dead_since", bytes_of(dead_since(entry, since, sizeof(since))));
    for (size_t i = 0; i + 1 < reply_len(entry->fields); i += 2) {
        struct bytes name = reply_text(reply_at(entry->fields, i));
        struct bytes value = reply_text(reply_at(entry->fields, i + 1));
        char key[64];
        int64_t number;
        if (is_document(name) || !bytes_copy_text(name, key, sizeof(key)) || !bytes_is_utf8(name))
            continue;
        if (is_number(name) && parse_int64(value, INT64_MIN, INT64_MAX, &number) == 0)
            object_put_int(line, key, number);
        else
            object_put_text(line, key, value);
    }
}

static void add_row(struct table *table, const struct dead_entry *entry)
{
    static const char *const fields[] = {"reason", "room",     "hook", "attempts",
                                         "status", "event_id", "error"};
    char since[32];

    table_add(table, entry->id);
    table_add(table, bytes_of(dead_since(entry, since, sizeof(since))));
    for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
        table_add(table, dead_field(entry, fields[i]));
}

/* One letter of the list. 0, or -1: out of memory. */
static int list_entry(const struct cli *cli, struct table *table, struct buffer *line,
                      const struct dead_entry *entry)
{
    if (!cli->json) {
        add_row(table, entry);
        return 0;
    }
    object_begin(line);
    put_fields(line, entry);
    return object_print(line);
}

static int list(struct dead_scan *scan, struct table *table, struct buffer *line, int64_t limit)
{
    struct dead_entry entries[CLI_BATCH];
    size_t len;
    int more;

    while (limit > 0 && (more = dead_scan_next(scan, entries, &len)) != 0) {
        if (more < 0)
            return CLI_FAILED;
        for (size_t i = 0; i < len && limit > 0; i++, limit--) {
            if (list_entry(scan->cli, table, line, &entries[i]) < 0)
                return cli_failed("out of memory");
        }
    }
    if (!scan->cli->json && table_print(table) < 0)
        return cli_failed("out of memory");
    return CLI_DONE;
}

static int run_list(struct cli *cli)
{
    const char *given = flags_value(&cli->flags, "limit");
    int64_t limit = LIST_DEFAULT;
    int64_t now_ms;
    struct dead_filter filter;
    struct dead_scan scan;
    struct table table;
    struct buffer line;
    struct error_text why;

    if (given && parse_int64(bytes_of(given), 1, LIST_MAX, &limit) < 0)
        return cli_usage(cli, "--limit is a number from 1 to %d", LIST_MAX);
    if (!cli_server_time(cli, &now_ms))
        return CLI_FAILED;
    if (dead_filter_read(&filter, &cli->flags, now_ms, &why) < 0)
        return cli_usage(cli, "%s", why.text);
    if (!dead_scan_begin(&scan, cli, &filter, DEAD_NEWEST_FIRST))
        return CLI_FAILED;
    table_init(&table, titles, sizeof(titles) / sizeof(titles[0]));
    buffer_init(&line, LINE_MAX_BYTES);
    int result = list(&scan, &table, &line, limit);
    table_release(&table);
    buffer_release(&line);
    dead_scan_end(&scan);
    return result;
}

/* --- show --- */

static int show_json(const struct dead_entry *entry, const struct dead_document *document)
{
    struct buffer line;

    buffer_init(&line, LINE_MAX_BYTES);
    object_begin(&line);
    put_fields(&line, entry);
    if (document->encoding)
        object_put_text(&line, "encoding", bytes_of(document->encoding));
    if (document->json.len > 0)
        object_put_json(&line, "document", buffer_bytes(&document->json));
    else if (document->encoding)
        object_put_text(&line, "document_text", document->stored);
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
        if (is_document(name))
            continue;
        (void)printf("%-17s ", bytes_printable(name, shown, sizeof(shown)));
        print_value(reply_text(reply_at(entry->fields, i + 1)));
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
    const struct bytes args[] = {BYTES("XRANGE"), bytes_of(cli->keys.dead), id, id};
    if (!cli_ask(cli, args, 4, &reply))
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
    .summary = "Lists dead letters, the newest first.",
    .details = "",
    .flags = list_specs,
    .run = run_list,
};

const struct command command_dead_show = {
    .name = "dead show",
    .operands = "ID",
    .summary = "Shows all of one dead letter, its event included.",
    .details = "",
    .flags = no_specs,
    .run = run_show,
};
