/*
 * The inside of one JSON string as a template makes it: what its owner wrote and what events hold,
 * character by character. It stays a JSON string whatever comes, keeps to the receiver's length,
 * and mentions neither everybody nor, in markup, anybody by what came with an event.
 */
#ifndef CONTRACT_TEMPLATE_TEXT_H
#define CONTRACT_TEMPLATE_TEXT_H

#include <stdbool.h>
#include <stdint.h>

#include "contract/bytes.h"

struct template_mention;

struct template_rules {
    size_t length_max;   /* characters of a string, as JavaScript counts them; 0: no limit */
    bool escapes_markup; /* of events: &, < and > as entities, as Slack wants it */
    bool is_for_chat;    /* of events: no NUL, which some cannot store */
};

enum template_origin {
    TEMPLATE_OF_OWNER,
    TEMPLATE_OF_EVENT
};

struct template_text {
    struct buffer *out;
    struct template_rules rules;
    size_t values_left; /* bytes that events may still add */
    size_t len;         /* of the string, in characters */
    size_t cut_at;      /* where the buffer is cut when the string becomes too long */
    bool is_full;

    const struct template_mention *mention; /* that it may become, behind an '@'; NULL: none yet */
    size_t word_len;                        /* how much of its word is there */

    bool has_at;      /* an '@', and maybe a part of a word, came last */
    bool is_of_event; /* some of that, or of the '<' that came last */
    bool has_angle;   /* a '<' came last */
    char held;        /* the last character of a mention, until it is known to end; 0: none */
    enum template_origin held_origin;
};

/* values_max: bytes that events may add, all strings together. */
void template_text_init(struct template_text *text, struct buffer *out,
                        const struct template_rules *rules, size_t values_max);

void template_text_begin(struct template_text *text); /* a string begins */
void template_text_end(struct template_text *text);   /* and ends; quotes are the caller's */

void template_text_put(struct template_text *text, struct bytes utf8, enum template_origin origin);

/* What stands between the quotes of a JSON string. */
void template_text_put_json(struct template_text *text, struct bytes string);

#endif
