/*
 * A test event, by which an operator tries one hook: an entry of the stream with a field "hook" and
 * a field "test". Its one attempt leaves nothing behind but a reply, a JSON object in a key of its
 * own (docs/protocol.md), which expires.
 */
#ifndef CONTRACT_TEST_EVENT_H
#define CONTRACT_TEST_EVENT_H

#define TEST_EVENT_TYPE "webhook.test"
#define TEST_EVENT_FIELD "test"
#define TEST_EVENT_VALUE "1"
#define TEST_EVENT_MAX_AGE_MS 60000 /* an older one is not sent: nobody waits for the reply */
#define TEST_EVENT_REPLY_KEPT_S 60

/* What became of it, in the reply's "outcome". */
#define TEST_EVENT_DELIVERED "delivered"
#define TEST_EVENT_FAILED "failed"     /* it was sent, or a connection was tried */
#define TEST_EVENT_NOT_SENT "not-sent" /* nothing was tried */

#endif
