#include "admin/log/read.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "admin/scan.h"
#include "contract/parse.h"

#define PAGE "200"
#define TEXT_MAX 1024 /* workers write no longer ones */

static bool out_of_memory(const struct session *session)
{
    (void)session_failed(session, "out of memory");
    return false;
}

/* --- which logs there are --- */

static bool add_lane(const struct session *session, struct log_lanes *lanes, struct bytes name)
{
    struct log_lane lane = {.last = ""};
    struct lane_parts parts;

    if (lane_split(name, &parts) != 0 || !bytes_copy_text(name, lane.name, sizeof(lane.name)))
        return true; /* by hand */
    for (size_t i = 0; i < lanes->len; i++) {
        if (strcmp(lanes->list[i].name, lane.name) == 0)
            return true;
    }
    if (lanes->len == lanes->cap) {
        size_t cap = lanes->cap > 0 ? lanes->cap * 2 : 16;
        struct log_lane *list = reallocarray(lanes->list, cap, sizeof(*list));
        if (!list)
            return out_of_memory(session);
        lanes->list = list;
        lanes->cap = cap;
    }
    lanes->list[lanes->len++] = lane;
    return true;
}

static bool find_matching(struct session *session, const char *pattern, struct log_lanes *lanes)
{
    const struct reply *pairs;
    struct scan scan;
    bool ok = true;
    int more;

    scan_begin(&scan, session, BYTES("ZSCAN"), session->keys.logs, pattern);
    while (ok && lanes->len < LOG_LANES_MAX && (more = scan_next(&scan, &pairs)) != 0) {
        ok = more > 0;
        for (size_t i = 0; ok && i + 1 < reply_len(pairs); i += 2)
            ok = add_lane(session, lanes, reply_text(reply_at(pairs, i)));
    }
    scan_end(&scan);
    return ok;
}

bool log_lanes_find(struct session *session, const struct room_id *room, const char *hook,
                    struct log_lanes *lanes)
{
    char name[LANE_SIZE + 2];

    (void)snprintf(name, sizeof(name), "%s/%s", room->text, hook ? hook : "*");
    return hook ? add_lane(session, lanes, bytes_of(name)) : find_matching(session, name, lanes);
}

void log_lanes_release(struct log_lanes *lanes)
{
    free(lanes->list);
    *lanes = (struct log_lanes){.list = NULL};
}

/* --- an entry --- */

static struct bytes field_of(const struct reply *fields, const char *name)
{
    struct bytes text = reply_text(reply_value(fields, name));

    return (struct bytes){text.data ? text.data : "", text.len < TEXT_MAX ? text.len : TEXT_MAX};
}

static int64_t number_of(const struct reply *fields, const char *name)
{
    int64_t number = 0;

    return parse_int64(field_of(fields, name), 0, INT64_MAX, &number) == 0 ? number : 0;
}

static bool is_wanted(const struct reply *fields, const struct log_filter *filter)
{
    struct bytes outcome = field_of(fields, "outcome");

    if (filter->event_id && !bytes_equal_text(field_of(fields, "event"), filter->event_id))
        return false;
    return !filter->failed_only ||
           (!bytes_equal_text(outcome, "delivered") && !bytes_equal_text(outcome, "skipped"));
}

static bool is_before(uint64_t ms, uint64_t seq, const struct log_filter *filter)
{
    return !filter->has_before || ms < filter->before_ms ||
           (ms == filter->before_ms && seq < filter->before_seq);
}

static void keep(struct bytes *text, char **at)
{
    if (text->len > 0)
        memcpy(*at, text->data, text->len);
    text->data = *at;
    *at += text->len;
}

/* Copies what borrows from a reply. */
static bool own(const struct session *session, struct log_entry *entry)
{
    struct bytes *texts[] = {&entry->event_id, &entry->outcome, &entry->reason, &entry->error,
                             &entry->answer};
    size_t len = 1;

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        len += texts[i]->len;
    entry->texts = malloc(len);
    if (!entry->texts)
        return out_of_memory(session);
    char *at = entry->texts;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        keep(texts[i], &at);
    return true;
}

