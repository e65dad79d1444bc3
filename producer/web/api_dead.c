#include "web/api_dead.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "admin/dead/filter.h"
#include "admin/dead/json.h"
#include "admin/dead/move.h"
#include "admin/dead/scan.h"
#include "admin/dead/step.h"
#include "base/loop.h"
#include "contract/parse.h"
#include "web/api_list.h"
#include "web/api_tasks.h"

#define COUNT_MS 20000 /* for counting what matches */
#define MOVE_MS 3000   /* for moving it, until a task goes on */
#define PAGES_MAX 50   /* of SESSION_BATCH letters, looked at for one answer */
#define LOOK_MS 250    /* the same, for letters that are large */

/* --- filters --- */

/* False with the failure reported. */
static bool read_filter(const struct call *call, struct session *session,
                        struct dead_filter *ret_filter)
{
    struct dead_filter filter = {.room = call->room,
                                 .hook = call_value(call, "hook"),
                                 .reason = call_value(call, "reason"),
                                 .before_ms = DEAD_NO_END};
    const char *room = call_value(call, "room");
    int64_t now_ms;

    if (room != NULL)
        (void)room_id_of_text(bytes_of(room), &filter.room); /* it was checked */
    if (!session_server_time(session, &now_ms) ||
        !call_time(call, session, "since", now_ms, &filter.since_ms) ||
        !call_time(call, session, "before", now_ms, &filter.before_ms))
        return false;
    *ret_filter = filter;
    return true;
}

/* --- reading --- */

static void put_entry(struct call *call, const struct dead_entry *entry)
{
    list_next(&call->answer);
    object_begin(&call->answer.body);
    dead_put_json(&call->answer.body, entry);
    object_end(&call->answer.body);
}

/* Up to limit letters that match. 1 with where to go on, 0 when there are no more, or -1 with the
 * failure reported. */
static int put_letters(struct call *call, struct dead_scan *scan, int64_t limit,
                       char ret_last[RH_STREAM_ID_SIZE])
{
    struct dead_entry entries[SESSION_BATCH];
    const int64_t until_ms = loop_fresh_ms() + LOOK_MS;
    size_t len = 0;
    int more = 1;

    for (int pages = 0; limit > 0 && pages < PAGES_MAX && loop_fresh_ms() < until_ms; pages++) {
        size_t i;
        more = dead_scan_next(scan, entries, &len);
        if (more <= 0)
            break;
        for (i = 0; i < len && limit > 0; i++, limit--) {
            put_entry(call, &entries[i]);
            (void)bytes_copy_text(entries[i].id, ret_last, RH_STREAM_ID_SIZE);
            if (list_is_full(&call->answer))
                limit = 1;
        }
        if (i == len && scan->ended)
            return 0;
        if (i == len)
            (void)snprintf(ret_last, RH_STREAM_ID_SIZE, "%s", scan->from + 1);
    }
    return more;
}

void api_letters(struct call *call, struct session *session)
{
    const char *iterator = call_value(call, "iterator");
    char last[RH_STREAM_ID_SIZE] = "";
    struct dead_filter filter;
    struct dead_scan scan;

    if (!read_filter(call, session, &filter) ||
        !dead_scan_begin(&scan, session, &filter, DEAD_NEWEST_FIRST))
        return;
    if (iterator != NULL && strcmp(iterator, "0-0") == 0)
        scan.ended = true; /* nothing is older, and Redis takes no such range */
    else if (iterator != NULL)
        (void)snprintf(scan.from, sizeof(scan.from), "(%s", iterator);
    list_begin(&call->answer);
    int more = put_letters(call, &scan, call_number(call, "limit", CALL_LIMIT_DEFAULT), last);
    if (more >= 0)
        list_end(&call->answer, more == 0 ? NULL : last);
    dead_scan_end(&scan);
}

/* The letter, of the room when there is one: NULL with the failure reported. The caller's. */
static struct reply *read_letter(const struct call *call, struct session *session)
{
    const struct bytes id = bytes_of(call->letter_id);
    const struct bytes args[] = {BYTES("XRANGE"), bytes_of(session->keys.dead), id, id};
    struct reply *reply;

