/* What is stored in two places, compared a page at a time. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cli/doctor/ask.h"
#include "cli/doctor/read.h"
#include "cli/terminal/progress.h"
#include "cli_lua.h"

/* A page takes Redis about a millisecond. Entries and records come with their documents. */
#define ENTRIES_A_PAGE "100"
#define RECORDS_A_PAGE "100"
#define DUE_TIMES_A_PAGE "250"

/* More than a healthy queue has under way; a walk over so many takes seconds. */
#define ENTRIES_MAX 200000
#define DELIVERIES_MAX 2000000
#define DELIVERIES_SAMPLE 100000 /* enough when there are as many due times as records */

struct walker {
    struct cli *cli;
    struct doctor_facts *facts;
    enum question question;
    int64_t max; /* looked at */
    struct progress progress;
};

static struct walk *walk_of(const struct walker *walker)
{
    return &walker->facts->walks[walker->question];
}

/* The ids behind the first two elements are what the other side lacks. */
static void note_page(struct walker *walker, int64_t looked, const struct reply *page)
{
    struct walk *walk = walk_of(walker);

    walk->looked += looked;
    for (size_t i = 2; i < reply_len(page); i++) {
        if (walk->found < WALK_EXAMPLES_MAX)
            bytes_printable(reply_text(reply_at(page, i)), walk->examples[walk->found],
                            WALK_EXAMPLE_SIZE);
        walk->found++;
    }
    progress_show(&walker->progress, (uint64_t)walk->looked);
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
        if (walk_of(walker)->looked >= walker->max) {
            walk_of(walker)->cut = true;
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

static enum ask_result walk_deliveries(struct walker *walker, const char *what, const char *count)
{
    const struct keys *keys = &walker->cli->keys;
    char cursor[24] = "0";

    do {
        const struct bytes args[] = {bytes_of(keys->retries), bytes_of(keys->deliveries),
                                     bytes_of(what), bytes_of(cursor), bytes_of(count)};
        struct reply *page;
        if (walk_of(walker)->looked >= walker->max) {
            walk_of(walker)->cut = true;
            break;
        }
        enum ask_result result = doctor_ask_script(walker->cli, walker->facts, walker->question,
                                                   BYTES(lua_look_deliveries), 2, args, 5, &page);
        if (result != ASK_ANSWERED)
            return result;
        if (!bytes_copy_text(reply_text(reply_at(page, 0)), cursor, sizeof(cursor)))
            cursor[0] = '\0';
        note_page(walker, reply_int(reply_at(page, 1)), page);
        reply_free(page);
    } while (cursor[0] != '\0' && strcmp(cursor, "0") != 0);
    return ASK_ANSWERED;
}

static bool walk(struct cli *cli, struct doctor_facts *facts, enum question question, int64_t max)
{
    struct walker walker = {.cli = cli, .facts = facts, .question = question, .max = max};
    enum ask_result result;

    facts->walks[question] = (struct walk){0};
    progress_begin(&walker.progress, "looked at", false);
    if (question == ASK_STORED)
        result = walk_entries(&walker, "stored");
    else if (question == ASK_PENDING)
        result = walk_entries(&walker, "pending");
    else if (question == ASK_RETRIES)
        result = walk_deliveries(&walker, "retries", DUE_TIMES_A_PAGE);
    else
        result = walk_deliveries(&walker, "deliveries", RECORDS_A_PAGE);
    progress_end(&walker.progress);
    return result != ASK_BROKEN;
}

/*
 * As many due times as records, and a record for each: then no record is left over. Only when that
 * is not so are all of both looked at.
 */
static bool walk_waiting(struct cli *cli, struct doctor_facts *facts)
{
    const struct queue_facts *queue = &facts->queue;

    if (facts->asked[ASK_QUEUE].answered && queue->retries == queue->deliveries) {
        if (!walk(cli, facts, ASK_RETRIES, DELIVERIES_SAMPLE))
            return false;
        if (facts->walks[ASK_RETRIES].found == 0)
            return true;
    }
    return walk(cli, facts, ASK_RETRIES, DELIVERIES_MAX) &&
           walk(cli, facts, ASK_DELIVERIES, DELIVERIES_MAX);
}

bool doctor_read_walks(struct cli *cli, struct doctor_facts *facts)
{
    if (facts->queue.has_group &&
        !(walk(cli, facts, ASK_STORED, ENTRIES_MAX) && walk(cli, facts, ASK_PENDING, ENTRIES_MAX)))
        return false;
    return walk_waiting(cli, facts);
}