static bool add_entry(const struct session *session, struct log_entries *entries, const char *lane,
                      const struct reply *item, const struct log_filter *filter)
{
    const struct reply *fields = reply_at(item, 1);
    struct log_entry entry = {.lane = lane};
    uint64_t ms;

    if (!is_wanted(fields, filter) ||
        parse_stream_id(reply_text(reply_at(item, 0)), &ms, &entry.seq) != 0 ||
        ms > (uint64_t)INT64_MAX || !is_before(ms, entry.seq, filter))
        return true;
    entry.at_ms = (int64_t)ms;
    entry.event_id = field_of(fields, "event");
    entry.outcome = field_of(fields, "outcome");
    entry.reason = field_of(fields, "reason");
    entry.error = field_of(fields, "error");
    entry.answer = field_of(fields, "answer");
    entry.attempt = number_of(fields, "attempt");
    entry.status = number_of(fields, "status");
    entry.took_ms = number_of(fields, "ms");
    if (entries->len == entries->cap) {
        size_t cap = entries->cap > 0 ? entries->cap * 2 : 64;
        struct log_entry *list = reallocarray(entries->list, cap, sizeof(*list));
        if (!list)
            return out_of_memory(session);
        entries->list = list;
        entries->cap = cap;
    }
    if (!own(session, &entry))
        return false;
    entries->list[entries->len++] = entry;
    return true;
}

/* --- all of them --- */

static int compare(const void *a, const void *b)
{
    const struct log_entry *one = a;
    const struct log_entry *other = b;

    if (one->at_ms != other->at_ms)
        return one->at_ms < other->at_ms ? -1 : 1;
    return (one->seq > other->seq) - (one->seq < other->seq);
}

static void keep_newest(struct log_entries *entries, size_t limit)
{
    size_t gone = entries->len > limit ? entries->len - limit : 0;

    if (entries->len > 0)
        qsort(entries->list, entries->len, sizeof(entries->list[0]), compare);
    for (size_t i = 0; i < gone; i++)
        free(entries->list[i].texts);
    entries->len -= gone;
    if (gone > 0)
        memmove(entries->list, entries->list + gone, entries->len * sizeof(entries->list[0]));
}

/* The next page of one log. 1, 0 when there is no more, or -1 with the failure reported. */
static int read_page(struct session *session, struct log_lane *lane,
                     const struct log_filter *filter, struct log_entries *entries)
{
    char from[RH_STREAM_ID_SIZE + 1];
    char key[KEY_SIZE];
    const struct reply *last;
    struct reply *page;
    bool ok = true;

    (void)snprintf(from, sizeof(from), "%s%s", lane->last[0] != '\0' ? "(" : "-", lane->last);
    const struct bytes args[] = {
        BYTES("XRANGE"), bytes_of(keys_log(&session->keys, lane->name, key)),
        bytes_of(from),  BYTES("+"),
        BYTES("COUNT"),  BYTES(PAGE)};
    lane->is_foreign = false;
    if (redis_command(session->redis, args, 6, &page) != RH_OK) {
        lane->is_foreign = redis_error_fault(session->redis) == FAULT_WRONGTYPE;
        if (!lane->is_foreign)
            session_redis_failed(session);
        return lane->is_foreign ? 0 : -1;
    }
    size_t len = reply_len(page);
    for (size_t i = 0; i < len && ok; i++)
        ok = add_entry(session, entries, lane->name, reply_at(page, i), filter);
    if (len > 0) {
        uint64_t ms, seq;
        if (lane->oldest_ms == 0 &&
            parse_stream_id(reply_text(reply_at(reply_at(page, 0), 0)), &ms, &seq) == 0)
            lane->oldest_ms = (int64_t)ms;
        last = reply_at(reply_at(page, len - 1), 0);
        ok = ok && bytes_copy_text(reply_text(last), lane->last, sizeof(lane->last));
    }
    reply_free(page);
    return ok ? len > 0 : -1;
}

bool log_read(struct session *session, struct log_lanes *lanes, const struct log_filter *filter,
              size_t limit, struct log_entries *entries)
{
    int more;

    for (size_t i = 0; i < lanes->len; i++) {
        while ((more = read_page(session, &lanes->list[i], filter, entries)) != 0) {
            if (more < 0)
                return false;
        }
        if (entries->len > 4 * limit)
            keep_newest(entries, limit);
    }
    keep_newest(entries, limit);
    return true;
}

void log_entries_clear(struct log_entries *entries)
{
    for (size_t i = 0; i < entries->len; i++)
        free(entries->list[i].texts);
    entries->len = 0;
}

void log_entries_release(struct log_entries *entries)
{
    log_entries_clear(entries);
    free(entries->list);
    *entries = (struct log_entries){.list = NULL};
}
