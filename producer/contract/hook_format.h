/*
 * What a hook's bodies look like: the keys "format" and "template" of its JSON.
 */
#ifndef CONTRACT_HOOK_FORMAT_H
#define CONTRACT_HOOK_FORMAT_H

#include <jansson.h>

#include "contract/bytes.h"
#include "contract/template.h"

enum hook_format {
    HOOK_FORMAT_SPIKA,
    HOOK_FORMAT_BARE,
    HOOK_FORMAT_STANDARD,
    HOOK_FORMAT_CLOUDEVENTS,
    HOOK_FORMAT_SLACK, /* from here on each is a template: the hook has it */
    HOOK_FORMAT_DISCORD,
    HOOK_FORMAT_MATTERMOST,
    HOOK_FORMAT_TEMPLATE /* the hook's own; "format" does not name it */
};

const char *hook_format_name(enum hook_format format);

/* By its name. 0, or -1 with *why. */
int hook_format_read(const json_t *value, enum hook_format *ret_format, struct error_text *why);

/* The template of a format that is one; NULL of others. 0, or -2 with *why: no memory. */
int hook_format_template(enum hook_format format, struct template **ret_template,
                         struct error_text *why);

#endif
