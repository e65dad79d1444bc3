/*
 * What changes a hook.
 */
#ifndef WEB_API_HOOK_H
#define WEB_API_HOOK_H

#include "web/call.h"

void api_put_one_hook(struct call *call, struct session *session); /* replaces all of it */
void api_patch_hook(struct call *call, struct session *session);   /* RFC 7396 */
void api_remove_hook(struct call *call, struct session *session);
void api_enable_hook(struct call *call, struct session *session);
void api_disable_hook(struct call *call, struct session *session);
void api_resume_hook(struct call *call, struct session *session);
void api_rotate_hook(struct call *call, struct session *session);
void api_test_hook(struct call *call, struct session *session);

#endif
