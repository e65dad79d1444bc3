/*
 * A hook as it is stored, for people and for programs: without what is secret about it, but for its
 * signature when that is asked for. It is a password, and lists are looked at by many eyes.
 */
#ifndef ADMIN_HOOK_DESCRIBE_H
#define ADMIN_HOOK_DESCRIBE_H

#include <stdbool.h>

#include "admin/hook/state.h"
#include "contract/hook.h"
#include "contract/room.h"

/* "10/s, timeout 5s, max-age 1h"; nothing when it has no limits. */
void hook_put_limits(struct buffer *out, const struct hook *hook);

/* Its own template as JSON in ASCII, so that nothing in it steers a terminal; nothing when it has
 * none. */
void hook_put_template(struct buffer *out, const struct hook *hook);

/* Its types, or nothing when it takes all. */
void hook_put_types(struct buffer *out, const struct hook *hook);

/* "302,303": what it accepts besides 2xx; nothing when there are none. */
void hook_put_accept_status(struct buffer *out, const struct hook *hook);

/* "X-A, X-B": their values may be passwords. */
void hook_put_header_names(struct buffer *out, const struct hook *hook);

/* Its signature, or what stands for it; NULL when it has none. */
const char *hook_signature_shown(const struct hook *hook, bool shows_signature);

/* The room and the hook as members of an object; secrets are counted. */
void hook_put_json(struct buffer *line, const struct room_id *room, const struct hook *hook,
                   bool shows_signature);

/* The state of a hook that is stored: disabled by hand comes before all that is known of it. */
enum hook_condition hook_condition_of(const struct hook *hook, const struct stored_state *state,
                                      int64_t now_ms);

/* The same as members of an object, with what is known of it. */
void hook_put_state(struct buffer *line, const struct hook *hook, const struct stored_state *state,
                    int64_t now_ms);

#endif
