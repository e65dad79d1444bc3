/*
 * The value of "hook set --template": JSON as it is, or the name of a file with JSON.
 */
#ifndef CLI_HOOK_TEMPLATE_FLAG_H
#define CLI_HOOK_TEMPLATE_FLAG_H

#include <jansson.h>

#include "contract/bytes.h"

/* A map or list, for json_decref; or NULL with *why. */
json_t *template_flag_read(const char *value, struct error_text *why);

#endif
