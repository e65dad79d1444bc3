#include "cli/dead/move.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "admin/dead/filter.h"
#include "contract/dead_letter.h"
#include "contract/parse.h"

#define BATCHES_PER_SECOND 10 /* with --rate: small batches, so that the rate is even */

/* One letter's result as JSON. */
static void print_object(struct mover *mover, struct bytes id, const char *name, struct bytes value)
{
    object_begin(&mover->line);
    object_put_text(&mover->line, "id", id);
    object_put_text(&mover->line, name, value);
    (void)object_print(&mover->line);
}

void mover_moved(struct mover *mover, struct bytes id, struct bytes event)
{
    mover->done++;
    if (mover->cli->json)
        print_object(mover, id, event.len > 0 ? "event" : "result",
                     event.len > 0 ? event : bytes_of(mover->done_word));
    else if (!mover->all && event.len > 0)
        print_value(event);
}

void mover_refused(struct mover *mover, struct bytes id, struct bytes why)
{
    char words[128];

    mover->failed++;
    if (mover->cli->json)
        print_object(mover, id, "error", why);
    else
        (void)cli_failed("%.*s: %s", (int)id.len, id.data,
                         bytes_printable(why, words, sizeof(words)));
}

void mover_missing(struct mover *mover, struct bytes id)
{
    if (!mover->all)
        mover_refused(mover, id, BYTES("there is no such dead letter"));
}

static bool count_batch(struct mover *mover, const struct bytes *ids, size_t ids_len)
{
    for (size_t i = 0; i < ids_len; i++)
        mover_moved(mover, ids[i], (struct bytes){NULL, 0});
    return true;
}

/* --- all batches --- */

static size_t batch_len(const struct mover *mover)
{
    int64_t len = mover->rate / BATCHES_PER_SECOND;

    if (mover->rate == 0 || len > SESSION_BATCH)
        return SESSION_BATCH;
    return len > 0 ? (size_t)len : 1;
}

/* Waits until the next batch is due; true when interrupted. */
static bool pace(const struct mover *mover)
{
    if (mover->rate == 0)
        return interrupted(&mover->interrupt);
    int64_t handled = (int64_t)(mover->done + mover->failed);
    int64_t due_ms = mover->started_ms + handled * 1000 / mover->rate;
    return interrupt_wait(&mover->interrupt, due_ms - progress_now_ms());
}

/* False: failure reported. Sets stopped on an interrupt. */
static bool move_ids(struct mover *mover, const struct bytes *ids, size_t ids_len)
{
    size_t n;

    for (size_t at = 0; at < ids_len; at += n) {
        mover->stopped = pace(mover);
        if (mover->stopped)
            return true;
        n = batch_len(mover) < ids_len - at ? batch_len(mover) : ids_len - at;
        if (!mover->move(mover, ids + at, n))
            return false;
        progress_show(&mover->progress, mover->done);
    }
    return true;
}

static void mover_skip(struct mover *mover, struct bytes id)
{
    mover->skipped++;
    if (mover->cli->json)
        print_object(mover, id, "skipped", bytes_of(dead_reason_name(DEAD_TOO_LARGE)));
}

/* The page's letters that can be moved; those that are left are skipped. */
static size_t take_ids(struct mover *mover, const struct dead_entry *entries, size_t len,
                       struct bytes ids[SESSION_BATCH])
{
    size_t ids_len = 0;

    for (size_t i = 0; i < len; i++) {
        if (mover->leaves && mover->leaves(&entries[i]))
            mover_skip(mover, entries[i].id);
        else
            ids[ids_len++] = entries[i].id;
    }
    return ids_len;
}

static bool move_scanned(struct mover *mover, struct dead_scan *scan)
{
    struct dead_entry entries[SESSION_BATCH];
    struct bytes ids[SESSION_BATCH];
    size_t len;
    int more;

    if (mover->agree && !mover->agree(mover, scan))
        return false;
    while (!mover->stopped && !mover->declined &&
           (more = dead_scan_next(scan, entries, &len)) != 0) {
        if (more < 0 || !move_ids(mover, ids, take_ids(mover, entries, len, ids)))
            return false;
    }
    return true;
}

