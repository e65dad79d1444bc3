/*
 * The routes that only read. Each fills in the call's answer; failures are reported to the session.
 */
#ifndef WEB_API_READ_H
#define WEB_API_READ_H

#include "admin/hook/state.h"
#include "web/call.h"

void api_doctor(struct call *call, struct session *session);
void api_hooks(struct call *call, struct session *session); /* of all rooms, page by page */
void api_room_hooks(struct call *call, struct session *session);
void api_hook(struct call *call, struct session *session);

/* A hook's JSON, with what workers learnt about it. */
void api_put_hook(struct buffer *out, const struct room_id *room, const struct hook *hook,
                  const struct stored_state *state, int64_t now_ms, bool shows_signature);

/* One whose stored JSON is not valid. */
void api_put_invalid(struct buffer *out, const struct room_id *room, struct bytes id,
                     const char *why);

#endif
