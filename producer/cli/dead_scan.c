#include "dead_scan.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

struct dead_entry dead_entry_of(const struct answer *entry)
{
    return (struct dead_entry){answer_text(answer_at(entry, 0)), answer_at(entry, 1)};
}

struct bytes dead_field(const struct dead_entry *entry, const char *name)
{
    for (size_t i = 0; i + 1 < answer_len(entry->fields); i += 2) {
        if (bytes_equal_text(answer_text(answer_at(entry->fields, i)), name))
            return answer_text(answer_at(entry->fields, i + 1));
    }
    return (struct bytes){NULL, 0};
}

/* Notes the newest letter's id as the end. */
static bool find_end(struct dead_scan *scan)
{
    const struct bytes args[] = {BYTES("XREVRANGE"), bytes_of(scan->cli->keys.dead),
                                 BYTES("+"),         BYTES("-"),
                                 BYTES("COUNT"),     BYTES("1")};
    struct answer *answer;

    if (!cli_ask(scan->cli, args, 6, &answer))
        return false;
    struct dead_entry newest = dead_entry_of(answer_at(answer, 0));
    scan->ended = !bytes_copy_text(newest.id, scan->to, sizeof(scan->to)) || newest.id.len == 0;
    answer_free(answer);
    return true;
}

bool dead_scan_begin(struct dead_scan *scan, struct cli *cli, const struct dead_filter *filter,
                     enum dead_order order)
{
    char since[DEAD_CURSOR_SIZE] = "-";

    *scan = (struct dead_scan){.cli = cli, .filter = filter, .order = order};
    if (filter->since_ms > 0)
        (void)snprintf(since, sizeof(since), "%" PRId64, filter->since_ms);
    if (order == DEAD_NEWEST_FIRST) {
        (void)snprintf(scan->from, sizeof(scan->from), "+");
        memcpy(scan->to, since, sizeof(since));
        return true;
    }
    memcpy(scan->from, since, sizeof(since));
    return find_end(scan);
}

void dead_scan_end(struct dead_scan *scan)
{
    answer_free(scan->page);
    scan->page = NULL;
}

int dead_scan_next(struct dead_scan *scan, struct dead_entry entries[CLI_BATCH], size_t *ret_len)
{
    char count[16];
    size_t len = 0;

    if (scan->ended)
        return 0;
    (void)snprintf(count, sizeof(count), "%d", CLI_BATCH);
    const struct bytes args[] = {scan->order == DEAD_NEWEST_FIRST ? BYTES("XREVRANGE")
                                                                  : BYTES("XRANGE"),
                                 bytes_of(scan->cli->keys.dead),
                                 bytes_of(scan->from),
                                 bytes_of(scan->to),
                                 BYTES("COUNT"),
                                 bytes_of(count)};
    dead_scan_end(scan);
    if (!cli_ask(scan->cli, args, 6, &scan->page))
        return -1;

    size_t page_len = answer_len(scan->page);
    for (size_t i = 0; i < page_len && i < CLI_BATCH; i++) {
        struct dead_entry entry = dead_entry_of(answer_at(scan->page, i));
        if (dead_filter_matches(scan->filter, dead_field(&entry, "room"),
                                dead_field(&entry, "hook"), dead_field(&entry, "reason")))
            entries[len++] = entry;
        (void)snprintf(scan->from, sizeof(scan->from), "(%.*s", (int)entry.id.len, entry.id.data);
    }
    scan->ended = page_len < CLI_BATCH;
    *ret_len = len;
    return 1;
}
