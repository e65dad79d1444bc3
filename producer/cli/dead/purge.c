/* dead purge: deleting dead letters. */
#include "admin/dead/move.h"
#include "cli/dead/move.h"
#include "cli/dead/survey.h"
#include "cli/terminal/confirm.h"

static const struct flag_spec purge_specs[] = {
    {"all", NULL, "all letters that match the filters", false},
    DEAD_FILTER_SPECS,
    {"dry-run", NULL, "only count them", false},
    {"yes", NULL, "do not ask for confirmation", false},
    {NULL, NULL, NULL, false},
};

static bool purge_batch(struct mover *mover, const struct bytes *ids, size_t ids_len)
{
    struct reply *reply;

    if (!dead_purge(&mover->cli->session, ids, ids_len, &reply))
        return false;
    for (size_t i = 0; i < ids_len; i++) {
        if (reply_int(reply_at(reply, i)) == 1)
            mover_moved(mover, ids[i], (struct bytes){NULL, 0});
        else
            mover_missing(mover, ids[i]);
    }
    reply_free(reply);
    return true;
}

/* What is deleted is gone: says what it will be, and asks where it can. False: failure reported. */
static bool agree_to_purge(struct mover *mover, struct dead_scan *scan)
{
    struct dead_survey survey;

    if (!dead_survey_take(scan, &mover->interrupt, &survey))
        return false;
    mover->stopped = survey.stopped;
    if (mover->stopped)
        return true;
    dead_survey_print(&survey);
    if (survey.letters == 0 || mover->dry_run || flags_has(&mover->cli->flags, "yes") ||
        !confirm_is_possible())
        return true;
    mover->declined = !confirm(&mover->interrupt, "Delete them permanently?");
    return true;
}

static int run_purge(struct cli *cli)
{
    struct mover mover = {
        .cli = cli, .move = purge_batch, .agree = agree_to_purge, .done_word = "purged"};

    return mover_run(&mover);
}

const struct command command_dead_purge = {
    .name = "dead purge",
    .operands = "ID... | --all",
    .summary = "Deletes dead letters permanently.",
    .details =
        "With --all it prints how many letters there are and the range of their times, and asks\n"
        "for confirmation if standard input and error are a terminal; elsewhere, as in cron, it\n"
        "does not ask. Letters added meanwhile are not deleted.\n",
    .flags = purge_specs,
    .run = run_purge,
};