    if (!session_ask(session, args, 4, &reply))
        return NULL;
    struct dead_entry entry = dead_entry_of(reply_at(reply, 0));
    if (reply_len(reply) > 0 && (call->room.len == 0 || bytes_equal(dead_field(&entry, "room"),
                                                                    room_id_bytes(&call->room))))
        return reply;
    reply_free(reply);
    session_refused(session, ADMIN_MISSING, "there is no dead letter %s", call->letter_id);
    return NULL;
}

void api_letter(struct call *call, struct session *session)
{
    struct reply *reply = read_letter(call, session);
    struct dead_document document;

    if (reply == NULL)
        return;
    struct dead_entry entry = dead_entry_of(reply_at(reply, 0));
    object_begin(&call->answer.body);
    dead_put_json(&call->answer.body, &entry);
    if (call_flag(call, "document")) {
        dead_document_read(&entry, &document);
        dead_document_put_json(&call->answer.body, &document);
        dead_document_release(&document);
    }
    object_end(&call->answer.body);
    reply_free(reply);
}

/* --- moving --- */

typedef bool move_fn(struct session *session, const struct bytes *ids, size_t len,
                     struct reply **ret_results);

struct moving {
    move_fn *move; /* NULL: only count */
    bool leaves_cut;
    int64_t done;
    int64_t skipped; /* too large to be replayed */
    int64_t failed;
};

enum moved {
    MOVED_ALL,
    MOVED_SOME,  /* the time was up */
    MOVED_FAILED /* which was reported */
};

static bool is_moved(const struct moving *moving, const struct reply *result)
{
    uint64_t ms;
    uint64_t seq;

    return moving->move == dead_purge ? reply_int(result) == 1
                                      : parse_stream_id(reply_text(result), &ms, &seq) == 0;
}

static bool move_page(struct moving *moving, struct session *session,
                      const struct dead_entry *entries, size_t len)
{
    struct bytes ids[SESSION_BATCH];
    struct reply *results;
    size_t ids_len = 0;

    for (size_t i = 0; i < len; i++) {
        if (moving->leaves_cut && dead_is_cut(&entries[i]))
            moving->skipped++;
        else
            ids[ids_len++] = entries[i].id;
    }
    if (moving->move == NULL)
        moving->done += (int64_t)ids_len;
    if (moving->move == NULL || ids_len == 0)
        return true;
    if (!moving->move(session, ids, ids_len, &results))
        return false;
    for (size_t i = 0; i < ids_len; i++) {
        bool moved = is_moved(moving, reply_at(results, i));
        moving->done += moved;
        moving->failed += !moved;
    }
    reply_free(results);
    return true;
}

/* All letters that match, or as many as the time allows. */
static enum moved move_all(struct moving *moving, struct session *session, struct dead_scan *scan,
                           int64_t time_ms)
{
    int64_t until_ms = loop_fresh_ms() + time_ms;
    struct dead_entry entries[SESSION_BATCH];
    size_t len;
    int more;

    while ((more = dead_scan_next(scan, entries, &len)) > 0) {
        if (!move_page(moving, session, entries, len))
            return MOVED_FAILED;
        if (!scan->ended && loop_fresh_ms() >= until_ms)
            return MOVED_SOME;
    }
    return more == 0 ? MOVED_ALL : MOVED_FAILED;
}

static void put_moved(struct call *call, const struct moving *moving)
{
    object_begin(&call->answer.body);
    object_put_int(&call->answer.body, "count", moving->done);
    object_put_int(&call->answer.body, "skipped", moving->skipped);
    object_put_int(&call->answer.body, "failed", moving->failed);
    object_put_bool(&call->answer.body, "dry_run", moving->move == NULL);
    object_end(&call->answer.body);
}

/* How many match, when that is asked for or expected. False with the failure reported. */
static bool count(const struct call *call, struct session *session, struct dead_scan *scan,
                  struct moving *counted)
{
    int64_t expected = call_number(call, "expect", -1);
    enum moved result = move_all(counted, session, scan, COUNT_MS);

