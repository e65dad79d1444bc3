/*
 * From an event and a hook to the bytes of one HTTP request. Pure.
 *
 *   spika     {"data":{"message":…,"fromUser":…,"room":…},
 *              "headers":{"Content-Type":"application/json","Verification-Signature":"…"}}
 *   bare      {"message":…,"fromUser":…,"room":…}
 *   standard  {"type":"message.created","timestamp":"<ISO 8601>","data":{…}}
 *   cloudevents  {"specversion":"1.0","id":…,"source":"/rooms/438","type":…,"time":…,
 *                 "datacontenttype":"application/json","data":{…}}
 *   slack, discord, mattermost, and a hook's own template: see contract/template.h
 *
 * Absent parts are left out. The time is message.createdAt, else that of enqueueing.
 */
#ifndef HTTP_RENDER_H
#define HTTP_RENDER_H

#include <stdint.h>

#include "contract/bytes.h"
#include "contract/event_codec.h"
#include "contract/hook.h"

#define REQUEST_HEADERS_MAX (HOOK_MAX_HEADERS + 10)

struct render_input {
    const struct event *event;
    const struct hook *hook;
    struct bytes event_id;    /* the webhook-id */
    struct bytes traceparent; /* empty when none */
    int64_t queued_at_ms;     /* from the stream id */
    int64_t now_s;            /* wall clock, for webhook-timestamp */
    int attempt;              /* 1: the first */
};

/* Owned buffers, reusable: render clears them first. */
struct request {
    struct buffer body;
    struct buffer header_text;             /* "Name: value" lines, each ended by a NUL */
    size_t header_at[REQUEST_HEADERS_MAX]; /* where each line starts in header_text */
    size_t headers_len;
};

void request_init(struct request *request, size_t body_max);
void request_release(struct request *request); /* wipes what held credentials */
void request_clear(struct request *request);   /* the same, but keeps the memory for another one */

/* Header order: Content-Type, Verification-Signature, User-Agent, webhook-id, webhook-timestamp,
 * webhook-event, webhook-attempt, webhook-signature, webhook-hops, traceparent, the hook's own. 0,
 * or -1 when memory ran out or body_max was passed. */
int render(const struct render_input *input, struct request *request);

#endif
