/*
 * All hooks of which something is known: what workers learnt, or newest attempts of which some were
 * not fine.
 */
#ifndef ADMIN_HOOK_KNOWN_H
#define ADMIN_HOOK_KNOWN_H

#include "admin/session.h"

/* Values of {Q}:hooks-state and {Q}:hooks-recent; empty when there is none. False: no more. */
typedef bool hook_known_fn(void *context, struct bytes lane, struct bytes learnt,
                           struct bytes recent);

/* Calls fn for those whose lane matches the glob pattern, of at most most fields of each hash; a
 * hook may come twice. True with *ret_is_cut when there were more; false when fn stopped it, or
 * with the failure reported. */
bool hooks_known_each(struct session *session, const char *pattern, int64_t most, hook_known_fn *fn,
                      void *context, bool *ret_is_cut);

#endif
