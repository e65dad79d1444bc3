/* dead replay: moving dead letters back to the events. */
#include "admin/dead/move.h"
#include "cli/dead/move.h"
#include "contract/parse.h"

static const struct flag_spec replay_specs[] = {
    {"all", NULL, "all letters that match the filters", false},
    DEAD_FILTER_SPECS,
    {"rate", "N/s", "at most this many a second", false},
    {"dry-run", NULL, "only count them", false},
    {NULL, NULL, NULL, false},
};

static bool replay_batch(struct mover *mover, const struct bytes *ids, size_t ids_len)
{
    struct reply *reply;

    if (!dead_replay(&mover->cli->session, ids, ids_len, &reply))
        return false;
    for (size_t i = 0; i < ids_len; i++) {
        struct bytes result = reply_text(reply_at(reply, i));
        uint64_t ms;
        uint64_t seq;
        if (result.len == 0)
            mover_missing(mover, ids[i]);
        else if (parse_stream_id(result, &ms, &seq) == 0)
            mover_moved(mover, ids[i], result);
        else
            mover_refused(mover, ids[i], result);
    }
    reply_free(reply);
    return true;
}

static int run_replay(struct cli *cli)
{
    struct mover mover = {
        .cli = cli, .move = replay_batch, .leaves = dead_is_cut, .done_word = "replayed"};

    return mover_run(&mover);
}

const struct command command_dead_replay = {
    .name = "dead replay",
    .operands = "ID... | --all",
    .summary = "Puts dead letters back on the queue and prints their new stream ids.",
    .details =
        "Each is sent to the hook it failed for, with its original webhook-id, and starts over:\n"
        "all retries, full age. With --all the oldest come first; letters added meanwhile are\n"
        "not replayed. Ctrl-C stops between batches. A letter that is too-large has only the\n"
        "beginning of its event and cannot be replayed: send the event again from its source.\n",
    .flags = replay_specs,
    .run = run_replay,
};
