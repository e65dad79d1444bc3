/*
 * The service: joins its parts, and takes each request to its route.
 */
#ifndef WEB_WEB_H
#define WEB_WEB_H

#include "web/options.h"

/* Until SIGTERM or SIGINT. An exit code. */
int web_run(const struct web_options *options);

#endif
