/*
 * Changing one hook in Redis: read, changed, checked as a worker will check it, and stored only if
 * nobody else changed it meanwhile; else once more from the beginning.
 */
#ifndef CLI_HOOK_CHANGE_H
#define CLI_HOOK_CHANGE_H

#include <jansson.h>

#include "cli/cli.h"
#include "cli/hook/edit.h"
#include "cli/hook/store.h"
#include "contract/hook.h"

/* The hook a command is about, and what has become of it. */
struct hook_target {
    struct room_id room;
    const char *id;
    char room_key[KEY_SIZE];
    char secret[HOOK_SECRET_TEXT_SIZE]; /* made by this command, else "" */
    int64_t keep_ms;                    /* rotate: how long the old secrets sign yet */
    int64_t now_ms;                     /* rotate: on the clock of Redis */
    int64_t old_until_ms;               /* rotate: when the last old secret ends; 0: none is left */
    bool is_other;                      /* the hook has another URL or other credentials now */
    int64_t waiting;                    /* deliveries that wait for it */
    bool is_due;                        /* set: all of these are due now */
};

/* From --room and --id. CLI_DONE, or CLI_USAGE with the failure told. */
int hook_target_init(const struct cli *cli, struct hook_target *target);

int hook_target_missing(const struct hook_target *target); /* tells it; the exit code */

/* Changes a hook read from Redis, an empty object when there is none. CLI_DONE or an exit code. May
 * be called again for another state of the hook. */
typedef int hook_change_fn(struct cli *cli, struct hook_target *target, json_t *hook);

/* Reads, changes and stores a hook, then changes what is known about it. CLI_DONE with what was
 * stored, for hook_free; or an exit code with the failure told. */
int hook_change(struct cli *cli, struct hook_target *target, hook_change_fn *change,
                enum hook_store_change then, struct hook **ret_hook);

#endif
