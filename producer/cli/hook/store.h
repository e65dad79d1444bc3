/*
 * What workers learnt about hooks ({Q}:hooks-state), read and forgotten. Whatever changes there is
 * told to the workers ({Q}:hooks-changed), else they would go by what they know for seconds more.
 */
#ifndef CLI_HOOK_STORE_H
#define CLI_HOOK_STORE_H

#include "cli/cli.h"
#include "cli/hook/state.h"
#include "contract/hook.h"

/* Each returns false with the failure told. */

/* Reads a hook's state; zeroed when workers know nothing. */
bool hook_store_read(struct cli *cli, const struct hook *hook, int64_t room_id,
                     struct hook_state *ret_state);

/* Forgets what workers learnt about a hook of this id, whatever URL and credentials it had. */
bool hook_store_forget(struct cli *cli, int64_t room_id, const char *hook_id,
                       int64_t *ret_forgotten);

/* Tells the workers that the hook is to be read again. */
bool hook_store_tell(struct cli *cli, int64_t room_id, const char *hook_id);

#endif
