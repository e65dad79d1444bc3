/* What waits: deliveries, their lanes, gates, leases and shared documents, a page at a time. */
#include <stdio.h>
#include <string.h>

#include "admin/doctor/ask.h"
#include "admin/doctor/read.h"
#include "admin/hook/gate.h"
#include "admin_lua.h"
#include "contract/lane.h"

/* A page takes Redis about a millisecond. Records come with their documents, shared documents are
 * large. */
#define RECORDS_A_PAGE "100"
#define LANES_A_PAGE "50"
#define MEMBERS_OF_A_LANE "20" /* of each lane, the next ones */
#define GATES_A_PAGE "250"
#define LEASES_A_PAGE "250"
#define DOCUMENTS_A_PAGE "10"

#define ITEMS_MAX 100      /* in one check; a page of a small hash may have more */
#define WAITING_MAX 200000 /* looked at in each walk, which takes seconds */

#define CURSOR_SIZE 24

struct walker {
    struct session *session;
    struct doctor_facts *facts;
    enum question question;
    int64_t looked;
};

/* The arguments of a check: fixed keys, then two keys an item, then two arguments an item. */
struct check {
    struct bytes args[6 + 4 * ITEMS_MAX];
    char keys[2 * ITEMS_MAX][KEY_SIZE];
    size_t keys_len; /* of args */
    size_t args_len;
};

/* What is walked over, by SCAN of its kind or by a script, whose first reply is the cursor too. */
struct source {
    enum question question;
    enum walk_kind kind;
    const char *scan; /* NULL: by the script */
    struct bytes script;
    const char *keys[2];
    const char *count;                                                         /* of a page */
    enum ask_result (*visit)(struct walker *walker, const struct reply *page); /* notes it */
};

static struct walk *walk_of(const struct walker *walker, enum walk_kind kind)
{
    return &walker->facts->walks[kind];
}

/* The cursor behind a page; "" when it cannot be read, which ends the walk as "0" does. */
static void take_cursor(const struct reply *page, char cursor[CURSOR_SIZE])
{
    if (!bytes_copy_text(reply_text(reply_at(page, 0)), cursor, CURSOR_SIZE))
        cursor[0] = '\0';
}

static void note_looked(struct walker *walker, enum walk_kind kind, size_t len)
{
    walk_of(walker, kind)->looked += (int64_t)len;
}

/* What and which in turn, from element at on. */
static void note_found(struct walker *walker, const struct reply *found, size_t at)
{
    static const struct {
        const char *what;
        enum walk_kind kind;
    } kinds[] = {{"record", WALK_RECORDS},
                 {"place", WALK_PLACES},
                 {"shared", WALK_SHARED},
                 {"lane", WALK_LANES},
                 {"member", WALK_MEMBERS}};

    for (; at + 1 < reply_len(found); at += 2) {
        for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
            if (bytes_equal_text(reply_text(reply_at(found, at)), kinds[i].what))
                walk_note(walk_of(walker, kinds[i].kind), reply_text(reply_at(found, at + 1)));
        }
    }
}

static enum ask_result ask_page(struct walker *walker, const struct source *source,
                                char cursor[CURSOR_SIZE], struct reply **ret_page)
{
    struct bytes args[6];
    size_t len = 0;

    if (source->scan)
        args[len++] = bytes_of(source->scan);
    args[len++] = bytes_of(source->keys[0]);
    if (source->keys[1])
        args[len++] = bytes_of(source->keys[1]);
    size_t keys_len = len;
    args[len++] = bytes_of(cursor);
    if (source->scan)
        args[len++] = BYTES("COUNT");
    args[len++] = bytes_of(source->count);
    enum ask_result result =
        source->scan
            ? doctor_ask(walker->session, walker->facts, walker->question, args, len, ret_page)
            : doctor_ask_script(walker->session, walker->facts, walker->question, source->script,
                                keys_len, args, len, ret_page);
    if (result == ASK_ANSWERED)
        take_cursor(*ret_page, cursor);
    return result;
}

static enum ask_result walk(struct walker *walker, const struct source *source)
{
    char cursor[CURSOR_SIZE] = "0";
    enum ask_result result = ASK_ANSWERED;
    struct reply *page;

    walker->looked = 0;
    do {
        if (walker->looked >= WAITING_MAX) {
            walk_of(walker, source->kind)->cut = true;
            break;
        }
        result = ask_page(walker, source, cursor, &page);
        if (result == ASK_ANSWERED) {
            result = source->visit(walker, page);
            reply_free(page);
        }
        session_progress(walker->session, "looked at", (uint64_t)walker->looked);
    } while (result == ASK_ANSWERED && cursor[0] != '\0' && strcmp(cursor, "0") != 0);
    session_progress_end(walker->session);
    return result;
}

static enum ask_result ask_check(struct walker *walker, struct bytes script, struct check *check,
                                 struct reply **ret_found)
{
    return doctor_ask_script(walker->session, walker->facts, walker->question, script,
                             check->keys_len, check->args, check->args_len, ret_found);
}

