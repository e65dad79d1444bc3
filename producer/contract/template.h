/*
 * Templates of bodies: a JSON value in whose strings {{…}} stand for values of the event. Parsed
 * once, when a hook is read; a delivery only walks through the pieces.
 *
 *   {"text": "{{fromUser.displayName|fromUser.name|\"Somebody\"}}: {{message.body.text}}"}
 *
 * Between the braces are alternatives, of which the first counts that is there and is neither null
 * nor an empty string; none of them: nothing. Each is a path, the last one may be a text in quotes.
 * A path begins with message, fromUser or room, and names members and items below; or it is type,
 * timestamp (as of format standard) or id (the webhook-id). A value that is no string is written as
 * JSON. Keys of the template's own maps are no templates.
 */
#ifndef CONTRACT_TEMPLATE_H
#define CONTRACT_TEMPLATE_H

#include <jansson.h>
#include <stdint.h>

#include "contract/bytes.h"
#include "contract/event_codec.h"
#include "contract/template_text.h"

#define TEMPLATE_BYTES_MAX 16384       /* as compact JSON */
#define TEMPLATE_DEPTH_MAX 8           /* levels of maps and lists */
#define TEMPLATE_PLACES_MAX 32         /* of {{…}} */
#define TEMPLATE_CHOICES_MAX 64        /* alternatives of all: each looks through a part */
#define TEMPLATE_PATH_MAX 256          /* bytes of a path */
#define TEMPLATE_BODY_MAX (256u << 10) /* bytes of a body: what values add is cut to that */

/* To find values the parts of an event are read, once an alternative and level: all in all at most
 * this many times and this many bytes more, some 10 ms of an event of 256 KiB. What is not found by
 * then is not there. */
#define TEMPLATE_READ_TIMES 8
#define TEMPLATE_READ_BYTES (1u << 20)

struct template;

/* Reads and checks one. 0, -1 with *why when it is not valid, or -2 with *why: no memory. */
int template_parse(json_t *value, const struct template_rules *rules,
                   struct template **ret_template, struct error_text *why);

void template_free(struct template *template); /* NULL allowed */

struct template_values {
    const struct event *event;
    struct bytes event_id;
    int64_t queued_at_ms;
};

/* When it happened: message.createdAt, else when it was queued. */
int64_t template_when_ms(const struct template_values *values);

/* Appends the body, at most TEMPLATE_BODY_MAX bytes. */
void template_render(const struct template *template, const struct template_values *values,
                     struct buffer *out);

#endif
