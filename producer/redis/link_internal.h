/*
 * What the two files of redis_link share: link.c keeps the connection, link_command.c
 * what goes over it.
 */
#ifndef REDIS_LINK_INTERNAL_H
#define REDIS_LINK_INTERNAL_H

#include <sys/queue.h>

#include "redis/link.h"
#include "redis/link_outage.h"
#include "redis/link_reader.h"
#include "redis/login.h"

struct bufferevent;
struct sentinel_query;

enum link_state {
    LINK_DOWN,       /* waiting to connect again */
    LINK_ASKING,     /* the Sentinels */
    LINK_CONNECTING, /* name look-up, TCP and TLS */
    LINK_GREETING,   /* AUTH … ROLE are under way */
    LINK_UP
};

struct pending {
    STAILQ_ENTRY(pending) link;
    redis_reply_fn *fn;
    void *context;
    int64_t deadline_at_ms;
    bool by_sha;                        /* an EVALSHA */
    char about[REDIS_FAULT_ABOUT_SIZE]; /* what was asked: command and first argument */
};

STAILQ_HEAD(pending_list, pending);

struct redis_link {
    struct loop *loop;
    struct redis_link_config config;
    enum link_state state;
    struct sentinel_query *sentinels; /* NULL without Sentinels */
    struct bufferevent *io;
    redisReader *reader;
    struct login login;
    size_t answered; /* how much of it */
    struct reply_memory replies;
    size_t fed;     /* bytes given to the reader since the last whole reply */
    unsigned epoch; /* grows with every drop, so that callbacks notice it */
    int failures;   /* losses in a row, without a steady connection between */
    int64_t up_at_ms;
    struct link_outage outage; /* since it was up last */
    uint64_t random;
    bool no_sha;            /* EVALSHA is not for us: all scripts go as text */
    uint32_t scripts_known; /* bit n: script n was sent as text on this connection */
    struct pending_list waiting;
    struct loop_timer deadline;
    struct loop_timer reconnect;
};

/* Closes the connection, answers all that wait with NULL, plans the next connect. */
void redis_link_lose(struct redis_link *link, enum redis_fault fault, const char *why);

/* The same as redis_link_send, also while greeting. */
int redis_link_send_now(struct redis_link *link, const struct redis_args *args, int64_t deadline_ms,
                        redis_reply_fn *fn, void *context);

void redis_link_on_readable(struct bufferevent *io, void *context);

#endif
