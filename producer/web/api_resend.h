/*
 * Sending delivered events of a room again: always as a task, unless they are only counted.
 */
#ifndef WEB_API_RESEND_H
#define WEB_API_RESEND_H

#include "web/call.h"

void api_resend(struct call *call, struct session *session);

#endif
