/* Entries that are stored and pending, compared a page at a time. */
#include <stdio.h>

#include "cli/doctor/ask.h"
#include "cli/doctor/read.h"
#include "cli/terminal/progress.h"
#include "cli_lua.h"

/* A page takes Redis about a millisecond. Entries come with their documents. */
#define ENTRIES_A_PAGE "100"

/* More than a healthy queue has under way; a walk over so many takes seconds. */
#define ENTRIES_MAX 200000

struct walker {
    struct cli *cli;
    struct doctor_facts *facts;
    enum question question;
    struct walk *walk;
    struct progress progress;
};

/* The ids behind the first two elements are what the other side lacks. */
static void note_page(struct walker *walker, int64_t looked, const struct reply *page)
{
    walker->walk->looked += looked;
    for (size_t i = 2; i < reply_len(page); i++)
        walk_note(walker->walk, reply_text(reply_at(page, i)));
    progress_show(&walker->progress, (uint64_t)walker->walk->looked);
}

/*
 * Walks over entries from the start up to the last one that was delivered when the doctor began, so
 * that it ends while workers read on.
 */
static enum ask_result walk_entries(struct walker *walker, const char *what)
{
    const struct keys *keys = &walker->cli->keys;
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
        result = doctor_ask_script(walker->cli, walker->facts, walker->question,
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

static bool walk(struct cli *cli, struct doctor_facts *facts, enum question question,
                 enum walk_kind kind, const char *what)
{
    struct walker walker = {
        .cli = cli, .facts = facts, .question = question, .walk = &facts->walks[kind]};

    progress_begin(&walker.progress, "looked at", false);
    enum ask_result result = walk_entries(&walker, what);
    progress_end(&walker.progress);
    return result != ASK_BROKEN;
}

bool doctor_read_walks(struct cli *cli, struct doctor_facts *facts)
{
    return !facts->queue.has_group || (walk(cli, facts, ASK_STORED, WALK_STORED, "stored") &&
                                       walk(cli, facts, ASK_PENDING, WALK_PENDING, "pending"));
}
