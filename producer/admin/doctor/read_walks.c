/* Entries that are stored and pending, compared a page at a time. */
#include <stdio.h>

#include "admin/doctor/ask.h"
#include "admin/doctor/read.h"
#include "admin_lua.h"

/* A page takes Redis about a millisecond. Entries come with their documents. */
#define ENTRIES_A_PAGE "100"

/* More than a healthy queue has under way; a walk over this many takes seconds. */
#define ENTRIES_MAX 200000

struct walker {
    struct session *session;
    struct doctor_facts *facts;
    enum question question;
    struct walk *walk;
};

/* The ids behind the first two elements are what the other side lacks. */
static void note_page(struct walker *walker, int64_t looked, const struct reply *page)
{
    walker->walk->looked += looked;
    for (size_t i = 2; i < reply_len(page); i++)
        walk_note(walker->walk, reply_text(reply_at(page, i)));
    session_progress(walker->session, "looked at", (uint64_t)walker->walk->looked);
}

/*
 * Walks over entries from the start up to the last one that was delivered when the doctor began, so
 * that it ends while workers read on.
 */
static enum ask_result walk_entries(struct walker *walker, const char *what)
{
    const struct keys *keys = &walker->session->keys;
    char from[RH_STREAM_ID_SIZE + 1] = "-";
    enum ask_result result = ASK_ANSWERED;
    int64_t looked = 1;

    while (result == ASK_ANSWERED && looked > 0) {
        const struct bytes args[] = {
            bytes_of(keys->events),
            BYTES(KEYS_GROUP),
            bytes_of(what),
            bytes_of(from),
            bytes_of(walker->facts->queue.last_delivered),
            BYTES(ENTRIES_A_PAGE),
        };
        struct reply *page;
        if (walker->walk->looked >= ENTRIES_MAX) {
            walker->walk->cut = true;
            break;
        }
        result = doctor_ask_script(walker->session, walker->facts, walker->question,
                                   BYTES(lua_look_entries), 1, args, 6, &page);
        if (result != ASK_ANSWERED)
            break;
        looked = reply_int(reply_at(page, 0));
        note_page(walker, looked, page);
        struct bytes last = reply_text(reply_at(page, 1));
        (void)snprintf(from, sizeof(from), "(%.*s", (int)last.len, last.data);
        reply_free(page);
    }
    return result;
}

static bool walk(struct session *session, struct doctor_facts *facts, enum question question,
                 enum walk_kind kind, const char *what)
{
    struct walker walker = {
        .session = session, .facts = facts, .question = question, .walk = &facts->walks[kind]};

    enum ask_result result = walk_entries(&walker, what);
    session_progress_end(session);
    return result != ASK_BROKEN;
}

bool doctor_read_walks(struct session *session, struct doctor_facts *facts)
{
    return !facts->queue.has_group || (walk(session, facts, ASK_STORED, WALK_STORED, "stored") &&
                                       walk(session, facts, ASK_PENDING, WALK_PENDING, "pending"));
}
