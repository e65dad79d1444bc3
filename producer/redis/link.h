/*
 * One connection to Redis on the loop: asks Sentinels when there are any, connects, greets
 * (redis/login.h), sends commands in order, gives each its reply, keeps deadlines, and comes back
 * by itself with a growing, jittered delay. It knows no stream.
 *
 * It counts and logs what Redis refuses (redis/link_faults.h), for all that send. After a refusal
 * that only a new connection can heal, by a replica for instance, it makes one.
 *
 * Every accepted command gets exactly one call of its reply function: with the reply, or with NULL
 * when the connection was lost or the deadline passed; then whether Redis executed it is unknown. A
 * connection that misses a deadline is dropped with all that waits on it. Nothing is ever sent
 * again by the link itself.
 */
#ifndef REDIS_LINK_H
#define REDIS_LINK_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "base/loop.h"
#include "contract/redis_address.h"
#include "redis/args.h"
#include "redis/link_faults.h"
#include "redis/reply.h"
#include "redis/script.h"

#define REDIS_COMMAND_DEADLINE_MS 5000
#define REDIS_REPLY_MAX (128u << 20) /* bytes of one reply; past it the connection is dropped */

struct redis_link;
struct ssl_ctx_st;

typedef void redis_reply_fn(void *context, const struct reply *reply);

struct redis_link_config {
    const struct redis_address *address;   /* must outlive the link */
    struct ssl_ctx_st **tls;               /* the same; holds NULL unless address->tls */
    void (*before_connect)(void *context); /* may change what address and tls point to */
    const char *role;                      /* "control" or "reader", for logs */
    const char *client_name;               /* for CLIENT SETNAME */
    struct redis_faults *faults;           /* shared by all links */
    void (*on_up)(void *context);          /* greeted; commands may be sent */
    void (*on_down)(void *context);        /* after the reply functions got their NULL */
    void *context;
};

struct redis_link *redis_link_new(struct loop *loop, const struct redis_link_config *config);
void redis_link_free(struct redis_link *link); /* NULL allowed; reply functions are not called */

void redis_link_start(struct redis_link *link);                 /* connect now */
void redis_link_drop(struct redis_link *link, const char *why); /* close, then connect again */
bool redis_link_is_up(const struct redis_link *link);

/* The address of the peer we talk to; -1 when not connected by IP. */
int redis_link_peer(const struct redis_link *link, struct sockaddr_storage *ret_address);

/* 0, or -1 when the link is not up or memory is out: then fn is never called. */
int redis_link_send(struct redis_link *link, const struct redis_args *args, int64_t deadline_ms,
                    redis_reply_fn *fn, void *context);

/* The same with words parted by single spaces: redis_link_say(link, fn, context, "CLIENT ID"). */
int redis_link_say(struct redis_link *link, redis_reply_fn *fn, void *context, const char *words);

/* Runs a script with keys_len keys leading args: by its SHA-1 when it is meant to be and this
 * connection has seen its text. On FAULT_NOSCRIPT send again at once: the text goes then. */
int redis_link_eval(struct redis_link *link, const struct redis_script *script, int keys_len,
                    const struct redis_args *args, redis_reply_fn *fn, void *context);

#endif
