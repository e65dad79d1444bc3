/*
 * What workers learnt about a hook, as a value of {Q}:hooks-state, and how it is shown. Pure.
 */
#ifndef ADMIN_HOOK_STATE_H
#define ADMIN_HOOK_STATE_H

#include <stdbool.h>
#include <stdint.h>

#include "contract/bytes.h"

/* Times are ms since 1970 by Redis' clock. What does not apply is 0, false or "". */
struct stored_state {
    int64_t at_ms;    /* of the last change */
    int64_t until_ms; /* paused until then */
    bool disabled;
    char reason[32]; /* of the pause or the disabling; printable */
    int64_t failing_since_ms;
    int64_t failures;     /* since then */
    int64_t status;       /* of the last failure */
    char error[200];      /* the same; printable */
    char fingerprint[16]; /* of the URL and credentials that all this is about */
    int64_t opens;        /* how often in a row the breaker opened */
    int64_t probe_at_ms;
};

enum hook_condition {
    HOOK_FINE,
    HOOK_PAUSED,  /* the receiver asked for rest; it may be failing too */
    HOOK_FAILING, /* no success since a failure, but everything is tried */
    HOOK_OPEN,    /* failed so often that only probes are sent */
    HOOK_DISABLED /* by workers */
};

/* What cannot be read says nothing. */
void hook_state_parse(struct bytes json, struct stored_state *ret_state);

/* What keeps deliveries from the hook most. */
enum hook_condition hook_state_condition(const struct stored_state *state, int64_t now_ms);
const char *hook_condition_name(enum hook_condition condition); /* "open"; HOOK_FINE: "" */
int hook_condition_parse(struct bytes name, enum hook_condition *ret_condition); /* 0, or -1 */

/* Since when; 0: not known. */
int64_t hook_state_since_ms(const struct stored_state *state, enum hook_condition condition);

/* When something is sent again: the next probe, or the end of the pause. 0: neither. */
int64_t hook_state_next_ms(const struct stored_state *state, enum hook_condition condition);

/* Appends why, "retry-after: answered 503"; nothing when nothing is known. */
void hook_state_put_why(struct buffer *out, const struct stored_state *state,
                        enum hook_condition condition);

/* Appends all of it in words: "paused until 2022-11-04T07:48:57.257Z: retry-after". */
void hook_state_put_text(struct buffer *out, const struct stored_state *state,
                         enum hook_condition condition);

/* Appends the condition as member "state" of an object, and what applies under its name in Redis;
 * nothing when the hook is fine. */
void hook_state_put_json(struct buffer *line, const struct stored_state *state,
                         enum hook_condition condition);

#endif
