/*
 * HTTP POSTs over libcurl's multi interface on the loop. Everything a stranger's server can do ends
 * as one struct http_result: late, endless, broken and hostile answers included.
 *
 * A transfer is taken from the pool, its request rendered in place, started, and answered by
 * exactly one call of done_fn, from the loop, never from inside http_client_start. It goes back to
 * the pool by itself when done_fn returns.
 */
#ifndef HTTP_CLIENT_H
#define HTTP_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/loop.h"
#include "contract/address_guard.h"
#include "contract/dead_letter.h"
#include "contract/proxy.h"
#include "contract/url.h"
#include "http/attempt_result.h"
#include "http/render.h"

struct http_client;
struct http_transfer;

struct http_client_config {
    const struct address_guard *guard; /* must outlive the client; may change between transfers */
    const char *ca_file;
    const char *cert; /* ours, PEM; NULL for none */
    const char *key;
    const struct proxy_address *proxy; /* NULL or with an empty origin: none; as all here, it must
                                        * outlive the client */
    const char *proxy_password;
    const struct proxy_exception *no_proxy;
    size_t no_proxy_len;
    size_t max_transfers;
    size_t max_per_address;    /* see destinations.h */
    size_t max_response_bytes; /* of the body; what comes behind is not read */
    size_t max_body_bytes;     /* of a rendered request */
    bool https_only;
};

struct http_target {
    const char *url_text; /* copied */
    const struct url *url;
    int64_t timeout_ms;
    int64_t connect_timeout_ms;
    struct bytes owner; /* the room: name look-ups are shared out among those; not kept */
    bool fresh;         /* not on a pooled connection */
    /* Both are called from inside libcurl: nothing of this client may be called. NULL: nobody asks.
     * context is that of http_transfer_start. */
    void (*status_came)(void *context); /* the final one; the body has not ended */
    /* A connection leads there, or would if there were a place; as destinations count. */
    void (*led_to)(void *context, const char *address);
};

struct http_result {
    struct attempt_result attempt;
    char error[160];       /* one sentence for operators, "" when answered */
    struct bytes response; /* the first DEAD_RESPONSE_MAX bytes of the answer's body */
    struct bytes location; /* Location of a 3xx as it came, borrowed as the response is; or empty */
    int64_t duration_ms;
    bool reused; /* went over a pooled connection */
};

typedef void http_done_fn(void *context, const struct http_result *result);

/* NULL with *why set: no memory, or libcurl or the CA file are not usable. */
struct http_client *http_client_new(struct loop *loop, const struct http_client_config *config,
                                    struct error_text *why);
void http_client_free(
    struct http_client *client); /* NULL allowed; unfinished transfers are cut without a call */

/* No transfer is under way. */
bool http_client_is_idle(const struct http_client *client);

/* Proves, without a network, that the address guard is asked and obeyed. 0, or -1: do not start. */
int http_client_self_test(struct http_client *client, struct error_text *why);

struct http_transfer *http_transfer_new(struct http_client *client);   /* NULL: no memory */
struct request *http_transfer_request(struct http_transfer *transfer); /* render into this */
void http_transfer_drop(struct http_transfer *transfer); /* gives back one that was not started */
/* Ends a started transfer: its done_fn is not called. With what is known of its result now: a
 * timeout, unless a final status has come; borrowed until the next call. */
void http_transfer_cancel(struct http_transfer *transfer);
void http_transfer_cut(struct http_transfer *transfer, struct http_result *ret_result);

void http_transfer_start(struct http_transfer *transfer, const struct http_target *target,
                         http_done_fn *fn, void *context);

/* To be called now and then: a CA file that changed holds for connections that are made from then
 * on. */
void http_client_look(struct http_client *client);

#endif
