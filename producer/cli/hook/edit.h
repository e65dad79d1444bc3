/*
 * A hook's JSON as the flags of "hook set" change it: what is not given stays. Pure, but for the
 * randomness of new credentials and the file of a template. What comes out is to be checked by
 * hook_parse.
 */
#ifndef CLI_HOOK_EDIT_H
#define CLI_HOOK_EDIT_H

#include <jansson.h>

#include "base/flags.h"
#include "contract/bytes.h"
#include "contract/hook_secret.h"

extern const struct flag_spec hook_edit_specs[]; /* of "hook set" */

/*
 * Changes hook, an object; an empty one is a new hook, which gets a verification signature unless
 * the flags say otherwise. ret_secret is the secret that was made, or "". 0, or -1 with *why.
 */
int hook_edit(json_t *hook, const struct flags *flags, char ret_secret[HOOK_SECRET_TEXT_SIZE],
              struct error_text *why);

#endif
