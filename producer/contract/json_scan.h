/*
 * One pass over JSON text of unknown origin: it must be RFC 8259 in valid UTF-8, at most this many
 * levels of maps and lists deep, and is copied without the white space between its tokens. Nothing
 * else changes: numbers, escapes, the order of keys and doubled keys stay as they were written, so
 * that a receiver gets what was sent. The scan makes no allocation.
 *
 * The caller goes through the maps it has an interest in key by key, and has all else scanned
 * value by value:
 *
 *     json_scan_init(&scan, text, out, levels);
 *     if (json_scan_open(&scan) == JSON_KIND_MAP) {
 *         while (json_scan_key(&scan, &key))
 *             json_scan_value(&scan);
 *     }
 *     if (!json_scan_end(&scan))
 *         json_scan_explain(&scan, why);
 *
 * A problem ends the scan: whatever is called after that does nothing, and says so.
 */
#ifndef CONTRACT_JSON_SCAN_H
#define CONTRACT_JSON_SCAN_H

#include <stdbool.h>

#include "contract/bytes.h"

enum json_kind {
    JSON_KIND_NONE, /* there is no value: see the problem */
    JSON_KIND_NULL,
    JSON_KIND_BOOLEAN,
    JSON_KIND_NUMBER,
    JSON_KIND_STRING,
    JSON_KIND_LIST,
    JSON_KIND_MAP
};

enum json_problem {
    JSON_SOUND,
    JSON_ENDS_EARLY,
    JSON_BAD_SYNTAX,
    JSON_BAD_UTF8,
    JSON_TOO_DEEP,
    JSON_MORE_BEHIND
};

struct json_scan {
    const unsigned char *start;
    const unsigned char *at; /* what is read next; where the problem is */
    const unsigned char *end;
    unsigned char *out; /* where the copy goes on */
    int levels;         /* how many more may be opened */
    enum json_problem problem;
};

/* out has room for text.len bytes, and may not overlap text. */
void json_scan_init(struct json_scan *scan, struct bytes text, char *out, int levels);

/* Scans the value that comes next, whole. */
enum json_kind json_scan_value(struct json_scan *scan);

/* Opens the map or list that comes next; any other value is scanned whole. */
enum json_kind json_scan_open(struct json_scan *scan);

/* Scans what is left of the value of that kind that was opened last. */
void json_scan_rest(struct json_scan *scan, enum json_kind kind);

/* The next key of the map that was opened last and not ended yet; ret_key is what stands between
 * its quotes, in the copy. False when the map ended, or at a problem. Its value is to be scanned
 * before the next key. */
bool json_scan_key(struct json_scan *scan, struct bytes *ret_key);

/* The same for a list: is there one more item, which is to be scanned? */
bool json_scan_item(struct json_scan *scan);

/* Only white space may come behind the document's value. False at a problem, now or before. */
bool json_scan_end(struct json_scan *scan);

/* "line 1, column 24: ends too early". Columns are bytes, from 1. The text is not quoted: it may
 * hold credentials or a chat message. */
void json_scan_explain(const struct json_scan *scan, struct error_text *why);

/* Appends a whole text to out, compact. False, and out is as it was, when the text is no JSON of at
 * most levels levels, or memory is short. */
bool json_compact(struct bytes text, int levels, struct buffer *out);

/* By its first character; NONE of an empty text. */
enum json_kind json_kind_of(struct bytes value);

#endif
