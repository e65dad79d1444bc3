/*
 * What workers learnt about hooks ({Q}:hooks-state): that one is paused, or was disabled.
 */
#ifndef CLI_HOOK_STATE_H
#define CLI_HOOK_STATE_H

#include "cli.h"
#include "hook.h"

struct hook_state {
    bool disabled;
    int64_t until_ms; /* paused until then; 0: not paused */
    char reason[96];  /* printable; "" for none */
};

/* Reads a hook's state; zeroed when workers know nothing. False with the failure told. */
bool hook_state_read(struct cli *cli, const struct hook *hook, int64_t room_id,
                     struct hook_state *ret_state);

/* Forgets what workers learnt about a hook of this id, whatever URL it had. False as above. */
bool hook_state_clear(struct cli *cli, int64_t room_id, const char *hook_id);

#endif
