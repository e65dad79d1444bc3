/*
 * What dead replay and dead purge share: going over letters in batches, at a rate, until there are
 * no more or an interrupt comes, and telling what became of them.
 */
#ifndef CLI_DEAD_MOVE_H
#define CLI_DEAD_MOVE_H

#include "admin/dead/scan.h"
#include "cli/cli.h"
#include "cli/terminal/interrupt.h"
#include "cli/terminal/json_output.h"
#include "cli/terminal/progress.h"

struct mover;

/* Moves ids away; reports each by mover_moved, _missing or _refused. False: failure reported. */
typedef bool (*move_fn)(struct mover *mover, const struct bytes *ids, size_t ids_len);

struct mover {
    struct cli *cli;
    move_fn move;
    /* With --all, before the first is moved; may set stopped or declined. NULL: nothing to do.
     * False: failure reported. */
    bool (*agree)(struct mover *mover, struct dead_scan *scan);
    /* With --all: is it left where it is, as too large? NULL: none is. */
    bool (*leaves)(const struct dead_entry *entry);
    const char *done_word; /* "replayed" */
    bool all;              /* --all: letters that others took meanwhile are no failure */
    bool dry_run;
    int64_t rate; /* letters a second; 0: no limit */
    struct interrupt interrupt;
    struct progress progress;
    int64_t started_ms;
    uint64_t done;
    uint64_t failed;  /* missing or refused */
    uint64_t skipped; /* cannot be replayed whole */
    bool stopped;     /* by an interrupt */
    bool declined;    /* by the answer to the question */
    struct buffer line;
};

/* The whole command; of the mover its first members are set. An exit code. */
int mover_run(struct mover *mover);

/* What became of a letter. event is the new stream id of a replayed one, else empty. */
void mover_moved(struct mover *mover, struct bytes id, struct bytes event);
void mover_missing(struct mover *mover, struct bytes id);
void mover_refused(struct mover *mover, struct bytes id, struct bytes why);

#endif
