#include "admin/scan.h"

#include <stdio.h>
#include <string.h>

void scan_begin(struct scan *scan, struct session *session, struct bytes command, const char *key,
                const char *pattern)
{
    *scan = (struct scan){
        .session = session, .command = command, .key = key, .pattern = pattern, .cursor = "0"};
}

void scan_end(struct scan *scan)
{
    reply_free(scan->page);
    scan->page = NULL;
}

int scan_next(struct scan *scan, const struct reply **ret_pairs)
{
    char count[16];

    if (scan->ended)
        return 0;
    (void)snprintf(count, sizeof(count), "%d", SCAN_PAGE);
    struct bytes args[7] = {scan->command};
    size_t len = 1;
    if (scan->key)
        args[len++] = bytes_of(scan->key);
    args[len++] = bytes_of(scan->cursor);
    args[len++] = BYTES("MATCH");
    args[len++] = bytes_of(scan->pattern);
    args[len++] = BYTES("COUNT");
    args[len++] = bytes_of(count);
    scan_end(scan);
    if (!session_ask(scan->session, args, len, &scan->page))
        return -1;
    scan->ended =
        !bytes_copy_text(reply_text(reply_at(scan->page, 0)), scan->cursor, sizeof(scan->cursor)) ||
        scan->cursor[0] == '\0' || strcmp(scan->cursor, "0") == 0;
    *ret_pairs = reply_at(scan->page, 1);
    return 1;
}
