#include "http/tls_sessions.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#define HASH_NONFATAL_OOM 1
#define HASH_FUNCTION HASH_OAT
#include <uthash.h>

#include "base/loop.h"

#define TAKEN_MAX 4 /* of one connection: a receiver may send them without end */

struct kept {
    UT_hash_handle hh;
    TAILQ_ENTRY(kept) used; /* longest ago first */
    int64_t verified_at_ms;
    SSL_SESSION *session;
    size_t len; /* written down */
    char peer[];
};

TAILQ_HEAD(kept_list, kept);

struct tls_sessions {
    struct kept *by_peer;
    struct kept_list used;
    size_t bytes;
    int64_t keep_from_ms; /* what is verified before may go by what was trusted then */
};

/* What a context has to know. */
struct attached {
    struct tls_sessions *sessions;
    int64_t began_at_ms;
    int64_t verified_at_ms; /* of the session that was offered to the peer */
    int taken;
    char peer[];
};

static void free_attached(void *parent, void *data, CRYPTO_EX_DATA *all, int index, long number,
                          void *argument)
{
    (void)parent;
    (void)all;
    (void)index;
    (void)number;
    (void)argument;
    free(data);
}

/* The place of ours in a context, which OpenSSL gives for the life of the process. */
static int place(void)
{
    static int index = -1;
    if (index < 0)
        index = SSL_CTX_get_ex_new_index(0, NULL, NULL, NULL, free_attached);
    return index;
}

static struct attached *attached_to(const SSL *ssl)
{
    return SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), place());
}

struct tls_sessions *tls_sessions_new(void)
{
    struct tls_sessions *sessions = calloc(1, sizeof(*sessions));
    if (sessions != NULL)
        TAILQ_INIT(&sessions->used);
    return sessions;
}

static void drop(struct tls_sessions *sessions, struct kept *kept)
{
    HASH_DEL(sessions->by_peer, kept);
    TAILQ_REMOVE(&sessions->used, kept, used);
    sessions->bytes -= kept->len;
    SSL_SESSION_free(kept->session);
    free(kept);
}

void tls_sessions_forget_all(struct tls_sessions *sessions)
{
    sessions->keep_from_ms = loop_now_ms() + TLS_SESSIONS_PAUSE_MS;
    while (!TAILQ_EMPTY(&sessions->used))
        drop(sessions, TAILQ_FIRST(&sessions->used));
}

void tls_sessions_free(struct tls_sessions *sessions)
{
    if (sessions == NULL)
        return;
    tls_sessions_forget_all(sessions);
    free(sessions);
}

static struct kept *find(const struct tls_sessions *sessions, const char *peer)
{
    struct kept *kept = NULL;
    HASH_FIND_STR(sessions->by_peer, peer, kept);
    return kept;
}

void tls_sessions_forget(struct tls_sessions *sessions, const char *peer)
{
    struct kept *kept = find(sessions, peer);
    if (kept != NULL)
        drop(sessions, kept);
}

size_t tls_sessions_len(const struct tls_sessions *sessions)
{
    return HASH_COUNT(sessions->by_peer);
}

/* --- what peers offer --- */

static bool keep(struct tls_sessions *sessions, const char *peer, SSL_SESSION *session, size_t len,
                 int64_t verified_at_ms)
{
    size_t size = strlen(peer) + 1;
    struct kept *kept;
    tls_sessions_forget(sessions, peer);
    while (HASH_COUNT(sessions->by_peer) >= TLS_SESSIONS_MAX ||
           sessions->bytes + len > TLS_SESSIONS_BYTES_MAX)
        drop(sessions, TAILQ_FIRST(&sessions->used));
    kept = calloc(1, sizeof(*kept) + size);
    if (kept == NULL)
        return false;
    memcpy(kept->peer, peer, size);
    HASH_ADD_STR(sessions->by_peer, peer, kept);
    if (kept->hh.tbl == NULL) {
        free(kept);
        return false;
    }
    TAILQ_INSERT_TAIL(&sessions->used, kept, used);
    kept->verified_at_ms = verified_at_ms;
    kept->session = session;
    kept->len = len;
    sessions->bytes += len;
    return true;
}