static bool move_matching(struct mover *mover, const struct dead_filter *filter)
{
    struct dead_scan scan;

    if (!dead_scan_begin(&scan, &mover->cli->session, filter, DEAD_OLDEST_FIRST))
        return false;
    bool moved = move_scanned(mover, &scan);
    dead_scan_end(&scan);
    return moved;
}

static bool move_operands(struct mover *mover)
{
    const struct flags *flags = &mover->cli->flags;
    struct bytes ids[SESSION_BATCH];
    size_t n;

    for (size_t at = 0; at < flags->operands_len && !mover->stopped; at += n) {
        for (n = 0; n < SESSION_BATCH && at + n < flags->operands_len; n++)
            ids[n] = bytes_of(flags->operands[at + n]);
        if (!move_ids(mover, ids, n))
            return false;
    }
    return true;
}

/* --- the commands --- */

static int check_operands(const struct cli *cli)
{
    const struct flags *flags = &cli->flags;
    bool all = flags_has(flags, "all");
    uint64_t ms;
    uint64_t seq;

    if (all == (flags->operands_len > 0))
        return cli_usage(cli, "give IDs, or --all");
    if (!all && dead_filter_given(flags))
        return cli_usage(cli, "filters go with --all");
    for (size_t i = 0; i < flags->operands_len; i++) {
        if (parse_stream_id(bytes_of(flags->operands[i]), &ms, &seq) < 0)
            return cli_usage(cli, "an ID is like 1667548137257-0");
    }
    return CLI_DONE;
}

static int summary(const struct mover *mover, bool moved)
{
    const char *would = mover->dry_run ? "would be " : "";

    if (mover->declined)
        return cli_failed("nothing was %s", mover->done_word);
    if (mover->stopped || !moved)
        return cli_failed("%s: %" PRIu64 " %s; run it again to continue",
                          mover->stopped ? "interrupted" : "stopped", mover->done,
                          mover->done_word);
    if (mover->failed > 0)
        (void)cli_failed("%" PRIu64 " %s%s, %" PRIu64 " not", mover->done, would, mover->done_word,
                         mover->failed);
    else if ((mover->all || mover->dry_run) && !mover->cli->json)
        (void)printf("%" PRIu64 " %s%s\n", mover->done, would, mover->done_word);
    if (mover->skipped > 0 && !mover->cli->json)
        (void)printf("%" PRIu64 " too-large left where they are: only their beginning was kept, "
                     "send these events again from their source\n",
                     mover->skipped);
    return mover->failed > 0 ? CLI_FAILED : CLI_DONE;
}

int mover_run(struct mover *mover)
{
    struct cli *cli = mover->cli;
    struct dead_filter filter;
    struct error_text why;
    int64_t now_ms;

    int result = check_operands(cli);
    if (result == CLI_DONE)
        result = cli_rate(cli, &mover->rate);
    if (result != CLI_DONE)
        return result;
    if (!session_server_time(&cli->session, &now_ms))
        return CLI_FAILED;
    if (dead_filter_read(&filter, &cli->flags, now_ms, &why) < 0)
        return cli_usage(cli, "%s", why.text);
    mover->all = flags_has(&cli->flags, "all");
    mover->dry_run = flags_has(&cli->flags, "dry-run");
    if (mover->dry_run)
        mover->move = count_batch;
    if (interrupt_open(&mover->interrupt) < 0)
        return cli_failed("cannot watch for signals");
    buffer_init(&mover->line, 1024);
    progress_begin(&mover->progress, mover->done_word, !mover->all || cli->json);
    mover->started_ms = progress_now_ms();
    bool moved = mover->all ? move_matching(mover, &filter) : move_operands(mover);
    progress_end(&mover->progress);
    buffer_release(&mover->line);
    interrupt_close(&mover->interrupt);
    return summary(mover, moved);
}
