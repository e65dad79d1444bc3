/*
 * The description of the API, made from the table of routes. Pure.
 */
#ifndef WEB_OPENAPI_H
#define WEB_OPENAPI_H

#include "contract/bytes.h"

/* OpenAPI 3.0; base_path is "" or like "/roomhook". */
void openapi_put(struct buffer *out, const char *base_path);

#endif