/* The same with the peer's certificate alone: the others of its chain are many times as large, and
 * were needed only to verify it. NULL: no memory. */
static SSL_SESSION *without_chain(const SSL_SESSION *session)
{
    unsigned char *der = NULL;
    int len = i2d_SSL_SESSION(session, &der);
    const unsigned char *at = der;
    SSL_SESSION *smaller = len > 0 ? d2i_SSL_SESSION(NULL, &at, len) : NULL;
    OPENSSL_clear_free(der, len > 0 ? (size_t)len : 0);
    return smaller;
}

/* OpenSSL's callback; 0: the session stays its own. What is kept is a copy: OpenSSL marks a session
 * as useless when its connection is not shut down in order. */
static int on_session(SSL *ssl, SSL_SESSION *session)
{
    struct attached *attached = attached_to(ssl);
    bool is_resumed = SSL_session_reused(ssl) == 1;
    if (attached == NULL || attached->taken == TAKEN_MAX ||
        attached->began_at_ms < attached->sessions->keep_from_ms ||
        SSL_SESSION_is_resumable(session) != 1)
        return 0;
    attached->taken++;
    int len = i2d_SSL_SESSION(session, NULL);
    if (len <= 0 || (size_t)len > TLS_SESSION_BYTES_MAX)
        return 0;
    /* One that was resumed has no chain. */
    SSL_SESSION *copy = is_resumed ? SSL_SESSION_dup(session) : without_chain(session);
    if (copy != NULL && !keep(attached->sessions, attached->peer, copy, (size_t)len,
                              is_resumed ? attached->verified_at_ms : attached->began_at_ms))
        SSL_SESSION_free(copy);
    return 0;
}

/* --- what they are offered --- */

static void offer(struct attached *attached, SSL *ssl)
{
    struct tls_sessions *sessions = attached->sessions;
    struct kept *kept = find(sessions, attached->peer);
    if (kept == NULL)
        return;
    if (loop_now_ms() - kept->verified_at_ms >= TLS_SESSION_LIFE_MS) {
        drop(sessions, kept);
        return;
    }
    TAILQ_REMOVE(&sessions->used, kept, used);
    TAILQ_INSERT_TAIL(&sessions->used, kept, used);
    SSL_SESSION *copy = SSL_SESSION_dup(kept->session);
    if (copy != NULL && SSL_set_session(ssl, copy) == 1)
        attached->verified_at_ms = kept->verified_at_ms;
    SSL_SESSION_free(copy);
}

/* OpenSSL's callback. libcurl sets sessions of its own only, but a handshake reports its beginning,
 * before anything is written. */
static void on_state(const SSL *ssl, int where, int value)
{
    struct attached *attached = attached_to(ssl);
    (void)value;
    if ((where & SSL_CB_HANDSHAKE_START) == 0 || attached == NULL || SSL_get_session(ssl) != NULL)
        return;
    /* OpenSSL hands out as const what is the caller's own. */
    const union {
        const SSL *given;
        SSL *own;
    } handle = {.given = ssl};
    offer(attached, handle.own);
}

int tls_sessions_attach(struct tls_sessions *sessions, SSL_CTX *context, const char *peer)
{
    size_t size = strlen(peer) + 1;
    struct attached *attached = calloc(1, sizeof(*attached) + size);
    if (attached == NULL)
        return -1;
    attached->sessions = sessions;
    attached->began_at_ms = loop_now_ms();
    memcpy(attached->peer, peer, size);
    if (place() < 0 || SSL_CTX_set_ex_data(context, place(), attached) != 1) {
        free(attached);
        return -1;
    }
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(context, on_session);
    SSL_CTX_set_info_callback(context, on_state);
    SSL_CTX_clear_options(context, SSL_OP_NO_TICKET); /* libcurl has TLS 1.2 do without */
    return 0;
}
