/*
 * Dead letters: listing, showing, replaying and purging. In a room's paths only the letters of that
 * room are meant.
 */
#ifndef WEB_API_DEAD_H
#define WEB_API_DEAD_H

#include "web/call.h"

void api_letters(struct call *call, struct session *session);
void api_letter(struct call *call, struct session *session);
void api_replay_letter(struct call *call, struct session *session);
void api_purge_letter(struct call *call, struct session *session);

/* Of all letters that match: with dry_run they are only counted; with expect another count is a
 * conflict, and nothing is done. With a rate, or when it takes longer than a few seconds, a task
 * does what is left. */
void api_replay(struct call *call, struct session *session);
void api_purge(struct call *call, struct session *session);

#endif