/* --- deliveries --- */

/* The holders' key of the stream id in front of a '/', or of all of it. */
static const char *holders_of(const struct keys *keys, struct bytes id, char out[KEY_SIZE])
{
    const char *slash = id.len > 0 ? memchr(id.data, '/', id.len) : NULL;
    size_t len = slash ? (size_t)(slash - id.data) : id.len;
    char stream[LANE_STREAM_SIZE];

    (void)snprintf(stream, sizeof(stream), "%.*s", (int)(len < sizeof(stream) ? len : 0),
                   id.data ? id.data : "");
    return keys_holders(keys, stream, out);
}

static void put_delivery(const struct keys *keys, struct check *check, size_t item,
                         const struct reply *found, size_t at, size_t first_arg)
{
    struct bytes id = reply_text(reply_at(found, at));
    struct bytes lane = reply_text(reply_at(found, at + 1));
    const char *kind = reply_int(reply_at(found, at + 2)) == 1 ? "shared" : "own";
    char *lane_key = check->keys[2 * item];
    char *holders_key = check->keys[2 * item + 1];
    char name[LANE_SIZE];

    if (bytes_equal_text(lane, "-"))
        kind = "old";
    else if (!bytes_copy_text(lane, name, sizeof(name)) || name[0] == '\0')
        kind = "unreadable";
    keys_lane(keys, strcmp(kind, "own") == 0 || strcmp(kind, "shared") == 0 ? name : "", lane_key);
    check->args[5 + 2 * item] = bytes_of(lane_key);
    check->args[5 + 2 * item + 1] = bytes_of(holders_of(keys, id, holders_key));
    check->args[first_arg + 2 * item] = id;
    check->args[first_arg + 2 * item + 1] = bytes_of(kind);
}

static enum ask_result check_deliveries(struct walker *walker, const struct reply *found, size_t at,
                                        size_t len)
{
    const struct keys *keys = &walker->session->keys;
    struct check check = {.args = {bytes_of(keys->deliveries), bytes_of(keys->documents),
                                   bytes_of(keys->lanes), bytes_of(keys->lanes_shut),
                                   bytes_of(keys->retries)},
                          .keys_len = 5 + 2 * len,
                          .args_len = 5 + 4 * len};
    struct reply *wrong;

    for (size_t i = 0; i < len; i++)
        put_delivery(keys, &check, i, found, 3 * (at + i), check.keys_len);
    enum ask_result result = ask_check(walker, BYTES(lua_check_deliveries), &check, &wrong);
    if (result != ASK_ANSWERED)
        return result;
    note_found(walker, wrong, 0);
    reply_free(wrong);
    return ASK_ANSWERED;
}

static enum ask_result visit_deliveries(struct walker *walker, const struct reply *page)
{
    const struct reply *found = reply_at(page, 1);
    size_t len = reply_len(found) / 3;
    enum ask_result result = ASK_ANSWERED;

    for (size_t at = 0; at < len && result == ASK_ANSWERED; at += ITEMS_MAX)
        result = check_deliveries(walker, found, at, len - at < ITEMS_MAX ? len - at : ITEMS_MAX);
    walker->looked += (int64_t)len;
    note_looked(walker, WALK_PLACES, len);
    note_looked(walker, WALK_RECORDS, len);
    for (size_t i = 0; i < len; i++)
        note_looked(walker, WALK_SHARED, reply_int(reply_at(found, 3 * i + 2)) == 1 ? 1 : 0);
    return result;
}

/* --- lanes --- */

/* Names and scores in turn. */
static enum ask_result check_lanes(struct walker *walker, const struct reply *pairs, size_t at,
                                   size_t len)
{
    const struct keys *keys = &walker->session->keys;
    struct check check = {.args = {bytes_of(keys->deliveries), bytes_of(keys->gates),
                                   bytes_of(keys->lanes), bytes_of(keys->lanes_shut)},
                          .keys_len = 4};
    char name[LANE_SIZE];
    struct reply *wrong;

    for (size_t i = 0; i < len; i++) {
        struct bytes lane = reply_text(reply_at(pairs, 2 * (at + i)));
        if (bytes_copy_text(lane, name, sizeof(name)))
            check.args[check.keys_len++] = bytes_of(keys_lane(keys, name, check.keys[i]));
        else
            walk_note(walk_of(walker, WALK_LANES), lane); /* longer than any lane's, by hand */
    }
    check.args[check.keys_len] = BYTES(MEMBERS_OF_A_LANE);
    check.args_len = check.keys_len + 1;
    enum ask_result result = ask_check(walker, BYTES(lua_check_lanes), &check, &wrong);
    if (result != ASK_ANSWERED)
        return result;
    note_looked(walker, WALK_MEMBERS, (size_t)reply_int(reply_at(wrong, 0)));
    note_found(walker, wrong, 1);
    reply_free(wrong);
    return ASK_ANSWERED;
}

