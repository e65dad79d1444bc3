/*
 * Walking over the dead letters, a page at a time.
 */
#ifndef ADMIN_DEAD_SCAN_H
#define ADMIN_DEAD_SCAN_H

#include "admin/dead/filter.h"
#include "admin/session.h"

#define DEAD_CURSOR_SIZE (RH_STREAM_ID_SIZE + 1) /* "(" and an id */

/* A letter, borrowed from a reply. */
struct dead_entry {
    struct bytes id;
    const struct reply *fields; /* names and values in turn */
};

struct bytes dead_field(const struct dead_entry *entry,
                        const char *name); /* empty when not there */

/* An entry of XRANGE's reply. */
struct dead_entry dead_entry_of(const struct reply *entry);

enum dead_order {
    DEAD_NEWEST_FIRST,
    DEAD_OLDEST_FIRST /* up to the letter that is the newest at the beginning: what dies meanwhile
                         is left alone, so that a replay ends */
};

struct dead_scan {
    struct session *session;
    const struct dead_filter *filter;
    enum dead_order order;
    char start[DEAD_CURSOR_SIZE];
    char from[DEAD_CURSOR_SIZE];
    char to[DEAD_CURSOR_SIZE];
    size_t page_max; /* letters in a page; SESSION_BATCH at first */
    bool empty;      /* there is nothing between start and to */
    bool ended;
    struct reply *page;
};

/* False with the failure reported. */
bool dead_scan_begin(struct dead_scan *scan, struct session *session,
                     const struct dead_filter *filter, enum dead_order order);

/* From the start once more, with the same end. */
void dead_scan_again(struct dead_scan *scan);
void dead_scan_end(struct dead_scan *scan);

/*
 * The next page's letters that match, maybe none of them; valid until the next call. 1, 0 when
 * there are no more, or -1 with the failure reported.
 */
int dead_scan_next(struct dead_scan *scan, struct dead_entry entries[SESSION_BATCH],
                   size_t *ret_len);

#endif
