#include "admin/dead/scan.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

struct dead_entry dead_entry_of(const struct reply *entry)
{
    return (struct dead_entry){reply_text(reply_at(entry, 0)), reply_at(entry, 1)};
}

struct bytes dead_field(const struct dead_entry *entry, const char *name)
{
    return reply_text(reply_value(entry->fields, name));
}

/* Notes the newest letter's id as the end. */
static bool find_end(struct dead_scan *scan, const char *last)
{
    const struct bytes args[] = {BYTES("XREVRANGE"), bytes_of(scan->session->keys.dead),
                                 bytes_of(last),     BYTES("-"),
                                 BYTES("COUNT"),     BYTES("1")};
    struct reply *reply;

    if (!session_ask(scan->session, args, 6, &reply))
        return false;
    struct dead_entry newest = dead_entry_of(reply_at(reply, 0));
    scan->empty = !bytes_copy_text(newest.id, scan->to, sizeof(scan->to)) || newest.id.len == 0;
    reply_free(reply);
    return true;
}

bool dead_scan_begin(struct dead_scan *scan, struct session *session,
                     const struct dead_filter *filter, enum dead_order order)
{
    char first[DEAD_CURSOR_SIZE] = "-";
    char last[DEAD_CURSOR_SIZE] = "+";

    *scan = (struct dead_scan){
        .session = session, .filter = filter, .order = order, .page_max = SESSION_BATCH};
    /* A bare time is for XRANGE the first id of that millisecond, or the last one. */
    if (filter->since_ms > 0)
        (void)snprintf(first, sizeof(first), "%" PRId64, filter->since_ms);
    if (filter->before_ms != DEAD_NO_END)
        (void)snprintf(last, sizeof(last), "%" PRId64, filter->before_ms - 1);
    scan->empty = filter->before_ms <= 0;
    if (order == DEAD_NEWEST_FIRST) {
        memcpy(scan->start, last, sizeof(last));
        memcpy(scan->to, first, sizeof(first));
    } else {
        memcpy(scan->start, first, sizeof(first));
        if (!scan->empty && !find_end(scan, last))
            return false;
    }
    dead_scan_again(scan);
    return true;
}

void dead_scan_again(struct dead_scan *scan)
{
    memcpy(scan->from, scan->start, sizeof(scan->from));
    scan->ended = scan->empty;
}

void dead_scan_end(struct dead_scan *scan)
{
    reply_free(scan->page);
    scan->page = NULL;
}

int dead_scan_next(struct dead_scan *scan, struct dead_entry entries[SESSION_BATCH],
                   size_t *ret_len)
{
    char count[16];
    size_t len = 0;

    if (scan->ended)
        return 0;
    (void)snprintf(count, sizeof(count), "%zu", scan->page_max);
    const struct bytes args[] = {scan->order == DEAD_NEWEST_FIRST ? BYTES("XREVRANGE")
                                                                  : BYTES("XRANGE"),
                                 bytes_of(scan->session->keys.dead),
                                 bytes_of(scan->from),
                                 bytes_of(scan->to),
                                 BYTES("COUNT"),
                                 bytes_of(count)};
    dead_scan_end(scan);
    if (!session_ask(scan->session, args, 6, &scan->page))
        return -1;

    size_t page_len = reply_len(scan->page);
    for (size_t i = 0; i < page_len && i < SESSION_BATCH; i++) {
        struct dead_entry entry = dead_entry_of(reply_at(scan->page, i));
        if (dead_filter_matches(scan->filter, dead_field(&entry, "room"),
                                dead_field(&entry, "hook"), dead_field(&entry, "reason")))
            entries[len++] = entry;
        (void)snprintf(scan->from, sizeof(scan->from), "(%.*s", (int)entry.id.len, entry.id.data);
    }
    scan->ended = page_len < scan->page_max;
    *ret_len = len;
    return 1;
}