static enum ask_result visit_lanes(struct walker *walker, const struct reply *page)
{
    const struct reply *pairs = reply_at(page, 1);
    size_t len = reply_len(pairs) / 2;
    enum ask_result result = ASK_ANSWERED;

    for (size_t at = 0; at < len && result == ASK_ANSWERED; at += ITEMS_MAX)
        result = check_lanes(walker, pairs, at, len - at < ITEMS_MAX ? len - at : ITEMS_MAX);
    walker->looked += (int64_t)len;
    note_looked(walker, WALK_LANES, len);
    return result;
}

/* --- gates, leases, documents --- */

static enum ask_result visit_gates(struct walker *walker, const struct reply *page)
{
    const struct reply *pairs = reply_at(page, 1);
    struct gate gate;

    for (size_t i = 0; i + 1 < reply_len(pairs); i += 2) {
        if (gate_parse(reply_text(reply_at(pairs, i + 1)), &gate) < 0)
            walk_note(walk_of(walker, WALK_GATES), reply_text(reply_at(pairs, i)));
        walker->looked++;
        note_looked(walker, WALK_GATES, 1);
    }
    return ASK_ANSWERED;
}

static enum ask_result visit_leases(struct walker *walker, const struct reply *page)
{
    walker->looked += reply_int(reply_at(page, 1));
    note_looked(walker, WALK_LEASES, (size_t)reply_int(reply_at(page, 1)));
    for (size_t i = 2; i < reply_len(page); i++)
        walk_note(walk_of(walker, WALK_LEASES), reply_text(reply_at(page, i)));
    return ASK_ANSWERED;
}

static enum ask_result check_documents(struct walker *walker, const struct reply *streams,
                                       size_t at, size_t len)
{
    const struct keys *keys = &walker->session->keys;
    struct check check = {.args = {bytes_of(keys->documents), bytes_of(keys->deliveries)},
                          .keys_len = 2 + len,
                          .args_len = 2 + 2 * len};
    struct reply *wrong;

    for (size_t i = 0; i < len; i++) {
        struct bytes stream = reply_text(reply_at(streams, at + i));
        check.args[2 + i] = bytes_of(holders_of(keys, stream, check.keys[i]));
        check.args[2 + len + i] = stream;
    }
    enum ask_result result = ask_check(walker, BYTES(lua_check_documents), &check, &wrong);
    if (result != ASK_ANSWERED)
        return result;
    for (size_t i = 0; i < reply_len(wrong); i++)
        walk_note(walk_of(walker, WALK_DOCUMENTS), reply_text(reply_at(wrong, i)));
    reply_free(wrong);
    return ASK_ANSWERED;
}

static enum ask_result visit_documents(struct walker *walker, const struct reply *page)
{
    const struct reply *streams = reply_at(page, 1);
    size_t len = reply_len(streams);
    enum ask_result result = ASK_ANSWERED;

    for (size_t at = 0; at < len && result == ASK_ANSWERED; at += ITEMS_MAX)
        result = check_documents(walker, streams, at, len - at < ITEMS_MAX ? len - at : ITEMS_MAX);
    walker->looked += (int64_t)len;
    note_looked(walker, WALK_DOCUMENTS, len);
    return result;
}

bool doctor_read_lanes(struct session *session, struct doctor_facts *facts)
{
    const struct keys *keys = &session->keys;
    const struct source sources[] = {
        {ASK_DELIVERIES,
         WALK_PLACES,
         NULL,
         BYTES(lua_look_deliveries),
         {keys->deliveries},
         RECORDS_A_PAGE,
         visit_deliveries},
        {ASK_LANES, WALK_LANES, "ZSCAN", {0}, {keys->lanes}, LANES_A_PAGE, visit_lanes},
        {ASK_LANES, WALK_LANES, "ZSCAN", {0}, {keys->lanes_shut}, LANES_A_PAGE, visit_lanes},
        {ASK_GATES, WALK_GATES, "HSCAN", {0}, {keys->gates}, GATES_A_PAGE, visit_gates},
        {ASK_LEASES,
         WALK_LEASES,
         NULL,
         BYTES(lua_look_leases),
         {keys->leases, keys->deliveries},
         LEASES_A_PAGE,
         visit_leases},
        {ASK_DOCUMENTS,
         WALK_DOCUMENTS,
         NULL,
         BYTES(lua_look_documents),
         {keys->documents},
         DOCUMENTS_A_PAGE,
         visit_documents},
    };

    for (size_t i = 0; i < sizeof(sources) / sizeof(sources[0]); i++) {
        struct walker walker = {
            .session = session, .facts = facts, .question = sources[i].question};
        bool is_refused = facts->asked[sources[i].question].refusal[0] != '\0';
        if (!is_refused && walk(&walker, &sources[i]) == ASK_BROKEN)
            return false;
    }
    return true;
}