    if (result == MOVED_SOME)
        session_failed(session,
                       "counting took longer than %d s: narrow the filter by since and "
                       "before, or count by roomhook dead replay --dry-run",
                       COUNT_MS / 1000);
    if (result != MOVED_ALL)
        return false;
    dead_scan_again(scan);
    if (expected < 0 || counted->done == expected)
        return true;
    session_refused(session, ADMIN_CONFLICT,
                    "%" PRId64 " letters match, not %" PRId64 ": nothing was done", counted->done,
                    expected);
    return false;
}

/* The same where a count is only good to know. */
static bool try_to_count(struct session *session, struct dead_scan *scan, struct moving *counted,
                         bool *ret_is_counted)
{
    enum moved result = move_all(counted, session, scan, MOVE_MS);

    *ret_is_counted = result == MOVED_ALL;
    dead_scan_again(scan);
    return result != MOVED_FAILED;
}

/* What is left is a task's: all of it, when a rate is asked for. */
static void go_on_as_task(struct call *call, struct session *session, const struct dead_scan *scan,
                          const struct moving *moving, int64_t total)
{
    struct task task;

    dead_task_of(scan, moving->move == dead_purge ? DEAD_TASK_PURGE : DEAD_TASK_REPLAY, &task);
    call_rate(call, &task.rate);
    task.total = total;
    task.done = moving->done;
    task.skipped = moving->skipped;
    task.failed = moving->failed;
    api_make_task(call, session, &task);
}

static void move_scanned(struct call *call, struct session *session, struct dead_scan *scan,
                         struct moving *moving)
{
    bool is_counted = call_flag(call, "dry_run") || call_value(call, "expect") != NULL;
    bool is_slow = call_value(call, "rate") != NULL && !scan->empty;
    struct moving counted = {.leaves_cut = moving->leaves_cut};
    enum moved result = MOVED_SOME;

    if (is_counted && !count(call, session, scan, &counted))
        return;
    if (!is_counted && is_slow && !try_to_count(session, scan, &counted, &is_counted))
        return;
    if (call_flag(call, "dry_run")) {
        put_moved(call, &counted);
        return;
    }
    if (!is_slow)
        result = move_all(moving, session, scan, MOVE_MS);
    if (result == MOVED_ALL)
        put_moved(call, moving);
    else if (result == MOVED_SOME)
        go_on_as_task(call, session, scan, moving, is_counted ? counted.done : TASK_TOTAL_UNKNOWN);
}

static void move_matching(struct call *call, struct session *session, move_fn *move,
                          bool leaves_cut)
{
    struct moving moving = {.move = move, .leaves_cut = leaves_cut};
    struct dead_filter filter;
    struct dead_scan scan;

    if (!read_filter(call, session, &filter) ||
        !dead_scan_begin(&scan, session, &filter, DEAD_OLDEST_FIRST))
        return;
    move_scanned(call, session, &scan, &moving);
    dead_scan_end(&scan);
}

void api_replay(struct call *call, struct session *session)
{
    move_matching(call, session, dead_replay, true);
}

void api_purge(struct call *call, struct session *session)
{
    move_matching(call, session, dead_purge, false);
}

void api_replay_letter(struct call *call, struct session *session)
{
    struct reply *reply = read_letter(call, session);
    struct moving moving = {.move = dead_replay, .leaves_cut = true};

    if (reply == NULL)
        return;
    struct dead_entry entry = dead_entry_of(reply_at(reply, 0));
    if (dead_is_cut(&entry))
        session_refused(session, ADMIN_CONFLICT,
                        "only the beginning of this event was kept: send "
                        "it again from its source");
    else if (move_page(&moving, session, &entry, 1))
        put_moved(call, &moving);
    reply_free(reply);
}

/* Another one may have purged it meanwhile: it is gone all the same. */
void api_purge_letter(struct call *call, struct session *session)
{
    struct reply *reply = read_letter(call, session);
    struct moving moving = {.move = dead_purge};

    if (reply == NULL)
        return;
    struct dead_entry entry = dead_entry_of(reply_at(reply, 0));
    if (move_page(&moving, session, &entry, 1))
        call->answer.status = 204;
    reply_free(reply);
}
