/*
 * Walking over a hash, a sorted set or all keys, a page at a time (HSCAN, ZSCAN, SCAN). What is
 * there all the time comes at least once, and may come twice.
 */
#ifndef ADMIN_SCAN_H
#define ADMIN_SCAN_H

#include "admin/session.h"

#define SCAN_PAGE 500 /* about this many are looked at for a page; fewer match */
#define SCAN_CURSOR_SIZE 24

struct scan {
    struct session *session;
    struct bytes command; /* HSCAN, ZSCAN or SCAN */
    const char *key;      /* NULL: SCAN has none */
    const char *pattern;  /* glob, of the names */
    char cursor[SCAN_CURSOR_SIZE];
    bool ended;
    struct reply *page;
};

/* Key and pattern are borrowed until scan_end. */
void scan_begin(struct scan *scan, struct session *session, struct bytes command, const char *key,
                const char *pattern);
void scan_end(struct scan *scan);

/*
 * The next page: names and values (scores) in turn, or keys, maybe none; valid until the next
 * call. 1, 0 when there are no more, or -1 with the failure reported.
 */
int scan_next(struct scan *scan, const struct reply **ret_pairs);

#endif
