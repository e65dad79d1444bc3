/*
 * The state of a hook: what workers learnt about it, a value of {Q}:hooks-state, and how its newest
 * attempts ended, a value of {Q}:hooks-recent; and how it is reported. Pure.
 */
#ifndef ADMIN_HOOK_STATE_H
#define ADMIN_HOOK_STATE_H

#include <stdbool.h>
#include <stdint.h>

#include "contract/bytes.h"

#define HOOK_RECENT_MAX 10 /* attempts */

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
    char recent[HOOK_RECENT_MAX + 1]; /* its newest attempts, oldest first: d delivered, s delivered
                                         but slow, f failed; "": fine, or nothing is known */
};

enum hook_condition {
    HOOK_FINE,
    HOOK_SLOW,    /* half of its newest deliveries took more than a second */
    HOOK_PAUSED,  /* the receiver asked for rest; it may be failing too */
    HOOK_FAILING, /* of its newest attempts too many failed, but everything is tried */
    HOOK_OPEN,    /* failed so often that only probes are sent */
    HOOK_DISABLED /* by workers */
};

/* From the values of both hashes. What cannot be read, or is about a hook of another fingerprint,
 * says nothing; NULL: the hook is not known, and what is about the hook of learnt counts. */
void hook_state_read(struct bytes learnt, struct bytes recent, const char *fingerprint,
                     struct stored_state *ret_state);

/* What keeps deliveries from the hook most. */
enum hook_condition hook_state_condition(const struct stored_state *state, int64_t now_ms);
const char *hook_condition_name(enum hook_condition condition); /* "healthy", "open" */
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

/* How many of its newest attempts are known to have failed. */
size_t hook_state_recent_failures(const struct stored_state *state);

/* Appends the condition as member "state" of an object, and unless the hook is fine what applies,
 * under its name in Redis. */
void hook_state_put_json(struct buffer *line, const struct stored_state *state,
                         enum hook_condition condition);

#endif
