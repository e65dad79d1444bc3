/*
 * The producer library: puts events on a queue's stream.
 *
 *     struct rh_producer *producer;
 *     struct rh_producer_options options = {.redis = "redis://127.0.0.1:6379/0"};
 *     if (rh_producer_open(&options, &producer) != RH_OK) …
 *     struct rh_event event = {.document = text, .document_len = strlen(text)};
 *     char id[RH_STREAM_ID_SIZE];
 *     if (rh_producer_send(producer, &event, id) != RH_OK)
 *         fprintf(stderr, "%s\n", rh_producer_error(producer));
 *     rh_producer_close(producer);
 *
 * A producer is one blocking connection. It is not thread-safe: use one for each thread. It
 * connects at the first send and again by itself after a lost connection; it never sends an event
 * twice on its own. The process should ignore SIGPIPE.
 *
 * Where Redis is:
 *
 *     redis://[[user]:password@]host[:port][/db]     port 6379, database 0
 *     rediss://...                                   the same over TLS
 *     unix:///path/to/socket[?db=n]                  also &user=... and &password=...
 *     redis+sentinel://[[user]:password@]host[:port][,host[:port]...]/master[/db]
 *                                                    these Sentinels (port 26379) are asked for the
 *                                                    master of this name at every connect; user and
 *                                                    password are for Redis, those of the Sentinels
 *                                                    are ?sentinel-user=...&sentinel-password=...
 *     rediss+sentinel://...                          the same, Redis and Sentinels over TLS
 *
 * User and password are percent-encoded; "user@host" is allowed when the password is given apart.
 * With TLS, certificates are always verified, and must be for the host that is connected to.
 */
#ifndef ROOMHOOK_PRODUCER_H
#define ROOMHOOK_PRODUCER_H

#include <stddef.h>

#include "roomhook/event.h"
#include "roomhook/status.h"
#include <roomhook/version.h>

#ifdef __cplusplus
extern "C" {
#endif

struct rh_producer;

/* Zero or NULL means the default. Strings are copied; files are read once, when opening. */
struct rh_producer_options {
    const char *redis;      /* default redis://127.0.0.1:6379/0 */
    const char *queue;      /* [A-Za-z0-9_-]{1,64}; default "webhooks" */
    int connect_timeout_ms; /* default 5000 */
    int command_timeout_ms; /* for each answer; default 5000 */
    size_t max_event_bytes; /* default RH_EVENT_MAX_BYTES; the workers have a limit of their own */
    const char *password;   /* instead of the URL's; not percent-encoded */
    const char *tls_ca;     /* PEM file of whom to trust over TLS; default: the system's */
    const char *tls_cert; /* PEM file of our own certificate, where Redis wants one; with tls_key */
    const char *tls_key;  /* PEM file of its key, not encrypted */
    const char *sentinel_password; /* of the Sentinels, as password */
};

/* What became of one event of rh_producer_send_many. */
struct rh_result {
    int status;                 /* RH_OK or why this event was not (or perhaps not) stored */
    char id[RH_STREAM_ID_SIZE]; /* its stream id when RH_OK, else "" */
    char why[160];              /* a sentence when not RH_OK, else "" */
};

/*
 * Makes a producer without connecting. RH_ERR_ARGUMENT when an option is wrong, RH_ERR_MEMORY.
 * When it fails *ret_producer holds a producer that only rh_producer_error and rh_producer_close
 * may be given, or NULL when out of memory.
 */
RH_API RH_MUST_CHECK int rh_producer_open(const struct rh_producer_options *options,
                                          struct rh_producer **ret_producer);

/* Sends one event. On RH_OK its stream id is written to ret_id (which may be NULL). */
RH_API RH_MUST_CHECK int rh_producer_send(struct rh_producer *producer,
                                          const struct rh_event *event,
                                          char ret_id[RH_STREAM_ID_SIZE]);

/*
 * Sends many events, pipelined. Invalid events are refused one by one and do not hold back the
 * others; results[i] is that of events[i]. RH_OK when all were stored, else the code of the first
 * failure. When the connection breaks midway the events without an answer are RH_ERR_UNKNOWN, those
 * not yet sent RH_ERR_UNREACHABLE. Events behind one that Redis refuses may be stored: to resume,
 * send those again whose result is not RH_OK, and no others. Sent in chunks, each in one round
 * trip, so that any number is fine.
 */
RH_API RH_MUST_CHECK int rh_producer_send_many(struct rh_producer *producer,
                                               const struct rh_event *events, size_t events_len,
                                               struct rh_result *results);

/* What went wrong in the last failed call, "" before; valid until the next call on the producer. */
RH_API const char *rh_producer_error(const struct rh_producer *producer);

/* Closes the connection and frees the producer; NULL is allowed. */
RH_API void rh_producer_close(struct rh_producer *producer);

#ifdef __cplusplus
}
#endif

#endif
