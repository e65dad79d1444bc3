/*
 * The routes of what happened: attempts of a hook, of a message, and the queue's history.
 */
#ifndef WEB_API_LOG_H
#define WEB_API_LOG_H

#include "web/call.h"

void api_hook_deliveries(struct call *call, struct session *session);
void api_message(struct call *call, struct session *session);
void api_history(struct call *call, struct session *session);
void api_happened(struct call *call, struct session *session);

#endif
