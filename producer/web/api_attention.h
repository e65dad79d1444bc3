/*
 * The hooks that need attention, the worst first.
 */
#ifndef WEB_API_ATTENTION_H
#define WEB_API_ATTENTION_H

#include "web/call.h"

void api_attention(struct call *call, struct session *session);

#endif
