/*
 * A queue as programs for operators read and change it, the command line and the web service: its
 * keys, a connection that waits for each answer, and where failures and progress are reported. One
 * thread uses a session at a time.
 *
 * "False with the failure reported" means that session->tell was called with it, once.
 */
#ifndef ADMIN_SESSION_H
#define ADMIN_SESSION_H

#include <stdbool.h>
#include <stdint.h>

#include "contract/keys.h"
#include "contract/redis_address.h"
#include "redis/blocking.h"
#include "redis/options.h"

#define SESSION_TIMEOUT_MS 5000 /* connecting, and each reply */
#define SESSION_BATCH 100       /* ids in one command or script */

enum admin_result {
    ADMIN_DONE,
    ADMIN_FAILED,  /* Redis could not be asked, or it refused */
    ADMIN_INVALID, /* what was to be stored is not valid */
    ADMIN_MISSING, /* there is nothing of that name */
    ADMIN_CONFLICT /* it is not in the state that this needs */
};

struct session {
    struct keys keys;
    struct redis_address address;
    struct tls_files tls;
    struct redis_blocking *redis; /* connects at its first use */
    void (*tell)(void *context, enum admin_result result, const char *why);
    void (*progress)(void *context, const char *what, uint64_t done); /* NULL: nobody looks; what is
                                                                         NULL at the end */
    void *context;
};

/* Fills in all but tell, progress and context, without connecting; name, a literal, is what CLIENT
 * LIST shows. 0, or -1 with *why. */
int session_open(struct session *session, const struct redis_options *options, const char *name,
                 struct error_text *why);
void session_close(struct session *session); /* also of a zeroed one */

/* Reports a failure; returns result. */
enum admin_result session_refused(const struct session *session, enum admin_result result,
                                  const char *format, ...) __attribute__((format(printf, 3, 4)));

/* The same for ADMIN_FAILED. */
enum admin_result session_failed(const struct session *session, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* The same in the words of the last command that failed. */
enum admin_result session_redis_failed(const struct session *session);

/* Sends one command: true with the caller's reply, or false with the failure reported. */
bool session_ask(struct session *session, const struct bytes *args, size_t args_len,
                 struct reply **ret_reply);

bool session_server_time(struct session *session, int64_t *ret_now_ms); /* as above */

/* How far long work is. */
void session_progress(const struct session *session, const char *what, uint64_t done);
void session_progress_end(const struct session *session);

#endif
