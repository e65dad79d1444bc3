/*
 * What is done to a hook by hand.
 */
#ifndef ADMIN_HOOK_ACTIONS_H
#define ADMIN_HOOK_ACTIONS_H

#include "admin/hook/change.h"

#define HOOK_KEEP_DEFAULT_MS (24 * 3600 * INT64_C(1000))
#define HOOK_KEEP_MAX_MS (365 * HOOK_KEEP_DEFAULT_MS)

/* Each is ADMIN_DONE, with what is stored for hook_free, or the failure is reported. */
enum admin_result hook_enable(struct session *session, struct hook_target *target,
                              struct hook **ret_hook);
enum admin_result hook_disable(struct session *session, struct hook_target *target,
                               struct hook **ret_hook);

/* Gives it a new secret, target->secret; the others sign on for target->keep_ms. */
enum admin_result hook_replace_secret(struct session *session, struct hook_target *target,
                                      struct hook **ret_hook);

/* Forgets what workers learnt; target->waiting deliveries may then be made due. ADMIN_CONFLICT for
 * one that is disabled or not valid: what waits for it would only die sooner. */
enum admin_result hook_resume(struct session *session, struct hook_target *target);

#endif
