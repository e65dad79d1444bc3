#include <stdlib.h>
#include <string.h>

#include "contract/hook.h"
#include "contract/json_read.h"
#include "contract/parse.h"

#define ANY_BELOW ".*"
#define ANY_BELOW_LEN (sizeof(ANY_BELOW) - 1)

/* What is in front of ".*"; all of text when it does not end so. */
static struct bytes without_any_below(struct bytes text, bool *ret_any_below)
{
    *ret_any_below = text.len > ANY_BELOW_LEN &&
                     memcmp(text.data + text.len - ANY_BELOW_LEN, ANY_BELOW, ANY_BELOW_LEN) == 0;
    return (struct bytes){text.data, text.len - (*ret_any_below ? ANY_BELOW_LEN : 0)};
}

static bool matches(const char *pattern, struct bytes type)
{
    bool any_below;
    struct bytes name = without_any_below(bytes_of(pattern), &any_below);

    if (!any_below)
        return bytes_equal(name, type);
    return type.len > name.len && type.data[name.len] == '.' &&
           memcmp(type.data, name.data, name.len) == 0;
}

bool hook_takes_type(const struct hook *hook, struct bytes type)
{
    for (size_t i = 0; i < hook->types_len; i++) {
        if (matches(hook->types[i], type))
            return true;
    }
    return hook->types_len == 0;
}

/* --- reading --- */

/* 0, -1: it is none, or -2: no memory. */
static int add(struct hook *hook, const json_t *value)
{
    bool any_below;
    struct bytes text = json_text_of(value);
    struct bytes name = without_any_below(text, &any_below);
    char *copy;

    if (!json_is_string(value) || !parse_is_event_type(name) || text.len > EVENT_TYPE_MAX)
        return -1;
    copy = strndup(text.data, text.len);
    if (!copy)
        return -2;
    hook->types[hook->types_len++] = copy;
    return 0;
}

int hook_types_read(struct hook *hook, const json_t *value, struct error_text *why)
{
    size_t len = json_array_size(value); /* 0 of what is no list */
    int problem = len >= 1 && len <= HOOK_TYPES_MAX ? 0 : -1;

    if (problem == 0)
        hook->types = calloc(len, sizeof(*hook->types));
    if (problem == 0 && !hook->types)
        problem = -2;
    for (size_t i = 0; problem == 0 && i < len; i++)
        problem = add(hook, json_array_get(value, i));
    if (problem == -2)
        error_text_set(why, "out of memory");
    else if (problem != 0)
        error_text_set(why,
                       "types: must be a list of 1 to %d event types like \"message.created\", or "
                       "\"message.*\" for all below",
                       HOOK_TYPES_MAX);
    return problem;
}
