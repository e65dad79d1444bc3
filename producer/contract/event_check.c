#include "contract/event_check.h"

#include <stdio.h>

#include "contract/event_codec.h"
#include "contract/hook.h"
#include "contract/parse.h"

#define INLINE_ID_SIZE 32 /* "inline-" and a number */

static int refuse(struct error_text *why, const char *what)
{
    error_text_set(why, "%s", what);
    return RH_ERR_EVENT;
}

/* What stands beside the document. */
static int check_fields(const struct rh_event *event, size_t max_bytes, struct error_text *why)
{
    if (event->encoding != RH_JSON && event->encoding != RH_MSGPACK)
        return refuse(why, "encoding: must be RH_JSON or RH_MSGPACK");
    if (event->id && !parse_is_name(bytes_of(event->id)))
        return refuse(why, "id: must be 1..64 of A-Z a-z 0-9 _ -");
    if (event->hook && !parse_is_name(bytes_of(event->hook)))
        return refuse(why, "hook: must be 1..64 of A-Z a-z 0-9 _ -");
    if (!event->document || event->document_len == 0)
        return refuse(why, "the document is empty");
    if (event->document_len > max_bytes) {
        error_text_set(why, "the document has %zu bytes, at most %zu are allowed",
                       event->document_len, max_bytes);
        return RH_ERR_TOO_LARGE;
    }
    return RH_OK;
}

/* Every inline hook must be a hook, and the one that is asked for must be there. */
static int check_inline_hooks(const struct event *event, const char *wanted, struct error_text *why)
{
    bool found = wanted == NULL;

    for (size_t i = 0; i < event->inline_hooks_len; i++) {
        struct error_text hook_why;
        struct hook *hook;
        char id[INLINE_ID_SIZE];
        int problem;

        snprintf(id, sizeof(id), "inline-%zu", i);
        problem = hook_parse(bytes_of(id), event->inline_hooks[i], &hook, &hook_why);
        if (problem) {
            error_text_set(why, "webhooks[%zu]: %s", i, hook_why.text);
            return problem == HOOK_NO_MEMORY ? RH_ERR_MEMORY : RH_ERR_EVENT;
        }
        hook_free(hook);
        found = found || bytes_equal_text(bytes_of(wanted), id);
    }
    return found ? RH_OK : refuse(why, "hook: is none of the document's webhooks (inline-0, …)");
}

static int check_document(const struct rh_event *given, struct error_text *why)
{
    struct bytes document = {given->document, given->document_len};
    struct event event;
    int status = RH_OK;
    int problem = event_decode(given->encoding, document, &event, why);

    if (problem)
        return problem == EVENT_NO_MEMORY ? RH_ERR_MEMORY : RH_ERR_EVENT;
    if (event.has_inline_hooks)
        status = check_inline_hooks(&event, given->hook, why);
    event_release(&event);
    return status;
}

int event_check(const struct rh_event *event, size_t max_bytes, char *why, size_t why_size)
{
    struct error_text error = {""};
    int status = check_fields(event, max_bytes, &error);

    if (status == RH_OK)
        status = check_document(event, &error);
    if (why_size > 0)
        snprintf(why, why_size, "%s", error.text);
    return status;
}

int rh_event_check(const struct rh_event *event, char *why, size_t why_size)
{
    return event_check(event, RH_EVENT_MAX_BYTES, why, why_size);
}
